"""The library by its pages, feeds, papers and by SMS."""

from __future__ import annotations

import re
import uuid
from datetime import date

import feedparser
import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from toguna.engines.channels import api as channels
from toguna.engines.channels import sms
from toguna.engines.documents.library import akn, reads
from toguna.engines.documents.library.actions import Doing
from toguna.engines.documents.models.library import Act
from toguna.engines.documents.tests.test_library_acts import TODAY, empty_index, published  # noqa: F401
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

pytestmark = pytest.mark.django_db


def staff(role: str) -> Client:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test",
        password="long enough",
        name=role,
        grants=[(role, "*", None)] if role else [],
    )
    client = Client(headers={"accept-language": "fr"})
    sign_in(client, account)
    return client


@pytest.fixture
def market() -> Act:
    act = published(
        "portant règlement des marchés <i>",
        text="Vu la délibération n° 2021-005 ;\nArticle 1. Heures.\nArticle 2. Étals.",
    )
    published(
        "modifiant",
        signed=date(2024, 1, 1),
        changes=[Doing("arrêté 2023-001", "replace", "1", words="Nouvelles heures.")],
    )
    return act


def test_everyone_finds_an_act_and_reads_it_on_any_day(market, client):
    page = client.get("/acts/", {"q": "reglement marche"}).content.decode()
    assert "/acts/bylaw/2023/001" in page and "<mark>" not in re.sub(r"(?s)<main.*</main>", "", page)
    assert "/acts/bylaw/2023/001" in client.get("/acts/", {"q": "2023-1", "kind": "deliberation"}).content.decode()
    today = client.get("/acts/bylaw/2023/001").content.decode()
    assert (
        "Nouvelles heures." in today and "&lt;i&gt;" in today and "<i>" not in today and "/acts/bylaw/2024/001" in today
    )
    then = client.get("/acts/bylaw/2023/001", {"at": "2023-12-31"}).content.decode()
    assert "Heures." in then and "Nouvelles heures." not in then
    assert "Nouvelles heures." not in client.get("/acts/bylaw/2023/001", {"version": "1"}).content.decode()
    assert client.get("/acts/arrete/2023/1", {"at": "2023-12-31"})["Location"] == "/acts/bylaw/2023/001?at=2023-12-31"


@pytest.mark.parametrize(
    "address",
    ["/acts/?page=0&year=x&kind=zz&force=2&q=%00%22(", "/acts/?page=99999&year=9999", "/acts/?q=" + "a" * 5000, "/acts/?q=%E2%80%AE-%22-&page=100",
     "/acts/bylaw/2023/001?at=9999-99-99", "/acts/bylaw/2023/001?at=0001-01-01", "/acts/bylaw/2023/001?version=x"],
)  # fmt: skip
def test_strange_addresses_are_answered(market, client, address):
    assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/acts/bylaw/2023/99", "/acts/zz/2023/1", "/acts/bylaw/99999999999/1", "/acts/bylaw/2023/001?version=9", "/akn/x", "/akn/ml-elsewhere/act/bylaw/2023-03-03/2023-001",
     "/acts/bylaw/2023/99.pdf", "/acts/bylaw/2023/99.xml"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(market, client, address):
    assert client.get(address).status_code == 404


def test_addresses_of_akoma_ntoso_lead_to_the_act(market, client):
    work = akn.work(market)
    assert client.get(work)["Location"] == "/acts/bylaw/2023/001"
    assert client.get(f"{work}/fra@2023-12-31")["Location"] == "/acts/bylaw/2023/001?at=2023-12-31"
    then = client.get(f"{work}/fra@2023-12-31.xml")
    assert then["Content-Type"] == "application/akn+xml" and akn.read(then.content).text == reads.own_text(market)
    assert then.content == client.get("/acts/bylaw/2023/001.xml", {"at": "2023-12-31"}).content


def test_the_paper_says_what_the_page_says(market, client):
    made = client.get("/acts/bylaw/2023/001.pdf")
    words = pypdfium2.PdfDocument(made.content)[0].get_textpage().get_text_range()
    assert "Nouvelles heures." in words and "2023-001" in words and "<i>" in words and "/acts/bylaw/2023/001" in words


@pytest.mark.parametrize(("address", "version"), [("/acts/feed.rss", "rss20"), ("/acts/feed.atom", "atom10")])
def test_feeds(market, client, address, version):
    got = feedparser.parse(client.get(address).content)
    assert not got.bozo and got.version == version and len(got.entries) == 2
    assert got.entries[0].link.endswith("/acts/bylaw/2024/001") and "modifiant" in got.entries[0].title
    assert not feedparser.parse(client.get(address, {"kind": "deliberation"}).content).entries


