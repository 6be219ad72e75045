"""A batch is read: pages looked at one by one, cut into documents, and given to OCR a few pages at a time. Each step is kept when it
ends, so that a power cut loses one page's look, or one chunk's reading, and what is done is never done again."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pikepdf
import pypdfium2
import zxingcpp
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image

from toguna.engines.documents.models.scans import ScanBatch, ScanPage, ScanPart
from toguna.engines.documents.models.store import FileKind
from toguna.engines.documents.scans import guessing, port, sheets
from toguna.kernel import registry, tasks
from toguna.kernel.tasks import Lane

CHUNK = 5  # pages for one run of OCR: what a cut makes one read again
PATIENCE = 180  # seconds for one page, on the slowest machine
STALE = timedelta(minutes=20)  # without a sign of life: whoever read it died
INK = 0.00006  # of the pixels: less is an empty side; one short word is more
State = ScanBatch.State


def room() -> Path:
    found = Path(settings.MEDIA_ROOT) / "scans"
    found.mkdir(parents=True, exist_ok=True)
    return found


def place(batch: ScanBatch) -> Path:
    return room() / str(batch.pk)


def whole(batch: ScanBatch) -> Path:
    return place(batch) / "whole.pdf"


def read_pdf(part: ScanPart) -> Path:
    """The searchable PDF of a document, once it is read."""
    return room() / str(part.batch_id) / f"part-{part.pk}.pdf"


@tasks.task
def read_batch(batch: int) -> None:
    """Takes a batch on from where it stands. Idempotent; two at once: the second leaves."""
    if not _mine(batch):
        return
    row = ScanBatch.objects.get(pk=batch)
    try:
        _look(row)
        _cut(row)
        if port.missing():
            _trouble(
                row,
                _("Reading waits until the programs for it are installed: %(command)s") % {"command": port.missing()},
            )
            return
        for part in row.parts.filter(state=ScanPart.State.READING):
            _read(row, part)
        _end(row)
    except (pikepdf.PdfError, pypdfium2.PdfiumError, OSError) as error:
        _trouble(row, _("It could not be read: %(why)s") % {"why": str(error)[:200]})


def _mine(batch: int) -> bool:
    """Whether this process may read it now: nobody does, or who did has given no sign for long."""
    with transaction.atomic():
        row = ScanBatch.objects.select_for_update().filter(pk=batch, state__in=(State.RECEIVED, State.READING)).first()
        if row is None or (row.state == State.READING and row.beat and row.beat > timezone.now() - STALE):
            return False
        ScanBatch.objects.filter(pk=batch).update(state=State.READING, beat=timezone.now(), trouble="")
        return True


def _trouble(row: ScanBatch, words: str) -> None:
    ScanBatch.objects.filter(pk=row.pk).update(state=State.RECEIVED, trouble=words[:300], beat=None)


def again() -> None:
    """Batches that wait, or whose reader died (a power cut), are taken up."""
    waiting = ScanBatch.objects.filter(state__in=(State.RECEIVED, State.READING))
    for pk in waiting.exclude(beat__gt=timezone.now() - STALE).values_list("pk", flat=True)[:20]:
        tasks.defer(read_batch, Lane.CAMPAIGN, batch=pk)


# --- Pages


def _look(row: ScanBatch) -> None:
    """Each page: its barcode, and whether it is blank."""
    seen = set(row.sides.values_list("number", flat=True))
    document = pypdfium2.PdfDocument(whole(row))
    try:
        if row.pages != len(document):
            ScanBatch.objects.filter(pk=row.pk).update(pages=len(document))
        for number in range(1, len(document) + 1):
            if number in seen:
                continue
            picture = _picture(document, number, 2.0)
            code = _barcode(picture)
            sheet = sheets.kind_of(code) is not None
            ScanPage.objects.create(
                batch=row, number=number, barcode=code[:300], sheet=sheet, blank=not code and is_blank(picture)
            )
            if number % CHUNK == 0:
                ScanBatch.objects.filter(pk=row.pk).update(beat=timezone.now())
    finally:
        document.close()


def _picture(document: pypdfium2.PdfDocument, number: int, scale: float) -> Image.Image:
    page = document[number - 1]
    # A page of an absurd size must not fill the memory.
    longest = max(page.get_size())
    picture: Image.Image = page.render(scale=min(scale, 4000 / max(longest, 1)), grayscale=True).to_pil()
    return picture


def _barcode(picture: Image.Image) -> str:
    formats = (zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128)
    for found in zxingcpp.read_barcodes(picture, formats=formats):
        if sheets.kind_of(found.text) is not None or any(
            r.pattern.search(found.text) for r in registry.declared(port.ScanReader)
        ):
            return str(found.text)
    return ""


def is_blank(picture: Image.Image) -> bool:
    """Whether a side has nothing on it: dust and the shadow of the edge are nothing."""
    grey = picture.convert("L")
    width, height = grey.size
    grey = grey.crop((width // 20, height // 20, width - width // 20, height - height // 20)).reduce(2)
    counts = grey.histogram()
    total, run, paper = sum(counts), 0, 255
    for value in range(255, -1, -1):  # the colour of the paper: the middle one
        run += counts[value]
        if run >= total / 2:
            paper = value
            break
    return sum(counts[: max(0, paper - 70)]) < INK * total


# --- Documents


@transaction.atomic
def _cut(row: ScanBatch) -> None:
    """Pages become documents, once: at each sheet, and at each barcode that is another room's."""
    ScanBatch.objects.select_for_update().get(pk=row.pk)
    if row.parts.exists():
        return
    part: ScanPart | None = None
    kind, number = "", 0
    for side in row.sides.all():
        if side.sheet:
            part, kind = None, sheets.kind_of(side.barcode) or ""
            continue
        if side.blank:
            continue
        if part is None or side.barcode:
            number += 1
            part = ScanPart.objects.create(batch=row, number=number, kind=kind, barcode=side.barcode)
        ScanPage.objects.filter(pk=side.pk).update(part=part)
    ScanBatch.objects.filter(pk=row.pk).update(done=row.sides.filter(part=None).count())


