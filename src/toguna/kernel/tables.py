"""Tables as people bring them: .xlsx, or .csv in whatever way their spreadsheet writes it; and as they take them away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _

from toguna.kernel import text
from toguna.kernel.heavy import Heavy

openpyxl = Heavy("openpyxl")

WIDEST = 60  # columns
MOST_ROWS, MOST_BYTES, MOST_WRONG = 2000, 2_000_000, 20


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


class Wrong(Exception):
    """lines: what is wrong with a table, each with its line."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def bring(
    file: object, columns: Collection[str], needed: Collection[str], line: Callable[[dict[str, str]], bool],
    refused: type[Exception] = ValueError,
) -> tuple[int, int]:  # fmt: skip
    """Brings an uploaded table of a register in, all or nothing: (new, changed). Its first line names columns, in any order; `line` is given
    {column: what is written} of each other, says whether it is new, and raises `refused` or ValidationError. Raises Wrong."""
    if not isinstance(file, UploadedFile):
        raise Wrong([_("Choose a file.")])
    content = file.read(MOST_BYTES + 1)
    large = _("This file is too large: %(n)d lines at most.") % {"n": MOST_ROWS}
    if len(content) > MOST_BYTES:
        raise Wrong([large])
    try:
        table = list(islice(rows(content), MOST_ROWS + 2))
    except BadTable as error:
        raise Wrong([str(error)]) from error
    names = {text.fold(said(cell)): place for place, cell in enumerate(table[0] if table else ())}
    if missing := [name for name in needed if name not in names]:
        raise Wrong([_("The first line must name the columns: %(names)s.") % {"names": ", ".join(missing)}])
    if len(table) > MOST_ROWS + 1:
        raise Wrong([large])
    wrong, counts, kept = [], [0, 0], set(names) & set(columns)
    with transaction.atomic():
        for number, cells in enumerate(table[1:], 2):
            given = {name: said(cells[names[name]]).removeprefix("'") for name in kept if names[name] < len(cells)}
            if not any(given.values()):
                continue
            try:
                counts[not line(given)] += 1
            except (refused, ValidationError, ValueError) as error:
                words = error.messages[0] if isinstance(error, ValidationError) else str(error)
                wrong.append(_("Line %(n)d: %(what)s") % {"n": number, "what": words})
                if len(wrong) >= MOST_WRONG:
                    break
        if wrong:
            raise Wrong(wrong)
    return counts[0], counts[1]


def given(table: Iterable[Iterable[Any]], name: str) -> HttpResponse:
    """A table to take away, as French and Portuguese spreadsheets expect it."""
    held = io.StringIO()
    held.write("\ufeff")
    csv.writer(held, delimiter=";").writerows(table)
    return HttpResponse(
        held.getvalue(), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}.csv"'}
    )  # fmt: skip
