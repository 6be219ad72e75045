"""A letter that leaves can be answered, returned and refused: it says how, and an answer stands under what it answers."""

from __future__ import annotations

import re

import pytest
from django.core.mail import get_connection
from django.test import Client

from toguna.engines.channels import settings as channel_settings
from toguna.engines.channels.gateway.media import Outgoing
from toguna.engines.channels.models import Incoming, Message, OptOut, Publication, Subscription
from toguna.engines.channels.post import mail_in, mail_out
from toguna.engines.channels.post.stamps import read_stamp
from toguna.kernel import town

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def made(**more) -> tuple[str, object]:
    values = {
        "id": 7,
        "key": "case.moved:1:email",
        "medium": "email",
        "address": "awa@example.org",
        "text": "Bonjour",
        **more,
    }
    letter = mail_out.letter(
        Outgoing(**values), "mairie@ville.example", get_connection("django.core.mail.backends.dummy.EmailBackend")
    )
    return letter.message().as_string(), letter


def header(letter: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*(?:\n[ \t].*)*)", letter, re.M)
    return re.sub(r"\s+", " ", found.group(1)) if found else ""


def test_an_answer_stands_under_what_it_answers():
    raw = (
        b"From: awa@example.org\r\nMessage-ID: <q1@example.org>\r\nReferences: <a@x> <b@x>\r\nSubject: Conseil\r\n\r\n"
        b"Quand se tient le prochain conseil, et peut-on y assister avec une classe de trente ?"
    )
    row = mail_in.take(raw)
    answer = Message.objects.get()
    letter, _made = made(id=answer.pk, key=answer.key, text=answer.text)
    assert header(letter, "In-Reply-To") == "<q1@example.org>"
    assert header(letter, "References") == "<a@x> <b@x> <q1@example.org>"
    assert header(letter, "Subject") == "Re: Conseil" and header(letter, "Auto-Submitted") == "auto-replied"
    written, _made = made(id=99, key=f"talk:{Incoming.objects.get(pk=row.pk).conversation_id}:0")
    assert header(written, "In-Reply-To") == "<q1@example.org>" and not header(written, "Auto-Submitted")


def test_it_says_where_to_answer(monkeypatch):
    monkeypatch.setattr(
        mail_out, "section", lambda name: {"address": "mairie@ville.example"} if name == "mail_in" else {}
    )
    letter, _made = made()
    assert read_stamp(header(letter, "Reply-To")) == read_stamp(header(letter, "Message-ID").strip("<>")) == 7
    assert channel_settings.section("mail_in") == {}  # and nothing is promised where no letters are taken
    monkeypatch.undo()
    assert not header(made()[0], "Reply-To")


def test_its_html_is_its_words_and_nothing_else():
    _raw, letter = made(text='<script>alert(1)</script> & plus\n\nSuivez : http://town.test/p/3?key=a&b="c".')
    [(html, kind)] = [(a.content, a.mimetype) for a in letter.alternatives]
    assert kind == "text/html" and "<script" not in html and "&lt;script&gt;" in html and "<img" not in html
    assert '<a href="http://town.test/p/3?key=a&amp;b=">' in html


def test_news_is_stopped_with_one_press():
    publication = Publication.objects.create(titles={"fr": "Eau"}, texts={"fr": "Coupure"}, media=["email"])
    letter, _made = made(publication=publication.pk)
    assert header(letter, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    link = re.sub(r"\s", "", header(letter, "List-Unsubscribe").strip("<>"))
    path = "/" + link.split("/", 3)[3]
    Subscription.objects.create(medium="email", address="awa@example.org", about="town", subject="")
    client = Client(enforce_csrf_checks=True)
    assert (
        client.get(path).status_code == 200 and not OptOut.objects.exists()
    )  # programs that look at links press nothing
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 204
    assert client.post(path).status_code == 200  # by hand, a second time
    assert OptOut.objects.get().address == "awa@example.org" and Subscription.objects.get().ended
    assert client.post(path[:-3] + "xyz").status_code == 404
    assert not header(made()[0], "List-Unsubscribe")  # what answers a person cannot be refused


def test_no_header_is_smuggled_in():
    row = Incoming.objects.create(
        medium="email", address="a@b", reference="x>\r\nBcc: eve@example.org", subject="s\r\nBcc: e@x"
    )
    answer = Message.objects.create(key=f"incoming:{row.pk}", medium="email", address="a@b", text="t", lane=50)
    Incoming.objects.filter(pk=row.pk).update(answer=answer)
    letter, _made = made(id=answer.pk, key=answer.key)
    assert not header(letter, "Bcc")
    assert town.current().name in header(letter, "From")
