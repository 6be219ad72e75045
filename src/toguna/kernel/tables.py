"""Tables as people bring them: .xlsx, or .csv in whatever way their spreadsheet writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from toguna.kernel import text
from toguna.kernel.heavy import Heavy

openpyxl = Heavy("openpyxl")

WIDEST = 60  # columns


def said(cell: Any, most: int = 300) -> str:
    """A cell as somebody would write it: a spreadsheet gives days and numbers of its own kind."""
    if isinstance(cell, datetime):
        cell = cell.date()
    elif isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(text.clean("" if cell is None else str(cell)).split())[:most]


def safe(words: str) -> str:
    """What somebody typed, for a cell: what a spreadsheet would run as a formula is only words."""
    runs = words.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") or words[:1] in ("\t", "\r", "\n")
    return f"'{words}" if runs else words


class BadTable(ValueError):
    """It cannot be read; str() says why, and what to do."""


def rows(raw: bytes) -> Iterator[list[Any]]:
    """Its rows, the heading first; cells of a spreadsheet keep their kind (dates, numbers), those of a CSV are text. Raises BadTable."""
    if raw[:4] == b"PK\x03\x04":
        try:
            sheet = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True).worksheets[0]
        except Exception as error:  # whatever a broken archive makes the library raise
            raise BadTable(_("This spreadsheet cannot be read. Save it again as .xlsx or .csv.")) from error
        for row in sheet.iter_rows(values_only=True, max_col=WIDEST):
            yield list(row)
        return
    try:
        said = raw.decode("utf-8-sig")
    except UnicodeDecodeError:  # what Windows of our countries writes
        said = raw.decode("cp1252", errors="replace")
    head = said.partition("\n")[0]
    try:
        yield from csv.reader(io.StringIO(said, newline=""), delimiter=max(";,\t", key=head.count))
    except csv.Error as error:
        raise BadTable(_("This table cannot be read: %(why)s") % {"why": error}) from error
