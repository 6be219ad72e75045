"""Papers and books by their pages and by SMS."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from toguna.engines.channels import api as channels
from toguna.engines.documents.issuing import actions, books, templates
from toguna.engines.documents.issuing.templates import Field
from toguna.engines.documents.models import Entry, Issued
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db


def staff(role: str) -> Client:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test", password="long enough", name=role, grants=[(role, "*", None)]
    )
    client = Client(headers={"accept-language": "en"})
    sign_in(client, account)
    return client


def test_a_clerk_writes_a_template_issues_and_takes_back() -> None:
    client = staff("manager")
    typed = {
        "name": "residence",
        "start": "CR",
        "fields_": "holder | Nom | text | masked\nborn? | Né(e) le | date | no",
        "title_fr": "Certificat",
        "words_fr": "Le maire certifie que {holder}.",
    }
    wrong = client.post(reverse("desk-paper-template-new"), {**typed, "words_fr": "{nobody}"})
    assert wrong.status_code == 422 and "{nobody}" in wrong.content.decode()
    assert client.post(reverse("desk-paper-template-new"), typed).status_code == 302
    assert client.get(reverse("desk-paper-sample", args=["residence"])).content.startswith(b"%PDF")
    page = client.get(reverse("desk-paper-template", args=["residence"]))
    assert "born? | Né(e) le | date | no" in page.content.decode()
    given = {"f_holder": "Awa Koné", "signer": "Le maire", "holder": "Awa Koné", "client_id": str(uuid.uuid4())}
    for _again in range(2):
        assert client.post(reverse("desk-paper-issue", args=["residence"]), given).status_code == 302
    made = Issued.objects.get()
    where = reverse("desk-paper", args=[made.code])
    assert made.reference in client.get(reverse("desk-papers"), {"q": "koné"}).content.decode()
    assert (
        client.post(where, {"do": "reprint"}).content
        == client.get(reverse("desk-paper-file", args=[made.code])).content
    )
    assert client.post(where, {"do": "revoke", "reason": ""}).status_code == 422
    assert client.post(where, {"do": "revoke", "reason": "Fraude"}).status_code == 302
    assert "Fraude" in Client().get(reverse("check-paper", args=[made.code])).content.decode()


def test_a_birth_at_the_counter() -> None:
    client = staff("manager")
    typed = {"kind": "birth", "name": "Coulibaly Aïcha", "born": "2026-02-27", "words": "Née.", "officer": "O."}
    assert client.post(reverse("desk-entry-new"), typed).status_code == 302
    entry = Entry.objects.get()
    twice = client.post(reverse("desk-entry-new"), {**typed, "name": "Koulibali Aicha"})
    assert twice.status_code == 422 and reverse("desk-entry", args=[entry.pk]) in twice.content.decode()
    where = reverse("desk-entry", args=[entry.pk])
    assert client.post(where, {"do": "note", "text": "Mariée", "reference": "3/2050"}).status_code == 302
    assert "Mariée" in client.get(where).content.decode()
    assert client.post(where, {"do": "full"}).status_code == 302
    book = reverse("desk-register", args=[entry.register_id])
    assert "nothing was changed" in client.get(book, {"verify": "1"}).content.decode()
    assert entry.reference in client.get(reverse("desk-registers"), {"q": "kulibaly"}).content.decode()
    assert client.post(book, {"statement": "Clos."}).status_code == 302
    assert client.post(reverse("desk-entry-new"), {**typed, "name": "Sow Binta"}).status_code == 422


def test_who_may_not() -> None:
    reader, agent = staff("reader"), staff("agent")
    for name in ("desk-papers", "desk-registers", "desk-entry-new"):
        assert reader.get(reverse(name)).status_code == 403
        assert Client().get(reverse(name)).status_code in (302, 403)
    assert agent.get(reverse("desk-paper-template-new")).status_code == 403
    books.register_entry("birth", {"name": "Sow Binta"}, words="Née.", by=SYSTEM)
    entry = Entry.objects.get()
    assert (
        agent.post(reverse("desk-entry", args=[entry.pk]), {"do": "note", "text": "x", "reference": "y"}).status_code
        == 403
    )


def test_by_sms() -> None:
    templates.save_template(
        "one", title={"fr": "Attestation"}, words={"fr": "{a}"}, fields=[Field("a")], prefix="AT", by=SYSTEM
    )
    made = actions.issue("one", {"a": "x"}, by=SYSTEM)
    row = channels.receive("sms", "+22370000009", f"VERIFIER {made.code}", reference="1")
    assert row.answer and made.reference in row.answer.text
    row = channels.receive("sms", "+22370000009", "VERIFIER ZZZZ2222", reference="2")
    assert row.answer and "ZZZZ2222" in row.answer.text
