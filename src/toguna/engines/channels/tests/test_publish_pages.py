"""Publications by the pages: written by one, approved by another, read by all; subscriptions by web and by words."""

from __future__ import annotations

import re
import uuid

import pytest
from django.core.cache import cache
from django.test import Client

from toguna.engines.channels import api
from toguna.engines.channels.models import Message, OptOut, Publication, Subscription
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.tests.test_publish import district, person  # noqa: F401
from toguna.engines.channels.ussd import sessions
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    cache.clear()
    understanding.forget()


def staff(role: str) -> Client:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test",
        password="long enough to be one",
        name=role,
        grants=[(role, "*", None)] if role else [],
    )
    client = Client()
    sign_in(client, account)
    return client


FORM = {
    "do": "save", "title_fr": "Coupure d'eau", "text_fr": "Demain de 8 h à 12 h dans votre quartier.", "by": ["sms", "email"],
    "known": "on", "most_parts": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "status"), [("", 403), ("reader", 403), ("agent", 200), ("manager", 200), ("administrator", 200)]
)
@pytest.mark.parametrize("path", ["/desk/publications/", "/desk/publications/new"])
def test_who_may_write(district, role, status, path):  # noqa: F811
    assert staff(role).get(path).status_code == status
    assert Client().get(path).status_code == 302


def test_from_the_draft_to_the_phone(district):  # noqa: F811
    person("+22370000001", zone=district[0])
    person("", "awa@example.org")
    writer, head, anyone = staff("agent"), staff("manager"), Client()
    assert writer.post("/desk/publications/new", {**FORM, "title_fr": ""}).status_code == 200  # said, nothing kept
    assert not Publication.objects.exists()
    address = writer.post("/desk/publications/new", FORM).url
    page = writer.get(address).content.decode()
    assert "Coupure d&#x27;eau. Demain de 8 h à 12 h dans votre quartier." in page and "Nord" in page
    assert anyone.get("/news/").status_code == 200 and "Coupure" not in anyone.get("/news/").content.decode()
    writer.post(address, {"do": "ask"})
    writer.post(address, {"do": "approve"})
    row = Publication.objects.get()
    assert row.state == "asked"  # an agent does not approve
    assert anyone.get(f"/p/{row.pk}").status_code == 404
    head.post(address, {"do": "approve"})
    from toguna.engines.channels.publish.actions import prepare

    prepare.func(row.pk)
    assert Message.objects.filter(publication=row).count() == 2
    assert "Coupure" in anyone.get("/news/").content.decode() and anyone.get(f"/p/{row.pk}").status_code == 200
    feed = anyone.get("/news/feed.rss").content.decode()
    assert "Coupure" in feed and f"/p/{row.pk}" in feed
    assert head.get(address).status_code == 200


def test_the_area_around_a_place(district):  # noqa: F811
    person("+22370000001", zone=district[0])
    person("+22370000002", zone=district[1])
    writer = staff("agent")
    assert writer.post("/desk/publications/new", {**FORM, "area": "nowhere"}).status_code == 422
    address = writer.post("/desk/publications/new", {**FORM, "area": "0.5, 1.5, 800 m"}).url
    row = Publication.objects.get()
    assert row.area is not None
    assert "0.5, 1.5, 800 m" in writer.get(address).content.decode()
    from toguna.engines.channels.publish import audiences

    assert sum(count for *_rest, count in audiences.counted(row)) == 1


