"""What is drawn of a form: its groups, lists and questions as plain values for the templates, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toguna.engines.forms import showing
from toguna.engines.forms.definition import LISTS, MEDIA, SILENT, Definition, Item
from toguna.engines.forms.values import MOST_INSTANCES, Filled, named
from toguna.engines.forms.web.reading import PREFIX
from toguna.kernel.text import pick

MOST_RADIOS = 12
Key = tuple[str | int, ...]
_REFERENCE = re.compile(r"\$\{([^}]{1,64})\}")
_INPUTS = {
    "integer": "number", "decimal": "number", "range": "range", "date": "date", "time": "time",
    "dateTime": "datetime-local", "geopoint": "place", "geotrace": "line", "geoshape": "line",
    "acknowledge": "tick", "image": "file", "audio": "file", "video": "file", "file": "file", "signature": "signature",
    "select_multiple": "ticks", "rank": "rank",
}  # fmt: skip
_ACCEPT = {"image": "image/*", "audio": "audio/*", "video": "video/*"}


@dataclass
class Block:
    """type: "field", "note", "group", "list". widget: how a field is asked. choices: (value, words, chosen), of a ranking its
    number."""

    type: str
    key: str = ""
    label: str = ""
    hint: str = ""
    widget: str = ""
    kind: str = ""
    value: str = ""
    error: str = ""
    required: bool = False
    read_only: bool = False
    choices: list[tuple[str, str, Any]] = field(default_factory=list)
    places: list[tuple[str, str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    rows: list[tuple[int, list[Block]]] = field(default_factory=list)
    may_add: bool = False
    may_remove: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return PREFIX + self.key

    @property
    def id(self) -> str:
        return "f-" + self.key.replace(".", "-")


class Drawing:
    """Draws items of a filling. errors: {key: sentence}; typed: what was written that is no answer; places: to choose from."""

    def __init__(
        self, form: Definition, filled: Filled, language: str, *, errors: Mapping[str, str] | None = None,
        typed: Mapping[str, str] | None = None, places: Mapping[str, list[tuple[str, str]]] | None = None,
    ) -> None:  # fmt: skip
        self.form, self.filled, self.language = form, filled, language
        self.errors, self.typed, self.places = errors or {}, typed or {}, places or {}
        self.map = False  # whether a place was drawn: the page then brings the map

    def blocks(self, items: Sequence[Item], at: Key = ()) -> list[Block]:
        return list(self._blocks(items, at))

    def keys(self, items: Sequence[Item]) -> set[str]:
        """The questions that are asked now."""
        return {
            named(key)
            for top in items
            for item in top.walk()
            if item.asked
            for key in self.filled.keys.get(item.path, ())
            if self.filled.shown(key)
        }

    def words(self, words: Mapping[str, str], at: Key) -> str:
        """A label with the answers that it names."""
        said = pick(words, self.language)
        return _REFERENCE.sub(lambda found: self._answer(found[1], at), said) if "${" in said else said

    def _answer(self, name: str, at: Key) -> str:
        items = self.form.by_name.get(name, ())
        if not items:
            return ""
        path = tuple(step for step in at if isinstance(step, str))

        def shared(item: Item) -> int:
            return next((n for n, (a, b) in enumerate(zip(item.path, path, strict=False)) if a != b), len(path))

        item = max(items, key=shared)
        keys = [key for key in self.filled.keys.get(item.path, ()) if self.filled.shown(key)]
        # Of a list, the answer in the same row.
        own = [key for key in keys if all(a == b for a, b in zip(key, at, strict=False) if isinstance(a, int))]
        value = self.filled.value((own or keys or [()])[0]) if keys else None
        return "" if value in (None, "", []) else showing.said(self.form, item, value, self.language)

    def _blocks(self, items: Sequence[Item], at: Key) -> Iterator[Block]:
        for item in items:
            key = (*at, item.name)
            if item.kind in SILENT or not self.filled.shown(key):
                continue
            label = self.words(item.label, key)
            if item.kind == "group":
                inner = self.blocks(item.items, key)
                if inner:
                    yield Block("group", named(key), label, self.words(item.hint, key), blocks=inner)
            elif item.kind == "repeat":
                yield self._list(item, key, label)
            elif item.kind == "note":
                yield Block("note", named(key), label, self.words(item.hint, key))
            else:
                yield self._field(item, key, label)

    def _list(self, item: Item, key: Key, label: str) -> Block:
        rows = self.filled.value(key) or []
        free = not item.count
        return Block(
            "list", named(key), label, self.words(item.hint, key),
            rows=[(number, self.blocks(item.items, (*key, number))) for number in range(len(rows))],
            may_add=free and len(rows) < MOST_INSTANCES, may_remove=free, error=self.errors.get(named(key), ""),
        )  # fmt: skip

    def _field(self, item: Item, key: Key, label: str) -> Block:
        dotted, value = named(key), self.filled.value(key)
        block = Block(
            "field", dotted, label or item.name, self.words(item.hint, key), kind=item.kind,
            widget=_INPUTS.get(item.kind, "text"), value=self.typed.get(dotted, _written(item, value)),
            error=self.errors.get(dotted, ""), required=self.filled.required(key), read_only=item.read_only,
            places=self.places.get(dotted, []),
        )  # fmt: skip
        self.map = self.map or block.widget == "place"
        if item.kind in LISTS:
            chosen = value if isinstance(value, list) else [value]
            offered = self.filled.choices(item, key)
            block.choices = [
                (one.name, pick(one.label, self.language) or one.name, one.name in chosen) for one in offered
            ]
            if item.kind == "select_one":
                few = len(offered) <= MOST_RADIOS and "minimal" not in item.appearance
                block.widget = "radios" if few else "select"
            if item.kind == "rank":
                places = {name: number for number, name in enumerate(value or [], 1)}
                block.choices = [(name, words, places.get(name, "")) for name, words, _chosen in block.choices]
        elif item.kind == "range":
            block.extra = {name: item.parameters.get(name, "") for name in ("start", "end", "step")}
        elif item.kind in MEDIA:
            block.extra = {"accept": _ACCEPT.get(item.kind, ""), "file": value or ""}
        elif item.kind == "text":
            block.widget = "lines" if "multiline" in item.appearance else "text"
            phone = item.prefill == "person.phone" or "numbers" in item.appearance
            whole = {"person.phone": "tel", "person.name": "name", "person.email": "email"}.get(item.prefill, "")
            block.extra = {"mode": "tel" if phone else "", "autocomplete": whole}
        return block


def _written(item: Item, value: Any) -> str:
    """A value as its input wants it."""
    if value is None:
        return ""
    if item.kind == "geopoint":
        return f"{value[1]:.6f}, {value[0]:.6f}"
    if item.kind in ("geotrace", "geoshape"):
        return "\n".join(f"{point[1]:.6f}, {point[0]:.6f}" for point in value)
    if item.kind == "time":
        return str(value)[:5]
    if item.kind == "dateTime":
        return str(value)[:16]
    return str(value) if isinstance(value, str | int) and value is not True else ""
