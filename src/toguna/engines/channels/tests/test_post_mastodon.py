"""News on Mastodon: each publication once, whatever happens to the answer."""

from __future__ import annotations

import pytest
from django.utils import timezone

from toguna.engines.channels.gateway.media import Busy, Outgoing, Unsendable
from toguna.engines.channels.models import Message, Publication, Route
from toguna.engines.channels.post import mastodon, wire
from toguna.simulate.mastodon import Mastodon

pytestmark = pytest.mark.django_db


@pytest.fixture
def server():
    with Mastodon() as made:
        made.given = {"server": made.url, "token": made.TOKEN}
        Route.objects.create(slug="masto", medium="social", kind="mastodon", settings=made.given)
        yield made


def out(server, row: Message, **more):
    values = {
        "id": row.pk,
        "key": row.key,
        "medium": "social",
        "address": row.address,
        "text": row.text,
        "language": row.language,
    }
    return mastodon.deliver(Outgoing(**{**values, "settings": server.given, **more}))


def published(**more) -> Publication:
    values = {"state": "sending", "started": timezone.now(), "media": ["sms", "social"], **more}
    return Publication.objects.create(titles={"fr": "Eau coupée"}, texts={"fr": "Demain. " * 200}, **values)


def test_each_publication_is_posted_once(server):
    row = published()
    published(media=["sms"])
    published(state="draft")
    mastodon.post_new()
    mastodon.post_new()
    message = Message.objects.get()
    assert len(message.text) <= 500 and message.text.startswith("Eau coupée") and f"/p/{row.pk}" in message.text
    assert out(server, message).reference.endswith("/@town/1")
    assert server.sent[0]["language"] == "fr"


@pytest.mark.parametrize("fault", ["lost", "timeout"])
def test_an_answer_that_is_lost_doubles_nothing(server, fault, monkeypatch):
    published()
    mastodon.post_new()
    server.next_faults = [fault]
    with pytest.raises(Busy), monkeypatch.context() as patch:
        if fault == "timeout":
            patch.setattr(wire, "WAITS", 1)
        out(server, Message.objects.get())
    assert out(server, Message.objects.get()).reference.endswith("/@town/1") and len(server.sent) == 1


def test_faults(server):
    published()
    mastodon.post_new()
    row = Message.objects.get()
    server.next_faults = ["busy"]
    with pytest.raises(Busy) as busy:
        out(server, row)
    assert busy.value.route_down and 100 < busy.value.after <= 120
    with pytest.raises(Busy) as wrong:
        out(server, row, settings={**server.given, "token": "no"})
    assert wrong.value.route_down
    with pytest.raises(Unsendable):
        out(server, row, text="")


def test_without_a_server_nothing_waits_for_one():
    published()
    mastodon.post_new()
    assert not Message.objects.exists()
