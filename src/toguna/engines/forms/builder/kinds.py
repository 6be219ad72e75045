"""The kinds of questions as a clerk calls them: each is a kind of ours, sometimes with the appearance that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from toguna.engines.forms.definition import LISTS


@dataclass(frozen=True)
class Kind:
    """name: what the page says; kind, appearance: what the definition says; phone: whether a telephone without a screen
    can ask it; limits: which can be set ("number", "date", "length")."""

    name: str
    title: Any
    kind: str
    appearance: str = ""
    phone: bool = True
    limits: str = ""
    common: bool = True


KINDS: tuple[Kind, ...] = (
    Kind("line", _("Words, on one line"), "text", limits="length"),
    Kind("lines", _("Words, on several lines"), "text", "multiline", limits="length"),
    Kind("phone", _("Telephone number"), "text", "numbers", limits="length"),
    Kind("integer", _("Whole number"), "integer", limits="number"),
    Kind("decimal", _("Number with decimals"), "decimal", limits="number"),
    Kind("date", _("Day"), "date", limits="date"),
    Kind("select_one", _("One choice in a list"), "select_one"),
    Kind("select_multiple", _("Several choices in a list"), "select_multiple"),
    Kind("acknowledge", _("Box to tick"), "acknowledge"),
    Kind("geopoint", _("Place on the map"), "geopoint"),
    Kind("image", _("Photo"), "image", phone=False),
    Kind("file", _("File"), "file", phone=False),
    Kind("signature", _("Signature (drawn)"), "signature", phone=False),
    Kind("note", _("Words to read, without an answer"), "note"),
    Kind("time", _("Time of the day"), "time", common=False),
    Kind("dateTime", _("Day and time"), "dateTime", common=False),
    Kind("range", _("Number on a scale"), "range", limits="number", common=False),
    Kind("rank", _("Choices to put in order"), "rank", common=False),
    Kind("barcode", _("Bar code"), "barcode", phone=False, common=False),
    Kind("geotrace", _("Line on the map"), "geotrace", phone=False, common=False),
    Kind("geoshape", _("Area on the map"), "geoshape", phone=False, common=False),
    Kind("audio", _("Sound"), "audio", phone=False, common=False),
    Kind("video", _("Video"), "video", phone=False, common=False),
    Kind("calculate", _("Calculated, not asked"), "calculate", common=False),
    Kind("hidden", _("Kept, not shown"), "hidden", common=False),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BLOCKS = {"group": _("Page"), "repeat": _("List, with as many rows as needed")}
FACTS = (
    ("", _("Nothing")),
    ("person.name", _("The person’s name")),
    ("person.phone", _("The person’s telephone number")),
    ("person.email", _("The person’s e-mail address")),
    ("person.zone", _("The person’s district")),
)


def of(row: Mapping[str, Any]) -> Kind | None:
    """What a clerk calls an item; None for a block and for what a device writes by itself (its start, its end...)."""
    kind, appearance = row["kind"], str(row.get("appearance", ""))
    if kind == "text":
        wanted = "lines" if "multiline" in appearance else "phone" if "numbers" in appearance else "line"
        return BY_NAME[wanted]
    return BY_NAME.get(kind)


def title(row: Mapping[str, Any]) -> Any:
    found = of(row)
    return found.title if found else BLOCKS.get(row["kind"], _("Written by the telephone"))


def choices() -> list[tuple[Any, Any]]:
    """For a list of kinds: those of every day, then the others."""
    often = [(kind.name, kind.title) for kind in KINDS if kind.common]
    return [(_("Often asked"), often), (_("Other kinds"), [(k.name, k.title) for k in KINDS if not k.common])]


def has_choices(name: str) -> bool:
    return name in LISTS
