"""Scans that come: from an upload, a folder that a scanner writes to, an e-mail of the scanner. Kept first, each once."""

from __future__ import annotations

import hashlib
import shutil
import time
import tomllib
from io import BytesIO
from pathlib import Path
from typing import IO

import pikepdf
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageSequence

from toguna.engines.channels.api import Mail, MailBox
from toguna.engines.documents.models.scans import ScanBatch
from toguna.engines.documents.scans import reading
from toguna.engines.documents.store import checks
from toguna.engines.documents.store.checks import Refused
from toguna.kernel import audit, tasks, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.tasks import Lane
from toguna.kernel.town import path as town_file

LARGEST, MOST_PAGES = 300 << 20, 1000
QUIET = 10.0  # seconds without a change: the scanner has ended writing
ENDINGS = {".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff"}


def folder() -> Path:
    """Where the town's scanner, or somebody by SFTP, puts files."""
    found = Path(settings.MEDIA_ROOT) / "scans" / "in"
    found.mkdir(parents=True, exist_ok=True)
    return found


def receive_scan(stream: IO[bytes], name: str, *, by: Actor, source: str = "upload") -> ScanBatch:
    """Keeps one file of scans and has it read. The same content again is the same batch. Raises Refused."""
    temporary = reading.room() / f"new-{time.time_ns()}"
    try:
        sha256 = _copied(stream, temporary)
        before = ScanBatch.objects.filter(sha256=sha256).first()
        if before is not None:
            return before
        pages = _as_pdf(temporary)
        with transaction.atomic():
            batch, made = ScanBatch.objects.get_or_create(
                sha256=sha256,
                defaults={
                    "name": text.clean(name)[:200] or "scan",
                    "source": source,
                    "pages": pages,
                    "account": by.account,
                },
            )
            if made:
                place = reading.place(batch)
                place.mkdir(parents=True, exist_ok=True)
                temporary.replace(place / "whole.pdf")
                audit.record(by, "documents.scan", f"documents.scan_batch:{batch.pk}", pages=pages, source=source)
                tasks.defer(reading.read_batch, Lane.CAMPAIGN, batch=batch.pk)
    finally:
        temporary.unlink(missing_ok=True)
    return batch


def _copied(stream: IO[bytes], to: Path) -> str:
    digest, size = hashlib.sha256(), 0
    with to.open("wb") as out:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > LARGEST:
                raise Refused(
                    _("This file is larger than %(megabytes)d MB. Send it in parts.") % {"megabytes": LARGEST >> 20}
                )
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _as_pdf(path: Path) -> int:
    """Checks what was brought, makes a PDF of pictures in its place; how many pages it has. Raises Refused."""
    kind, pages = checks.checked(path)
    if kind.startswith("image/"):
        _pictures(path)
        with pikepdf.open(path) as made:
            pages = len(made.pages)
    elif kind != "application/pdf":
        raise Refused(_("A scan is a PDF or a picture (JPEG, PNG, TIFF)."))
    if pages > MOST_PAGES:
        raise Refused(
            _("This scan has %(pages)d pages: %(most)d at most at once.") % {"pages": pages, "most": MOST_PAGES}
        )
    return pages


def _pictures(path: Path) -> None:
    with Image.open(path) as picture:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]
    # A picture without a density is taken as A4, so that what is read has the size that OCR expects.
    density = max(100, round(max(frames[0].size) / 11.7))
    out = BytesIO()
    frames[0].save(out, "PDF", save_all=True, append_images=frames[1:], resolution=density)
    path.write_bytes(out.getvalue())


def watch() -> None:
    """Takes what lies in the folder and changes no more; what is refused is put beside, with why."""
    now = time.time()
    for path in sorted(folder().iterdir()):
        if not path.is_file() or path.suffix.lower() not in ENDINGS or now - path.stat().st_mtime < QUIET:
            continue
        try:
            with path.open("rb") as stream:
                receive_scan(stream, path.name, by=SYSTEM, source="folder")
        except Refused as error:
            beside = folder() / "refused"
            beside.mkdir(exist_ok=True)
            shutil.move(path, beside / path.name)
            (beside / f"{path.name}.txt").write_text(f"{error}\n", encoding="utf-8")
        else:
            path.unlink()  # it is kept, under its own name in the room of scans


def _senders() -> set[str]:
    try:
        written = tomllib.loads(town_file().read_text("utf-8")).get("scans", {})
    except FileNotFoundError:
        return set()
    return {str(one).lower() for one in written.get("senders", [])}


def _mail(mail: Mail) -> str | None:
    """What the town's scanner sends: town.toml, [scans] senders = ["scanner@mairie.example"]."""
    if mail.sender.lower() not in _senders():
        return None
    for name, content in mail.files:
        try:
            receive_scan(BytesIO(content), name, by=SYSTEM, source="email")
        except Refused as error:
            ScanBatch.objects.get_or_create(
                sha256=hashlib.sha256(content).hexdigest(),
                defaults={
                    "name": name[:200],
                    "source": "email",
                    "state": ScanBatch.State.REFUSED,
                    "trouble": str(error)[:300],
                },
            )
    return ""


MAILBOX = MailBox("documents-scans", _mail, order=10, machine=lambda sender: sender.lower() in _senders())
