"""A form on paper: drawn from its definition, with a QR that says which version it is and a number of its own, so that what is
written on it is typed, or scanned, into that very version, once."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import segno
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions, reads
from toguna.engines.forms.builder import conditions
from toguna.engines.forms.definition import LISTS, MEDIA, SILENT, Definition, Item
from toguna.engines.forms.models import Filling, FormVersion
from toguna.engines.people.api import Person
from toguna.kernel import codes, paper
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.text import pick

PATTERN = re.compile(r"TOGUNA-FORM ([a-z0-9_-]{1,64}) ([A-Za-z0-9._-]{1,32}) ([A-Z0-9]{8})", re.IGNORECASE)
MOST_WAITING = 50
MOST_CHOICES, ROWS = 40, 4  # a longer list is written by hand; empty rows of a list that may have any number
_DRAWING = Path(__file__).parent / "blank.typ"
_SPACE = uuid.UUID("9b0f6d0c-2a5b-4c6e-8a2c-0c1f5d7f3b11")


def says(slug: str, version: str, number: str) -> str:
    """What its QR says."""
    return f"TOGUNA-FORM {slug} {version} {number}"


def drawn(version: FormVersion, language: str, *, number: str = "") -> bytes:
    """The PDF of one blank, A4. number: of the blank, a new one when it is not given."""
    form, number = reads.definition_of(version.pk), number or codes.make(8)
    qr = BytesIO()
    segno.make(says(version.form.slug, version.version, number), error="q").save(qr, kind="svg", scale=3, border=2)
    with override(language):
        data = {
            "title": pick(form.titles, language) or version.form.slug,
            "number": " ".join((number[:4], number[4:])),
            "version": version.version,
            "blocks": list(_blocks(form, form.items, language)),
            "words": {
                "number": _("Number of this sheet"), "version": _("version"), "page": _("page"),
                "office": _("For the office"), "received": _("Received on"), "by": _("by"), "code": _("Code of the request"),
                "legend": _("Write in capitals, tick one box with a cross: ☒. Where it says “if”, answer only in that case."),
                "needed": _("An answer is needed."), "sign": _("Signature"),
            },
        }  # fmt: skip
        return paper.drawn(_DRAWING, {**data, "language": language}, {"qr.svg": qr.getvalue()})


def _blocks(form: Definition, items: Sequence[Item], language: str) -> Iterator[dict[str, Any]]:
    for item in items:
        if item.kind in SILENT:
            continue
        label, hint = _plain(pick(item.label, language)), _plain(pick(item.hint, language))
        only = conditions.said(item.relevant, form, language) if item.relevant else ""
        if item.relevant and not only:
            only = _("it applies to you")
        block = {"label": label or item.name, "hint": hint, "only": _("if %(only)s") % {"only": only} if only else ""}
        if item.kind == "group":
            yield {**block, "type": "group", "label": label, "blocks": list(_blocks(form, item.items, language))}
        elif item.kind == "repeat":
            inner = [one for one in item.walk() if one.asked and one.kind not in MEDIA]
            heads = [_plain(pick(one.label, language)) or one.name for one in inner]
            yield {**block, "type": "list", "heads": heads[:6], "rows": ROWS}
        elif item.kind == "note":
            yield {**block, "type": "note"}
        else:
            yield {**block, **_field(form, item, language), "required": item.required is True}


def _field(form: Definition, item: Item, language: str) -> dict[str, Any]:
    """How much room a question is given, and of which shape."""
    if item.kind in LISTS:
        rows = form.choices.get(item.list, ())
        if 0 < len(rows) <= MOST_CHOICES:
            marks = "rank" if item.kind == "rank" else "many" if item.kind == "select_multiple" else "one"
            return {"type": "boxes", "marks": marks, "choices": [pick(one.label, language) or one.name for one in rows]}
        return {"type": "line"}
    if item.kind == "acknowledge":
        return {"type": "boxes", "marks": "one", "choices": [_("yes")]}
    if item.kind == "date":
        return {"type": "cells", "cells": [2, 2, 4], "between": "/", "help": _("day / month / year")}
    if item.kind == "time":
        return {"type": "cells", "cells": [2, 2], "between": ":", "help": ""}
    if item.kind == "integer":
        return {"type": "cells", "cells": [9], "between": "", "help": ""}
    if item.kind == "signature":
        return {"type": "sign"}
    if item.kind in MEDIA:
        return {"type": "attach", "help": _("Attach it to this sheet.")}
    if item.kind in ("geopoint", "geotrace", "geoshape"):
        return {"type": "lines", "lines": 2, "help": _("Landmark, street, district")}
    return {"type": "lines", "lines": 4} if "multiline" in item.appearance else {"type": "line"}


def _plain(words: str) -> str:
    """A label on paper has no answers to name."""
    return re.sub(r"\$\{[^}]*\}", "…", words)


def found(typed: str) -> tuple[FormVersion, str] | None:
    """(version, number) of what a QR says, or what was typed of it; None when it is none of ours."""
    said = PATTERN.search(" ".join(typed.split()))
    if said is None:
        return None
    versions = FormVersion.objects.filter(form__slug=said[1], version=said[2]).select_related("form")
    version = versions.defer("definition", "xform", "form__draft").first()
    return (version, said[3].upper()) if version is not None else None


def begin(version: FormVersion, number: str, *, by: Actor, person: Person | None = None, language: str = "") -> Filling:
    """The filling of a sheet: the same one however often the sheet is brought. Raises Refused, Denied."""
    once = uuid.uuid5(_SPACE, says(version.form.slug, version.version, number))
    return actions.open_filling(
        version.form, by=by, person=person, channel="paper", client_id=once, version=version, language=language
    )


def scanned(says_: str, stream: IO[bytes]) -> str:
    """A sheet that was scanned: its picture waits beside its form, to be typed. The same sheet again adds another picture of it
    when it is another scan. Raises Refused when it is of no form of ours."""
    sheet = found(says_)
    if sheet is None:
        raise actions.Refused(
            _("This is no sheet of this town. Read its QR again, or type it: TOGUNA-FORM, form, version, number.")
        )
    version, number = sheet
    filling = begin(version, number, by=SYSTEM)
    content = stream.read()
    once = uuid.uuid5(_SPACE, f"{filling.pk} {hashlib.sha256(content).hexdigest()}")
    documents.keep(BytesIO(content), f"{number}.pdf", subject=(actions.SUBJECT, filling.pk), by=SYSTEM, client_id=once)
    return f"{pick(version.form.titles)} {number}"


def waiting() -> list[tuple[Filling, list[documents.File]]]:
    """Sheets that came back as pictures and are not typed yet, the oldest first."""
    begun = Filling.objects.filter(channel="paper", state=Filling.State.DRAFT, account=None, completed=None)
    rows = (
        begun.select_related("version__form")
        .defer("version__definition", "version__xform", "values")
        .order_by("pk")[:MOST_WAITING]
    )
    return [(row, list(documents.files_of((actions.SUBJECT, row.pk)))) for row in rows]
