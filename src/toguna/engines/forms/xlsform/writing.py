"""From a definition to an XLSForm workbook, and to the XForm that ODK Collect reads (made by pyxform)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from toguna.engines.forms.definition import LISTS, Definition, Item
from toguna.engines.forms.xlsform.vocabulary import WORDS, language_name

Rows = list[dict[str, str]]
_CELLS = ("relevant", "constraint", "calculation", "default", "choice_filter", "appearance", "prefill")
_TYPES = {"signature": "image", "dateTime": "datetime"}


class NotAnXForm(Exception):
    """pyxform refuses the definition: str() is what it says."""


def sheets(form: Definition, *, version: str = "") -> dict[str, Rows]:
    """The sheets of the workbook: survey, choices, settings, and entities when there were some."""
    found: dict[str, Rows] = {"survey": [], "choices": [], "settings": [_settings(form, version)]}
    for item in form.items:
        found["survey"] += _survey(item, form)
    for name, choices in form.choices.items():
        for choice in choices:
            row = {"list_name": name, "name": choice.name}
            row |= _words("label", choice.label, form) | {key: str(value) for key, value in choice.more.items()}
            found["choices"].append(row)
    if "sheet:entities" in form.settings:
        found["entities"] = json.loads(form.settings["sheet:entities"])
    return found


def _settings(form: Definition, version: str) -> dict[str, str]:
    settings = {key: str(value) for key, value in form.settings.items() if ":" not in key}
    first = form.languages[0] if form.languages else ""
    titles = [(code, title) for code, title in form.titles.items() if title]
    titles.sort(key=lambda pair: pair[0] != first)
    said = {f"form_title::{language_name(code)}": title for code, title in titles[1:]}
    return {
        **({"form_title": titles[0][1]} if titles else {}),
        **said,
        "form_id": form.name,
        **settings,
        **({"version": version} if version else {}),
        **({"default_language": language_name(first)} if first else {}),
    }


def _words(name: str, words: Mapping[str, str], form: Definition) -> dict[str, str]:
    return {f"{name}::{language_name(code)}": said for code, said in words.items() if said}


def _survey(item: Item, form: Definition) -> Iterator[dict[str, str]]:
    row = {"type": f"begin {item.kind}" if item.block else _TYPES.get(item.kind, item.kind), "name": item.name}
    if item.kind in LISTS:
        row["type"] = f"{item.kind} {item.list}"
    for name in sorted(WORDS):
        row |= _words(name, getattr(item, name), form)
    row |= {name: str(value) for name in _CELLS if (value := getattr(item, name)) not in ("", None)}
    if item.kind == "signature":
        row["appearance"] = f"signature {item.appearance}".strip()
    if item.required:
        row["required"] = "yes" if item.required is True else item.required
    if item.read_only:
        row["read_only"] = "yes"
    if item.parameters:
        row["parameters"] = " ".join(f"{key}={value}" for key, value in item.parameters.items())
    if item.count:
        row["repeat_count"] = item.count
    yield row | {key: str(value) for key, value in item.extra.items()}
    if item.block:
        for inner in item.items:
            yield from _survey(inner, form)
        yield {"type": f"end {item.kind}"}


def _headers(rows: Sequence[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(header for row in rows for header in row))


def workbook(form: Definition, *, version: str = "") -> bytes:
    """The .xlsx of a definition. Cells are texts: nothing in them is a formula."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets(form, version=version).items():
        sheet = book.create_sheet(name)
        headers = _headers(rows)
        for at, header in enumerate(headers, 1):
            sheet.cell(1, at, header).font = Font(bold=True)
            sheet.column_dimensions[sheet.cell(1, at).column_letter].width = 28
        for number, row in enumerate(rows, 2):
            for at, header in enumerate(headers, 1):
                if row.get(header):
                    cell = sheet.cell(number, at)
                    cell.value, cell.data_type = ILLEGAL_CHARACTERS_RE.sub("", row[header]), "s"
        sheet.freeze_panes = "A2"
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def xform(form: Definition, *, version: str = "") -> tuple[str, str]:
    """The XForm and its MD5, as OpenRosa wants it. Raises NotAnXForm."""
    found = sheets(form, version=version)
    for row in found["survey"]:
        row.pop("prefill", None)  # the town's own: a phone in the field knows nobody
    for name in [name for name in found["settings"][0] if "::" in name]:
        del found["settings"][0][name]
    read: dict[str, Any] = {"sheet_names": list(found), "fallback_form_name": form.name}
    for name, rows in found.items():
        if rows:
            read[name] = rows
            read[f"{name}_header"] = [dict.fromkeys(_headers(rows))]
    try:
        made = convert(read, form_name="data", warnings=[]).xform
    except PyXFormError as bad:
        raise NotAnXForm(_("ODK does not accept this form: %(why)s") % {"why": bad}) from bad
    return made, hashlib.md5(made.encode(), usedforsecurity=False).hexdigest()
