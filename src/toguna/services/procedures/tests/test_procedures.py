"""The catalogue by web and by phone; a clerk who writes a procedure."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from toguna.engines.channels import api as channels
from toguna.engines.documents import api as documents
from toguna.engines.documents.models.issuing import Entry, Issued
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import registry
from toguna.kernel import town as kernel_town
from toguna.kernel.demo import DemoFiles, Starter
from toguna.services.procedures import catalogue, demo, ready, starter
from toguna.services.procedures.life import EVENTS
from toguna.services.procedures.models import Procedure

EN = {"accept-language": "en"}


@pytest.fixture(autouse=True)
def town(db, monkeypatch):
    monkeypatch.setattr(kernel_town, "current", lambda: kernel_town.Town("Soundiakoura", "ML"))
    starter.load()
    catalogue.forget()
    yield
    catalogue.forget()


@pytest.fixture
def hire():
    def hired(role: str) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=role, grants=[(role, "*", None)]
        )  # fmt: skip
        client = Client(headers=EN)
        sign_in(client, account)
        return client

    return hired


def test_what_a_town_starts_with_is_whole():
    for given in ready.procedures():
        assert given["event"] in {event.name for event in EVENTS}
        for words in (given["names"], given["summary"], given["who"], *given["bring"]):
            assert set(words) == {"fr", "pt", "en"} and all(words.values()), given["slug"]
    assert len(ready.procedures()) == 15
    starter.load()
    assert Procedure.objects.count() == 15


@pytest.mark.parametrize(("typed", "slug", "language"), [
    ("naissance", "birth", "fr"), ("mon enfant est né", "birth", "fr"), ("NAISANCE", "birth", "fr"), ("constuire", "building", "fr"),
    ("táxi", "taxi", "pt"), ("shop", "trade-licence", "en"), ("certificat résidence", "residence", "fr"),
    ("papel de residencia", "residence", "pt"), ("enterrement", "burial", "fr"),
])  # fmt: skip
def test_found_by_what_people_type(typed, slug, language):
    with translation.override(language):
        assert catalogue.found(typed)[0].slug == slug


@pytest.mark.parametrize("typed", ["", "a", "xyzzy", "%%%", "🙂", "x" * 5000])
def test_what_means_nothing_finds_nothing(typed, client):
    assert catalogue.found(typed) == []
    assert client.get(reverse("procedures"), {"q": typed}).status_code == 200


def test_the_pages(client):
    page = client.get(reverse("procedures"), headers={"accept-language": "fr"}).content.decode()
    assert "Un enfant est né" in page and "Déclarer une naissance" in page
    one = client.get(reverse("procedure", args=["residence"]), headers={"accept-language": "fr"}).content.decode()
    assert "1\u202f000\xa0FCFA" in one and "Votre pièce d&#x27;identité" in one
    assert client.get(reverse("procedure", args=["nothing"])).status_code == 404
    Procedure.objects.filter(slug="residence").update(active=False)
    catalogue.forget()
    assert client.get(reverse("procedure", args=["residence"])).status_code == 404


@pytest.mark.parametrize(("given", "says"), [
    ({"q0": "yes", "q1": "yes"}, "you may ask for it"), ({"q0": "no", "q1": "yes"}, "Three months of residence"),
    ({"q0": "yes"}, "Answer each question"), ({"q0": "<script>"}, "Answer each question"), ({}, "Have you lived"),
])  # fmt: skip
def test_is_it_for_me(given, says):
    page = Client(headers=EN).get(reverse("procedure-quiz", args=["residence"]), given).content.decode()
    assert says in page and ("you may ask" in page) == (says == "you may ask for it")


def said(text: str) -> str:
    row = channels.receive("sms", "+22370000001", text)
    row.refresh_from_db()
    return row.answer.text


def test_by_sms():
    for other in registry.declared(Starter):
        other.load()
    answer = said("PAPIER naissance")
    assert answer.startswith(("Declarer une naissance", "Déclarer une naissance"))
    assert "Gratuit" in answer and "certificat de naissance" in answer
    asked = said("PAPIERS")
    assert "?" in asked and "1 000 FCFA" in said("residence")


def form(**more):
    return {
        "event": "papers", "icon": "copy", "cost": "1 500 F", "days": "3", "order": "5", "active": "on",
        "names_fr": "Légalisation", "names_en": "Certified signature", "summary_fr": "Pour un contrat.",
        "bring_fr": "La pièce d'identité\nLe document", "bring_en": "Identity paper\nThe document",
        "quiz_fr": "Avez-vous le document ? | oui | Apportez-le d'abord.", "words_fr": "signature legaliser", **more,
    }  # fmt: skip


def test_a_clerk_writes_one(hire):
    manager = hire("manager")
    answer = manager.post(reverse("desk-procedure-new"), form())
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    row = Procedure.objects.get(slug="legalisation")
    assert (row.cost, row.days) == (1500, 3)
    assert row.bring == [
        {"fr": "La pièce d'identité", "en": "Identity paper"}, {"fr": "Le document", "en": "The document"},
    ]  # fmt: skip
    assert row.quiz == [
        {"ask": {"fr": "Avez-vous le document ?"}, "need": "yes", "otherwise": {"fr": "Apportez-le d'abord."}}
    ]
    with translation.override("fr"):
        assert catalogue.found("legaliser")[0].slug == "legalisation"
    page = manager.get(reverse("desk-procedure", args=[row.slug])).content.decode()
    assert "1,500 FCFA" in page and "La pièce d&#x27;identité\nLe document" in page
    manager.post(reverse("desk-procedure", args=[row.slug]), form(names_fr="Légaliser une signature", active=""))
    row.refresh_from_db()
    assert (row.slug, row.names["fr"], row.active) == ("legalisation", "Légaliser une signature", False)
    manager.post(reverse("desk-procedure-new"), form())
    assert Procedure.objects.filter(slug="legalisation-2").exists()


@pytest.mark.parametrize(("wrong", "says"), [
    ({"names_fr": "", "names_en": ""}, "name in one language"), ({"cost": "much"}, "amount in figures"),
    ({"quiz_fr": "What?"}, "question | yes or no"), ({"quiz_fr": "A? | peut-être | B"}, "yes or no"), ({"days": "-1"}, ""),
    ({"event": "nothing"}, ""), ({"bring_fr": "x\n" * 30}, "20 things at most"),
])  # fmt: skip
def test_what_is_wrong_is_said(hire, wrong, says):
    answer = hire("manager").post(reverse("desk-procedure-new"), form(**wrong))
    assert answer.status_code == 422 and says in answer.content.decode()
    assert Procedure.objects.count() == 15


@pytest.mark.parametrize(("role", "status"), [("reader", 403), ("agent", 403), ("manager", 200)])
def test_who_may(hire, role, status):
    client = hire(role)
    assert client.get(reverse("desk-procedures")).status_code == status
    assert client.get(reverse("desk-procedure", args=["birth"])).status_code == status


def test_a_procedure_leads_to_its_paper(hire):
    for given in ready.procedures():
        if name := given.get("paper"):
            assert documents.find_template(name), name
    starter.load()
    assert documents.find_template("residence-certificate").version == 1
    manager = hire("manager")
    page = manager.get(reverse("desk-procedure", args=["residence"])).content.decode()
    link = reverse("desk-paper-issue", args=["residence-certificate"])
    assert link in page and link not in manager.get(reverse("desk-procedure", args=["birth"])).content.decode()
    given = {
        "client_id": uuid.uuid4(), "signer": "The Mayor", "holder": "Awa Koné", "f_name": "Awa Koné", "f_born_on": "1990-05-04",
        "f_paper": "CNI 12", "f_address": "Zongo", "f_since": "2020-01-01",
    }  # fmt: skip
    issued = manager.post(link, given)
    assert issued.status_code == 302 and manager.post(link, given)["Location"] == issued["Location"]
    code = issued["Location"].rpartition("/")[2]
    seen = Client(headers=EN).get(reverse("check-paper", args=[code])).content.decode()
    assert "A. K." in seen and "Zongo" not in seen and "Residence certificate" in seen


def test_the_demo_has_papers_and_a_book(tmp_path):
    rows = "".join(f"+2233{n:07d},Prénom{n} Nom{n % 7},fr\n" for n in range(100))
    (tmp_path / "residents.csv").write_text("phone,name,language\n" + rows, encoding="utf-8")
    files = DemoFiles(folder=tmp_path, people=20_000, until=date(2026, 6, 1), progress=lambda step, share: None)
    for _twice in "ab":
        demo.load(files)
    assert Issued.objects.count() == demo.PAPERS and Entry.objects.count() == demo.BIRTHS
    assert sorted(Issued.objects.values_list("number", flat=True)) == list(range(1, demo.PAPERS + 1))