def _read(row: ScanBatch, part: ScanPart) -> None:
    """OCR of one document, in chunks; then one searchable PDF/A of it, and what it seems to be."""
    sides = list(part.sides.all())
    if not sides:
        ScanPart.objects.filter(pk=part.pk).update(state=ScanPart.State.DROPPED)
        return
    chunks = [sides[n : n + CHUNK] for n in range(0, len(sides), CHUNK)]
    made = []
    for number, chunk in enumerate(chunks):
        out = place(row) / f"chunk-{part.pk}-{number}.pdf"
        made.append(out)
        if not out.exists() or any(side.text is None for side in chunk):
            _chunk(row, chunk, out)
    _join(made, read_pdf(part))
    text = "\n\f".join(side.text or "" for side in part.sides.all())
    kinds = [(kind.name, [str(words) for words in kind.title.values()]) for kind in FileKind.objects.all()]
    guess = guessing.guess(text, kinds)
    if part.kind:
        guess["kind"] = {"value": part.kind, "sure": 1.0, "from": _("the sheet before it")}
    state, routed = ScanPart.State.CHECK, ""
    reader = next(
        (one for one in registry.declared(port.ScanReader) if part.barcode and one.pattern.search(part.barcode)), None
    )
    if reader is not None:
        try:
            with read_pdf(part).open("rb") as stream:
                routed, state = reader.receive(part.barcode, stream), ScanPart.State.ROUTED
        except Exception as error:  # whatever is wrong there, a clerk finds the paper here
            guess["trouble"] = {"value": str(error)[:200], "sure": 1.0, "from": reader.name}
    ScanPart.objects.filter(pk=part.pk, state=ScanPart.State.READING).update(
        state=state, guess=guess, routed=routed[:200]
    )
    for path in made:
        path.unlink(missing_ok=True)


