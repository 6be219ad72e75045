"""Paper to digital: piles cut at sheets, read in chunks that survive a cut, checked by one clerk, filed once."""

from __future__ import annotations

import io
import os
import shutil
import time
import uuid
from datetime import date

import pikepdf
import pypdfium2
import pytest
from django.test import Client
from PIL import Image, ImageDraw, ImageFont

from toguna.engines.documents.models import File, FileKind, ScanBatch, ScanPage, ScanPart
from toguna.engines.documents.scans import actions, guessing, port, reading, receiving, sheets
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import registry
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.testing import forget_jobs, run_jobs

pytestmark = pytest.mark.django_db
LETTER = """COMMUNE DE SOUNDIAKOURA
FACTURE N° F-2024/118
Soundiakoura, le 12 mars 2024
Entreprise Diallo
Fourniture de tables pour le marché
Total à payer : 1 250 000 FCFA"""


@pytest.fixture(autouse=True)
def here(db, settings, tmp_path):
    forget_jobs()  # those of other tests
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def words(monkeypatch):
    """OCR that takes no time: each page says its number. What is tested with it is all that is around OCR."""
    calls: list[int] = []

    def fast(source, out, sidecar, seconds, *, turned):
        with pikepdf.open(source) as pdf:
            calls.append(len(pdf.pages))
        shutil.copy(source, out)
        sidecar.write_text("\f".join(f"FACTURE page {n}" for n in range(calls[-1])), encoding="utf-8")
        return True

    monkeypatch.setattr(reading, "_ocr", fast)
    monkeypatch.setattr(port, "missing", lambda: "")
    monkeypatch.setattr(port, "languages", lambda: ["fra"])
    return calls


def picture(text: str = "", turned: int = 0) -> Image.Image:
    page = Image.new("RGB", (1240, 1754), "white")
    font = (
        ImageFont.truetype("DejaVuSans.ttf", 34)
        if shutil.which("fc-list") and _has_font()
        else ImageFont.load_default(34)
    )
    ImageDraw.Draw(page).multiline_text((120, 150), text, fill="black", font=font, spacing=28)
    return page.rotate(turned, expand=True)


def _has_font() -> bool:
    try:
        ImageFont.truetype("DejaVuSans.ttf", 10)
    except OSError:
        return False
    return True


def sheet(kind: str = "") -> Image.Image:
    document = pypdfium2.PdfDocument(sheets.drawn())
    number = 0 if not kind else 1 + list(FileKind.objects.values_list("name", flat=True)).index(kind)
    return document[number].render(scale=2).to_pil().convert("RGB")


def pile(*pages: Image.Image) -> io.BytesIO:
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=list(pages[1:]), resolution=150)
    out.seek(0)
    return out


def clerk(*roles: str) -> tuple[Client, Actor]:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa",
        grants=[(role, "documents", None) for role in roles or ("agent",)],
    )  # fmt: skip
    client = Client(headers={"accept-language": "en"})
    sign_in(client, account)
    passed = [one.pk for one in account.authenticator_set.all()]
    return client, people.actor_for(account.pk, passed)


def test_a_pile_is_cut_at_its_sheets_and_blank_sides_are_left_out(words):
    FileKind.objects.create(name="bills", title={"en": "Bills"})
    pages = [sheet("bills"), picture("One"), picture("Two"), picture(), sheet(), picture("Three", 180)]
    batch = receiving.receive_scan(pile(*pages), "pile.pdf", by=SYSTEM)
    run_jobs()
    batch.refresh_from_db()
    assert batch.state == ScanBatch.State.READY and batch.done == batch.pages == 6
    first, second = batch.parts.all()
    assert [side.number for side in first.sides.all()] == [2, 3] and first.kind == "bills"
    assert (
        first.guess["kind"] == {"value": "bills", "sure": 1.0, "from": "the sheet before it"}
        or first.guess["kind"]["sure"] == 1.0
    )
    assert [side.number for side in second.sides.all()] == [6] and second.kind == ""
    assert list(batch.sides.filter(blank=True).values_list("number", flat=True)) == [4]
    assert receiving.receive_scan(pile(*pages), "again.pdf", by=SYSTEM).pk != 0 and ScanBatch.objects.count() <= 2


def test_the_same_file_is_one_batch(words):
    content = pile(picture("One")).getvalue()
    batches = {receiving.receive_scan(io.BytesIO(content), "a.pdf", by=SYSTEM).pk for _twice in range(2)}
    assert len(batches) == 1


