"""Sheets that separate: one is laid before each document of a pile, and says of what kind it is."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import segno
from django.utils.translation import gettext as _

from toguna.engines.documents.models.store import FileKind
from toguna.kernel import paper
from toguna.kernel.text import pick

PATTERN = re.compile(r"TOGUNA-SHEET ([a-z0-9-]{0,40}|\*)")
_DRAWING = Path(__file__).parent / "sheets.typ"


def says(kind: str) -> str:
    return f"TOGUNA-SHEET {kind or '*'}"


def kind_of(barcode: str) -> str | None:
    """The kind that a sheet says, "" for any; None when the barcode is none of a sheet."""
    match = PATTERN.fullmatch(barcode.strip())
    return None if match is None else match[1].replace("*", "")


def drawn() -> bytes:
    """The PDF: a sheet for any document, then one for each kind of the plan."""
    pages, files = [], {}
    for number, (kind, title) in enumerate(
        [("", _("Any document")), *((row.name, pick(row.title)) for row in FileKind.objects.all())]
    ):
        qr = BytesIO()
        segno.make(says(kind), error="h").save(qr, kind="svg", scale=8, border=4)
        files[f"qr{number}.svg"] = qr.getvalue()
        pages.append({"title": title, "qr": f"qr{number}.svg"})
    words = {"what": _("A document begins after this sheet"), "keep": _("Use it again as often as you like.")}
    return paper.drawn(_DRAWING, {"pages": pages, **words}, files)