@pytest.mark.parametrize(
    ("role", "status"), [("", 403), ("reader", 403), ("agent", 200), ("manager", 200), ("administrator", 200)]
)
def test_who_sees_the_back_office(market, role, status):
    client = staff(role)
    for path in ("/desk/acts/", "/desk/acts/new", f"/desk/acts/{market.pk}"):
        assert client.get(path).status_code == status
        assert Client().get(path).status_code == 302


FORM = {
    "do": "save", "kind": "bylaw", "number": "", "signed": "2025-02-03", "body": "Le maire", "subject": "relatif aux puits", "language": "fr",
    "text": "Vu la loi ;\nArticle 1. Les puits sont couverts.",
}  # fmt: skip


def test_from_a_clerks_draft_to_the_public_page(market):
    clerk, head, anyone = staff("agent"), staff("manager"), Client()
    key = str(uuid.uuid4())
    where = clerk.post("/desk/acts/new", {**FORM, "client_id": key})["Location"]
    assert clerk.post("/desk/acts/new", {**FORM, "client_id": key})["Location"] == where  # the button pressed twice
    for wrong in (
        {"text": "Article 1. a\nArticle 1. b"},
        {"number": "x y"},
        {"number": "2023-001"},
        {"signed": ""},
        {"kind": "zz"},
    ):
        assert clerk.post(where, {**FORM, **wrong}).status_code == 422
    change = {"do": "change", "target": "arrêté 2023-001", "verb": "remove", "article": "2"}
    assert clerk.post(where, {**change, "article": "9"}).status_code == 422
    assert clerk.post(where, {**change, "article": ""}).status_code == 422
    assert clerk.post(where, change).status_code == 302
    assert clerk.post(where, {"do": "publish", "published": TODAY().isoformat()}).status_code == 403
    assert anyone.get("/acts/bylaw/2025/001").status_code == 404
    assert head.post(where, {"do": "publish", "published": "2999-01-01"}).status_code == 422
    assert head.post(where, {"do": "publish", "published": TODAY().isoformat()}).status_code == 302
    assert "Les puits sont couverts." in anyone.get("/acts/bylaw/2025/001").content.decode()
    assert "/acts/bylaw/2025/001" in anyone.get("/acts/bylaw/2023/001").content.decode()
    assert (
        head.post(
            where,
            {
                "do": "correct",
                "subject": "relatif aux puits",
                "text": "Article 1. Les puits sont couverts et clos.",
                "note": "",
            },
        ).status_code
        == 422
    )
    assert (
        head.post(
            where,
            {
                "do": "correct",
                "subject": "relatif aux puits",
                "text": "Article 1. Les puits sont couverts et clos.",
                "note": "mot oublié",
            },
        ).status_code
        == 302
    )
    page = anyone.get("/acts/bylaw/2025/001").content.decode()
    assert "couverts et clos" in page and "mot oublié" in page
    head.post(where, {"do": "discard"})
    assert Act.objects.filter(subject="relatif aux puits").count() == 1


def test_a_draft_from_a_file_is_looked_through_first(market):
    clerk = staff("agent")
    file = SimpleUploadedFile("act.akn", clerk.get("/acts/bylaw/2023/001.xml", {"at": "2023-12-31"}).content)
    page = clerk.post("/desk/acts/new", {"do": "bring", "file": file}).content.decode()
    assert "Article 1. Heures." in page and "2023-03-03" in page and Act.objects.count() == 2
    assert (
        clerk.post("/desk/acts/new", {"do": "bring", "file": SimpleUploadedFile("x.pdf", b"%PDF-1.7")}).status_code
        == 422
    )


@pytest.mark.parametrize("words", ["ARRETE 2023-001", "arrêté n° 2023-1", "Acte 1/2023", "bylaw 2023-001"])
def test_an_act_by_sms(market, words):
    row = channels.receive("sms", "+22370000009", words, reference=words)
    assert row.answer and "2023-001" in row.answer.text and "/acts/bylaw/2023/001" in row.answer.text
    assert sms.size(row.answer.text).parts <= 2


def test_a_number_that_no_act_has_is_asked_again(db):
    row = channels.receive("sms", "+22370000009", "ARRETE 2023-999", reference="x")
    assert row.answer and "2023-014" in row.answer.text
