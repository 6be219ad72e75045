"""The answers to a form as a table, a row for each filling that was ended."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from toguna.engines.forms.definition import BLOCKS, Definition, Item
from toguna.engines.forms.models import Filling, Form
from toguna.engines.forms.scalars import plain
from toguna.kernel import tables

AT_ONCE = 500
_OWN = ("code", "version", "completed", "channel")


def columns(form: Definition) -> list[tuple[str, Item]]:
    """("home.street", question) of each value outside repeats, and each repeat of the first level as one column."""
    found: list[tuple[str, Item]] = []

    def look(items: tuple[Item, ...]) -> None:
        for item in items:
            if item.kind == "group":
                look(item.items)
            elif item.kind != "note":
                found.append((".".join(item.path), item))

    look(form.items)
    return found


def _cell(answers: dict[str, Any], item: Item) -> str:
    value: Any = answers
    for name in item.path:
        value = value.get(name) if isinstance(value, dict) else None
    if item.kind in BLOCKS:
        return json.dumps(value, ensure_ascii=False) if value else ""
    written = plain(value)
    return tables.safe(written) if isinstance(value, str) and _text(item) else written


def _text(item: Item) -> bool:
    return item.kind not in ("decimal", "range")


def table(form: Form, definition: Definition) -> Iterator[str]:
    """CSV (UTF-8, as spreadsheets open it), in pieces. Columns are those of `definition`, the current version's."""
    asked = columns(definition)
    yield "\ufeff" + _line([*_OWN, *(name for name, _item in asked)])
    rows = Filling.objects.filter(version__form=form, state=Filling.State.COMPLETE).order_by("pk")
    wanted = rows.values_list("code", "version__version", "completed", "channel", "values")
    for code, version, completed, channel, values in wanted.iterator(chunk_size=AT_ONCE):
        yield _line(
            [
                code,
                version,
                completed.isoformat() if completed else "",
                channel,
                *(_cell(values, item) for _name, item in asked),
            ]
        )


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