def test_three_hundred_pages_are_read_in_chunks_and_a_cut_loses_one(words, monkeypatch):
    whole = io.BytesIO()
    with pikepdf.open(pile(picture("Page"))) as one, pikepdf.new() as many:
        for _n in range(300):
            many.pages.append(one.pages[0])
        many.save(whole)
    whole.seek(0)
    monkeypatch.setattr(reading, "_barcode", lambda picture: "")
    monkeypatch.setattr(reading, "_picture", lambda document, number, scale: picture("Page"))
    monkeypatch.setattr(reading, "is_blank", lambda picture: False)
    real, died = reading._ocr, []

    def dies(*args, **named):
        if len(words) == 7 and not died:
            died.append(1)
            raise MemoryError  # as when the power fails: nothing after it is done
        return real(*args, **named)

    monkeypatch.setattr(reading, "_ocr", dies)
    batch = receiving.receive_scan(whole, "long.pdf", by=SYSTEM)
    with pytest.raises(MemoryError):
        reading.read_batch.func(batch=batch.pk)
    batch.refresh_from_db()
    assert batch.state == ScanBatch.State.READING and batch.done == 35
    reading.read_batch.func(batch=batch.pk)
    assert len(words) == 7  # somebody may still be reading it: not taken before it has been silent for long
    ScanBatch.objects.update(beat=batch.beat - reading.STALE)
    reading.again()
    run_jobs()
    batch.refresh_from_db()
    assert batch.state == ScanBatch.State.READY and batch.done == 300 and len(words) == 60  # each chunk once
    assert ScanPage.objects.filter(text=None).count() == 0


def test_nothing_is_lost_while_the_programs_are_missing(words, monkeypatch):
    monkeypatch.setattr(port, "missing", lambda: port.INSTALL)
    client, _actor = clerk()
    assert client.post("/desk/scans/", {"files": _named(pile(picture("One")), "a.pdf")}, follow=True).status_code == 200
    run_jobs()
    page = client.get("/desk/scans/").content.decode()
    assert "sudo apt install tesseract-ocr" in page and ScanBatch.objects.get().state == ScanBatch.State.RECEIVED
    monkeypatch.setattr(port, "missing", lambda: "")
    reading.again()
    run_jobs()
    assert ScanBatch.objects.get().state == ScanBatch.State.READY


def _named(stream: io.BytesIO, name: str) -> io.BytesIO:
    stream.name = name
    return stream


def test_a_clerk_checks_what_was_read_and_files_it_once(words):
    client, actor = clerk()
    FileKind.objects.create(name="bills", title={"en": "Bills"})
    receiving.receive_scan(pile(picture("One")), "a.pdf", by=SYSTEM)
    run_jobs()
    part = ScanPart.objects.get()
    page = client.get(f"/desk/scans/document/{part.pk}").content.decode()
    assert "Check a scan" in page and not File.objects.exists()  # nothing is filed by itself
    assert client.get(f"/desk/scans/{part.batch_id}/page/1.jpg")["Content-Type"] == "image/jpeg"
    assert client.post(f"/desk/scans/document/{part.pk}", {"do": "file", "title": ""}).status_code == 422
    sent = {"do": "file", "title": "Bill of tables", "kind": "bills", "day": "2024-03-12", "reference": "F-118"}
    for _twice in range(2):
        assert client.post(f"/desk/scans/document/{part.pk}", sent, follow=True).status_code == 200
    kept = File.objects.get()
    assert kept.title == "Bill of tables" and kept.kind.name == "bills" and "FACTURE" in kept.text
    assert ScanBatch.objects.get().state == ScanBatch.State.DONE
    assert actions.file(part.pk, title="Another", by=actor) == kept


def test_two_clerks_do_not_check_the_same_document(words):
    (one, _a), (two, _b) = clerk(), clerk()
    receiving.receive_scan(pile(picture("One")), "a.pdf", by=SYSTEM)
    run_jobs()
    where = f"/desk/scans/document/{ScanPart.objects.get().pk}"
    assert one.get(where).status_code == 200
    answer = two.get(where)
    assert answer.status_code == 409 and b"Another clerk checks this document now" in answer.content
    assert two.post(where, {"do": "drop"}).status_code == 409 and ScanPart.objects.get().state == ScanPart.State.CHECK


def test_a_document_is_cut_joined_turned_and_a_side_taken_back(words):
    client, _actor = clerk()
    batch = receiving.receive_scan(
        pile(picture("One"), picture(), picture("Two"), picture("Three")), "a.pdf", by=SYSTEM
    )
    run_jobs()
    part = batch.parts.get()
    client.post(f"/desk/scans/document/{part.pk}", {"do": "split:4"})
    run_jobs()
    first, second = sorted(batch.parts.all(), key=lambda one: one.sides.first().number)
    assert [side.number for side in second.sides.all()] == [4] and second.state == ScanPart.State.CHECK
    client.post(f"/desk/scans/document/{first.pk}", {"do": "join"})
    run_jobs()
    assert [side.number for side in batch.parts.get().sides.all()] == [1, 3, 4]
    client.post(f"/desk/scans/document/{first.pk}", {"do": "turn:3:90"})
    run_jobs()
    assert ScanPage.objects.get(number=3).turn == 90
    client.post(f"/desk/scans/{batch.pk}", {"do": "back", "page": "2"})
    run_jobs()
    assert [side.number for side in batch.parts.get().sides.all()] == [1, 2, 3, 4]
    client.post(f"/desk/scans/document/{first.pk}", {"do": "drop"})
    batch.refresh_from_db()
    assert batch.state == ScanBatch.State.DONE and not File.objects.exists()


