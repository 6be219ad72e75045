"""What a form is: data, in several languages, after XLSForm (https://xlsform.org), whose names are kept.

A definition is JSON::

    {"name": "birth", "titles": {lang: words}, "languages": ["fr", "en"], "items": [ITEM...],
     "choices": {"sexes": [{"name": "f", "label": {lang: words}, "more": {"region": "north"}}]},
     "settings": {"instance_name": EXPRESSION, ...}}

    ITEM = {"name": "age", "kind": "integer", "label": {...}, "hint": {...}, "required": EXPRESSION or true,
            "required_message": {...}, "relevant": EXPRESSION, "constraint": EXPRESSION, "constraint_message": {...},
            "calculation": EXPRESSION, "default": VALUE, "list": "sexes", "choice_filter": EXPRESSION,
            "appearance": "minimal", "parameters": {"start": "0"}, "read_only": true, "prefill": "person.name",
            "items": [ITEM...] (of a group or a repeat), "count": EXPRESSION (of a repeat), "extra": {column: cell}}

An EXPRESSION is written as in XLSForm: ``${age} >= 18 and selected(${papers}, 'passport')`` (see `expressions`).

The answers to a form are a dict of the same shape as its items: ``{"age": 30, "home": {"street": "..."}, "children":
[{"name": "Awa"}, ...]}`` - a group is a dict, a repeat a list of dicts; what was not answered is left out. Values are
JSON: text, date ("2026-11-23"), time ("14:30"), dateTime (ISO 8601) and barcode are strings; integer is int; decimal and
range are a string of digits ("12.50": never a float, what is owed may hang on it); select_one is a choice's name;
select_multiple and rank a list of them; acknowledge is true; geopoint is [lon, lat] or [lon, lat, altitude m, accuracy m];
geotrace and geoshape are lists of such points (a shape's first and last are the same); image, audio, video, file and
signature are the id of a file of `documents` (str of a UUID).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from toguna.kernel.text import Words

ASKED = frozenset(
    [
        "text",
        "integer",
        "decimal",
        "range",
        "select_one",
        "select_multiple",
        "rank",
        "date",
        "time",
        "dateTime",
        "barcode",
        "acknowledge",
        "geopoint",
        "geotrace",
        "geoshape",
        "image",
        "audio",
        "video",
        "file",
        "signature",
    ]
)
MEDIA = frozenset(["image", "audio", "video", "file", "signature"])
LISTS = frozenset(["select_one", "select_multiple", "rank"])
# Written by the device or the town, never asked: when it was begun and ended, by whom, on what.
META = frozenset(["start", "end", "today", "deviceid", "username", "phonenumber", "email", "audit"])
SILENT = frozenset(["calculate", "hidden"]) | META
BLOCKS = frozenset(["group", "repeat"])
KINDS = ASKED | SILENT | BLOCKS | {"note"}
MOST_ITEMS, MOST_CHOICES, DEEPEST = 1000, 20_000, 6
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Problem(str):
    """What is wrong, in words; at: the path of the item in which it is."""

    at: tuple[str, ...]

    def __new__(cls, said: str, at: tuple[str, ...]) -> Problem:
        made = super().__new__(cls, said)
        made.at = at
        return made


@dataclass(frozen=True)
class Choice:
    """`more`: the other columns of its row, which choice filters read."""

    name: str
    label: Words
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A question, a note, a calculated or hidden value, a group or a repeat; `path` is its place: ("home", "street")."""

    name: str
    kind: str
    path: tuple[str, ...]
    label: Words = field(default_factory=dict)
    hint: Words = field(default_factory=dict)
    required: str | bool = False
    required_message: Words = field(default_factory=dict)
    relevant: str = ""
    constraint: str = ""
    constraint_message: Words = field(default_factory=dict)
    calculation: str = ""
    default: Any = None
    list: str = ""
    choice_filter: str = ""
    appearance: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    prefill: str = ""  # what the town may know already: "person.name", "person.phone", "person.zone", "case.code"...
    items: tuple[Item, ...] = ()
    count: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  # columns that are kept for XLSForm and not understood

    @property
    def asked(self) -> bool:
        return self.kind in ASKED

    @property
    def block(self) -> bool:
        return self.kind in BLOCKS

    def walk(self) -> Iterator[Item]:
        """This item and all that are in it, in order."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True)
class Definition:
    """A whole form, read from its JSON by `read`. Make one per version and keep it: it is frozen and shared."""

    name: str
    titles: Words
    languages: tuple[str, ...]
    items: tuple[Item, ...]
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    def walk(self) -> Iterator[Item]:
        for item in self.items:
            yield from item.walk()

    @cached_property
    def by_path(self) -> Mapping[tuple[str, ...], Item]:
        return {item.path: item for item in self.walk()}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Item, ...]]:
        """Items of each name: XLSForm lets a name come again in another group."""
        found: dict[str, list[Item]] = {}
        for item in self.walk():
            found.setdefault(item.name, []).append(item)
        return {name: tuple(items) for name, items in found.items()}

    def pages(self) -> tuple[tuple[Item, ...], ...]:
        """The steps of a web form: each group or repeat of the first level is a page of its own, and so are the runs of
        questions between them."""
        pages: list[tuple[Item, ...]] = []
        run: list[Item] = []
        for item in self.items:
            if item.block:
                if any(i.kind not in SILENT for i in run):
                    pages.append(tuple(run))
                    run = []
                pages.append((*run, item))
                run = []
            else:
                run.append(item)
        if run and (any(i.kind not in SILENT for i in run) or not pages):
            pages.append(tuple(run))
        elif run:
            pages[-1] = (*pages[-1], *run)
        return tuple(pages)


_PLAIN = (
    "label",
    "hint",
    "required",
    "required_message",
    "relevant",
    "constraint",
    "constraint_message",
    "calculation",
    "default",
    "list",
    "choice_filter",
    "appearance",
    "parameters",
    "read_only",
    "prefill",
    "count",
    "extra",
)


def _item(row: Mapping[str, Any], above: tuple[str, ...]) -> Item:
    path = (*above, str(row["name"]))
    return Item(
        name=path[-1],
        kind=str(row["kind"]),
        path=path,
        items=tuple(_item(inner, path) for inner in row.get("items", ())),
        **{key: row[key] for key in _PLAIN if key in row},
    )


def read(data: Mapping[str, Any]) -> Definition:
    """The Definition that this JSON holds. Call `problems` first on what somebody wrote: this trusts its input."""
    return Definition(
        name=data["name"],
        titles=data.get("titles", {}),
        languages=tuple(data.get("languages", ())),
        items=tuple(_item(row, ()) for row in data["items"]),
        choices={
            name: tuple(Choice(row["name"], row.get("label", {}), row.get("more", {})) for row in rows)
            for name, rows in data.get("choices", {}).items()
        },
        settings=data.get("settings", {}),
    )


def _dumped(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {"name": item.name, "kind": item.kind}
    for key in _PLAIN:
        value = getattr(item, key)
        if value not in ("", None, False, {}, ()):
            row[key] = value
    if item.block:
        row["items"] = [_dumped(inner) for inner in item.items]
    return row


def dump(form: Definition) -> dict[str, Any]:
    """The JSON of a definition: `dump(read(x)) == x` for what `dump` wrote."""
    return {
        "name": form.name,
        "titles": dict(form.titles),
        "languages": list(form.languages),
        "items": [_dumped(item) for item in form.items],
        "choices": {
            name: [
                {"name": c.name, "label": dict(c.label), **({"more": dict(c.more)} if c.more else {})} for c in choices
            ]
            for name, choices in form.choices.items()
        },
        "settings": dict(form.settings),
    }


def problems(data: Any) -> Iterator[str]:
    """What is wrong with the shape of a definition that somebody wrote, in words for them. Expressions are checked by
    `expressions.problems`."""
    if not isinstance(data, Mapping) or not isinstance(data.get("items"), Sequence) or isinstance(data["items"], str):
        yield _("This is not a form: it has no list of items.")
        return
    if not NAME.fullmatch(str(data.get("name", ""))):
        yield _("Give the form a name: a letter, then letters, digits, “_”, “-” or “.”.")
    lists = data.get("choices", {})
    if not isinstance(lists, Mapping):
        yield _("The choices are not lists with a name.")
        lists = {}
    for name, rows in lists.items():
        keys = [str(row.get("name", "")) for row in rows if isinstance(row, Mapping)]
        if len(keys) != len(rows) or not all(keys) or any(" " in key for key in keys):
            yield _("List “%(name)s”: each choice needs a name without a space.") % {"name": name}
        elif len(set(keys)) < len(keys) and data.get("settings", {}).get("allow_choice_duplicates") != "yes":
            yield _("List “%(name)s”: a choice is there twice.") % {"name": name}
        if len(rows) > MOST_CHOICES:
            yield _("List “%(name)s” is too long: %(most)d choices at most.") % {"name": name, "most": MOST_CHOICES}
    counted = [0]
    yield from _problems(data["items"], (), lists, counted)
    if counted[0] > MOST_ITEMS:
        yield _("This form is too long: %(most)d items at most.") % {"most": MOST_ITEMS}
    if not counted[0]:
        yield _("The form asks nothing yet: add a question.")


def _problems(rows: Any, above: tuple[str, ...], lists: Mapping[str, Any], counted: list[int]) -> Iterator[str]:
    if len(above) > DEEPEST:
        yield Problem(_("“%(name)s”: groups are nested too deep.") % {"name": above[-1]}, above)
        return
    seen: set[str] = set()
    for row in rows:
        counted[0] += 1
        if not isinstance(row, Mapping):
            yield _("An item of the form is not an object.")
            continue
        name, kind = str(row.get("name", "")), str(row.get("kind", ""))
        for said in _item_problems(row, name, kind, seen, lists):
            yield Problem(said, (*above, name))
        seen.add(name)
        if kind in BLOCKS:
            yield from _problems(row.get("items", ()), (*above, name), lists, counted)


def _item_problems(
    row: Mapping[str, Any], name: str, kind: str, seen: set[str], lists: Mapping[str, Any]
) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield _("“%(name)s”: a name is a letter, then letters, digits, “_”, “-” or “.”.") % {"name": name}
    if name in seen:
        yield _("“%(name)s” is there twice in the same group.") % {"name": name}
    if kind not in KINDS:
        yield _("“%(name)s”: “%(kind)s” is not a kind of question.") % {"name": name, "kind": kind}
    if kind in LISTS and row.get("list") not in lists:
        yield _("“%(name)s”: its list of choices, “%(list)s”, is not there.") % {
            "name": name,
            "list": row.get("list", ""),
        }
    if kind == "calculate" and not row.get("calculation"):
        yield _("“%(name)s”: say how it is calculated.") % {"name": name}
    if kind in ASKED and not any((row.get("label") or {}).values()) and not any((row.get("hint") or {}).values()):
        yield _("“%(name)s”: write the question in one language at least.") % {"name": name}
