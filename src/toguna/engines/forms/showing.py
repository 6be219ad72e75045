"""Answers as people read them: a choice by its words, a date as it is written, a file by its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.forms.definition import LISTS, MEDIA, SILENT, Definition, Item
from toguna.kernel.text import pick


@dataclass(frozen=True)
class Shown:
    """One answer. key: "children.0.name"; title: of its page, or of the row of its list; file: the id when it is a file."""

    key: str
    item: Item
    title: str
    question: str
    words: str
    file: str = ""


def shown(form: Definition, answers: Mapping[str, Any], language: str) -> list[Shown]:
    """The answers that count (see `Filled.final`), in the form's order, in that language. Calculated values are left out."""
    with override(language):
        return list(_shown(form, form.items, answers, (), "", language))


def _shown(
    form: Definition, items: Sequence[Item], answers: Mapping[str, Any], at: tuple[str, ...], title: str, language: str
) -> Iterator[Shown]:
    for item in items:
        value, key = answers.get(item.name), (*at, item.name)
        if value in (None, "", []) or item.kind in SILENT or item.kind == "note":
            continue
        words = pick(item.label, language)
        if item.kind == "group":
            yield from _shown(form, item.items, value, key, words or title, language)
        elif item.kind == "repeat":
            for number, row in enumerate(value):
                yield from _shown(form, item.items, row, (*key, str(number)), f"{words} {number + 1}", language)
        else:
            file = value if item.kind in MEDIA else ""
            yield Shown(".".join(key), item, title, words or item.name, said(form, item, value, language), file)


def said(form: Definition, item: Item, value: Any, language: str) -> str:
    """One answer in words; of a file: what it is."""
    kind = item.kind
    if kind in LISTS:
        chosen = value if isinstance(value, list) else [value]
        titles = {row.name: pick(row.label, language) or row.name for row in form.choices.get(item.list, ())}
        return ", ".join(str(titles.get(one, one)) for one in chosen)
    with override(language):
        if kind == "date":
            return date_format(date.fromisoformat(value))
        if kind == "time":
            return time_format(time.fromisoformat(value))
        if kind == "dateTime":
            return date_format(datetime.fromisoformat(value), "DATETIME_FORMAT")
        if kind == "acknowledge":
            return _("yes")
        if kind in MEDIA:
            return {"image": _("Photo"), "signature": _("Signature")}.get(kind, _("Attached file"))
        if kind == "geopoint":
            return f"{value[1]:.5f}, {value[0]:.5f}"
        if kind in ("geotrace", "geoshape"):
            return _("%(n)d points") % {"n": len(value)}
    return str(value)


def questions(form: Definition, language: str) -> list[tuple[str, str]]:
    """("home.street", "Home – Street") of every question outside repeats, in that language."""
    found: list[tuple[str, str]] = []

    def look(items: Sequence[Item], title: str) -> None:
        for item in items:
            words = pick(item.label, language)
            if item.kind == "group":
                look(item.items, words or title)
            elif item.asked or item.kind == "repeat":
                words = words or item.name
                found.append((".".join(item.path), f"{title} – {words}" if title else words))

    look(form.items, "")
    return found