def test_a_scanner_writes_into_the_folder(words):
    path = receiving.folder() / "0001.pdf"
    path.write_bytes(pile(picture("One")).getvalue())
    (receiving.folder() / "bad.pdf").write_bytes(b"%PDF-1.7 cut")
    (receiving.folder() / "notes.txt").write_text("no scan")
    receiving.watch()
    assert path.exists() and not ScanBatch.objects.exists()  # it may still be writing
    for one in receiving.folder().glob("*.pdf"):
        os.utime(one, (time.time() - 60, time.time() - 60))
    receiving.watch()
    assert not path.exists() and ScanBatch.objects.get().source == "folder"
    assert (receiving.folder() / "refused" / "bad.pdf.txt").read_text().strip()
    assert (receiving.folder() / "notes.txt").exists()


def test_a_barcode_of_another_room_takes_its_pages(words, monkeypatch):
    import re

    import segno

    taken = []
    reader = port.ScanReader(
        "room", re.compile("ROOM (\\d+)"), lambda says, stream: taken.append((says, stream.read(4))) or "the room"
    )
    before = registry.declared
    monkeypatch.setattr(
        registry, "declared", lambda kind: [*before(kind), reader] if kind is port.ScanReader else before(kind)
    )
    page, qr = picture("Filled in"), io.BytesIO()
    segno.make("ROOM 12", error="q").save(qr, kind="png", scale=8)
    page.paste(Image.open(qr), (800, 100))
    batch = receiving.receive_scan(
        pile(picture("Letter"), page.rotate(180), picture("second page")), "a.pdf", by=SYSTEM
    )
    run_jobs()
    letter, routed = batch.parts.all()
    assert taken == [("ROOM 12", b"%PDF")] and routed.state == ScanPart.State.ROUTED and routed.sides.count() == 2
    assert letter.state == ScanPart.State.CHECK


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.4\n%%EOF", b"PK\x03\x04zip"])
def test_what_is_no_scan_is_refused_in_words(content):
    client, _actor = clerk()
    answer = (
        client.post("/desk/scans/", {"files": _named(io.BytesIO(content), "x.pdf")})
        if content
        else client.post("/desk/scans/", {})
    )
    assert answer.status_code == 422 and not ScanBatch.objects.exists()
    assert Client().get("/desk/scans/").status_code == 302 and clerk("reader")[0].get("/desk/scans/").status_code == 403


def test_what_a_paper_says_is_guessed_with_how_sure():
    found = guessing.guess(LETTER)
    assert found["kind"]["value"] == "invoice" and found["day"]["value"] == "2024-03-12" and found["day"]["sure"] > 0.6
    assert found["reference"]["value"] == "F-2024/118" and found["amount"]["value"] == "1250000 FCFA"
    assert found["parties"]["value"] == ["Diallo"]
    portuguese = guessing.guess("CONTRATO n.º 12/2023\nFeito em Bissau, em 3 de abril de 2023\nSr. João Mendes")
    assert portuguese["kind"]["value"] == "contract" and portuguese["day"]["value"] == "2023-04-03"
    assert guessing.guess("") == {}
    assert [day for day, _at, _words in guessing.days("31/02/2024, 05.07.2021, 2020-01-31")] == [
        date(2021, 7, 5),
        date(2020, 1, 31),
    ]


@pytest.mark.skipif(bool(port.missing()), reason=f"needs Tesseract: {port.INSTALL}")
def test_real_paper_upside_down_is_read_and_becomes_searchable():
    batch = receiving.receive_scan(pile(picture(LETTER), picture(LETTER, 180)), "letters.pdf", by=SYSTEM)
    run_jobs()
    part = batch.parts.get()
    batch.refresh_from_db()
    assert part.state == ScanPart.State.CHECK, batch.trouble
    texts = [side.text for side in part.sides.all()]
    assert all("FACTURE" in text and "marché" in text for text in texts), texts
    assert part.guess["day"]["value"] == "2024-03-12" and part.guess["amount"]["value"] == "1250000 FCFA"
    with pikepdf.open(reading.read_pdf(part)) as made:
        assert len(made.pages) == 2 and "pdfaid" in str(made.Root.Metadata.read_bytes())
    words = pypdfium2.PdfDocument(reading.read_pdf(part))[1].get_textpage().get_text_range()
    assert "FACTURE" in words