def _chunk(row: ScanBatch, sides: list[ScanPage], out: Path) -> None:
    """A few pages, upright and searchable. What OCR cannot do stays a picture without words."""
    source, words = out.with_suffix(".in.pdf"), out.with_suffix(".txt")
    with pikepdf.open(whole(row)) as pdf, pikepdf.new() as few:
        for side in sides:
            few.pages.append(pdf.pages[side.number - 1])
            if side.turn:
                few.pages[-1].rotate(side.turn, relative=True)
        few.save(source)
    texts = [""] * len(sides)
    if _ocr(source, out.with_suffix(".tmp"), words, PATIENCE * len(sides), turned=any(side.turn for side in sides)):
        texts = [page.strip() for page in words.read_text("utf-8").split("\f")]
        out.with_suffix(".tmp").replace(out)
    else:
        source.replace(out)
    for n, side in enumerate(sides):
        ScanPage.objects.filter(pk=side.pk).update(text=texts[n] if n < len(texts) else "")
    ScanBatch.objects.filter(pk=row.pk).update(done=F("done") + len(sides), beat=timezone.now())
    for path in (source, words, out.with_suffix(".tmp")):
        path.unlink(missing_ok=True)


def _ocr(source: Path, out: Path, words: Path, seconds: int, *, turned: bool) -> bool:
    """OCRmyPDF in a process of its own: what crashes or hangs there hurts nothing here. A page that a clerk turned stays so.
    PDF/A, but of pages whose text a program wrote: some Ghostscripts (10.0.0 to 10.02.0) corrupt those, so they stay as they are."""
    written = _has_words(source)
    rotate = [] if turned else ["--rotate-pages", "--rotate-pages-threshold", "3"]
    kind = (
        ["--skip-text", "--output-type", "pdf"]
        if written
        else ["--force-ocr", *rotate, "--deskew", "--output-type", "pdfa"]
    )
    options = ["-l", "+".join(port.languages()), *kind, "--sidecar", str(words), "--tesseract-timeout", str(PATIENCE)]
    if not _run(options, source, out, seconds):
        return False
    if written:  # what OCR skips it does not write down
        document = pypdfium2.PdfDocument(source)
        try:
            words.write_text("\f".join(page.get_textpage().get_text_range() for page in document), encoding="utf-8")
        finally:
            document.close()
    return True


def _has_words(source: Path) -> bool:
    """Whether every page has a text already (a PDF that a program wrote)."""
    document = pypdfium2.PdfDocument(source)
    try:
        return all(len(page.get_textpage().get_text_range().strip()) > 20 for page in document)
    finally:
        document.close()


def _run(options: list[str], source: Path, out: Path, seconds: int) -> bool:
    command = [
        sys.executable,
        "-m",
        "ocrmypdf",
        "--jobs",
        "1",
        "--quiet",
        "--invalidate-digital-signatures",
        *options,
        str(source),
        str(out),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, check=False, preexec_fn=lambda: os.nice(10)
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (0, 4, 10) and out.exists()  # 4, 10: it is there, and is no valid PDF/A


def _join(parts: list[Path], out: Path) -> None:
    """One PDF of the chunks, which keeps what makes the first a PDF/A: its metadata and its colours."""
    joined = out.with_suffix(".whole")
    with pikepdf.open(parts[0]) as pdf:
        for path in parts[1:]:
            with pikepdf.open(path) as one:
                pdf.pages.extend(one.pages)
        pdf.save(joined)
    joined.replace(out)


def _end(row: ScanBatch) -> None:
    state = State.DONE if not row.parts.filter(state=ScanPart.State.CHECK).exists() else State.READY
    ScanBatch.objects.filter(pk=row.pk, state=State.READING).update(state=state, done=F("pages"), beat=None)