def test_news_by_the_web_are_confirmed_first(district, client):  # noqa: F811
    assert client.get("/alerts/").status_code == 200
    zone = f"zone:{district[0].pk}"
    assert client.post("/alerts/", {"contact": "awa@example.org"}).status_code == 422
    assert client.post("/alerts/", {"contact": "zzz", "subject": zone}).status_code == 422
    assert client.post("/alerts/", {"contact": "awa@example.org", "subject": [zone, "bad:one"]}).status_code == 302
    row = Subscription.objects.get()
    assert row.confirmed is None and row.zone == district[0]
    link = re.search(r"/alerts/confirm/\S+", Message.objects.get(address="awa@example.org").text).group()
    assert client.get(link).status_code == 200  # looking (a mail scanner) confirms nothing
    row.refresh_from_db()
    assert row.confirmed is None
    client.post(link)
    row.refresh_from_db()
    assert row.confirmed is not None
    assert client.post("/alerts/stop/forged:token").status_code == 404
    from toguna.engines.channels.publish import subscribing

    stop = subscribing.link(row, "subscription-stop").partition("/alerts")[2]
    assert client.post(f"/alerts{stop}", {"List-Unsubscribe": "One-Click"}).status_code == 204
    row.refresh_from_db()
    assert row.ended is not None


def test_one_message_confirms_all_that_was_asked_for(district, client):  # noqa: F811
    wanted = {
        "contact": "70 00 00 07",
        "subject": ["town:", f"zone:{district[0].pk}"],
        "place": "0.5, 0.5",
        "radius": "1000",
    }
    assert client.post("/alerts/", {**wanted, "place": "nowhere at all"}).status_code == 422
    assert client.post("/alerts/", {**wanted, "radius": "1"}).status_code == 422
    assert not Subscription.objects.exists()
    client.post("/alerts/", wanted)
    assert {s.about for s in Subscription.objects.filter(confirmed=None)} == {"town", "zone", "area"}
    Subscription.objects.create(
        medium="sms", address=Subscription.objects.first().address, about="risk", created="2026-01-01T00:00Z"
    )
    client.post(re.search(r"/alerts/confirm/\S+", Message.objects.get().text).group())
    assert {s.about for s in Subscription.objects.filter(confirmed=None)} == {"risk"}  # asked for another day


def test_news_by_sms(district):  # noqa: F811
    def say(text: str) -> str:
        row = api.receive("sms", "+22370000009", text)
        return row.answer.text if row.answer else ""

    assert "Nord" in say("ABONNER nord")
    row = Subscription.objects.get()
    assert row.confirmed and row.about == "zone" and row.zone == district[0]
    assert "?" in say("abonner")
    assert "Sud" in say("sud")
    say("desabonner nord")
    assert [r.zone for r in Subscription.objects.filter(ended=None)] == [district[1]]
    assert "1 km" in say("ABONNER 0.5, 0.5")
    assert Subscription.objects.get(about="area").radius_m == 1000
    say("DESABONNER")
    assert not Subscription.objects.filter(ended=None).exists()


def test_news_by_the_menus_of_any_phone(district):  # noqa: F811
    typed: list[str] = []

    def press(words: str) -> sessions.Screen:
        """Types the number of the line that says that, on whichever page it is."""
        for _page in range(9):
            shown = sessions.step("one", "+22370000009", typed).text
            found = re.search(rf"^(\d+) {words}", shown, re.MULTILINE)
            typed.append(found[1] if found else sessions.MORE)
            if found:
                return sessions.step("one", "+22370000009", typed)
        pytest.fail(f"{words}: {shown}")

    press("Recevoir les nouvelles de mon quartier")
    said = press("Sud")
    row = Subscription.objects.get()
    assert row.medium == "sms" and row.confirmed and row.zone == district[1] and "Sud" in said.text


def test_news_by_mail(district, client):  # noqa: F811
    OptOut.objects.create(medium="email", address="awa@example.org")
    api.receive("email", "awa@example.org", "ABONNER nord")
    made = Subscription.objects.get()
    assert (made.medium, made.address, made.zone) == ("email", "awa@example.org", district[0])
    assert made.confirmed is None  # whoever wrote it may be somebody else
    sent = Message.objects.get(key__startswith="subscription:")
    client.post(re.search(r"/alerts/confirm/\S+", sent.text).group())
    assert Subscription.objects.get().confirmed and not OptOut.objects.exists()
    api.receive("email", "awa@example.org", "DESABONNER")
    assert not Subscription.objects.filter(ended=None).exists()
