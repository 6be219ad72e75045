"""What is different between two versions of a form, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from toguna.engines.forms.builder import editing, kinds
from toguna.engines.forms.builder.editing import Path

_SAID = (
    ("kind", _("what is answered")), ("appearance", _("what is answered")), ("label", _("its words")),
    ("hint", _("its words of help")), ("required", _("whether an answer is needed")),
    ("required_message", _("what is said without an answer")), ("relevant", _("when it is asked")),
    ("constraint", _("its limits")), ("parameters", _("its limits")),
    ("constraint_message", _("what is said outside its limits")),
    ("calculation", _("how it is calculated")), ("default", _("what is written beforehand")),
    ("prefill", _("what is written beforehand")), ("choice_filter", _("which choices are offered")),
    ("read_only", _("whether it can be changed")), ("count", _("how many rows there are")),
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """what: "added", "removed" or "changed"; title: of the question; details: what is different in it."""

    what: str
    title: str
    kind: Any
    details: tuple[Any, ...] = ()


def between(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Change]:
    """The changes of a form, in its order; those of a first version are none."""
    if before is None:
        return []
    old, new = _items(before), _items(after)
    found = []
    for name, (path, row) in new.items():
        if name not in old:
            found.append(Change("added", editing.title(row), kinds.title(row)))
            continue
        was_path, was = old[name]
        details = list(dict.fromkeys(said for key, said in _SAID if was.get(key) != row.get(key)))
        if before["choices"].get(was.get("list")) != after["choices"].get(row.get("list")):
            details.append(_("its choices"))
        if was_path[:-1] != path[:-1]:
            details.append(_("the page that it is on"))
        if details:
            found.append(Change("changed", editing.title(row), kinds.title(row), tuple(details)))
    found += [
        Change("removed", editing.title(row), kinds.title(row)) for name, (_path, row) in old.items() if name not in new
    ]
    common_old = [name for name in old if name in new]
    common_new = [name for name in new if name in old]
    if common_old != common_new:
        found.append(Change("changed", str(_("The order of the questions")), ""))
    if before.get("titles") != after.get("titles"):
        found.append(Change("changed", str(_("The title of the form")), ""))
    return found


def _items(data: Mapping[str, Any]) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """By name; of those that share one, the further by their path."""
    found: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for path, row in editing.walk(data["items"]):
        found[row["name"] if row["name"] not in found else "/".join(path)] = (path, row)
    return found
