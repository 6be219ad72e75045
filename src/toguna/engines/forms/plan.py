"""A definition made ready to be evaluated: its expressions compiled, its items in the order in which they depend on one
another. Made once for each definition (that is, once for each version) and shared."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from toguna.engines.forms import expressions
from toguna.engines.forms.definition import Definition, Item, Problem
from toguna.engines.forms.expressions import BadExpression, Expression, resolve
from toguna.engines.forms.functions import bad_pattern
from toguna.engines.forms.scalars import Path

_DYNAMIC = re.compile(r"\$\{|\w\(.*\)", re.DOTALL)
_PATTERN = re.compile(r"regex\s*\([^,]+,\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True)
class Step:
    """One item with its expressions. required: None for no, True for always."""

    item: Item
    relevant: Expression | None = None
    calculation: Expression | None = None
    constraint: Expression | None = None
    count: Expression | None = None
    choice_filter: Expression | None = None
    default: Expression | None = None
    required: Expression | bool = False


@dataclass(frozen=True)
class Plan:
    """steps: what is read comes before what reads it, and a group before what is in it."""

    form: Definition
    steps: tuple[Step, ...]
    by_path: dict[Path, Step]
    repeats: frozenset[Path]
    problems: tuple[str, ...] = field(default=())


def dynamic(item: Item) -> bool:
    """Whether the default of an item is an expression rather than a value."""
    return isinstance(item.default, str) and item.default != "" and bool(_DYNAMIC.search(item.default))


def of(form: Definition) -> Plan:
    """The plan of a definition, made the first time. One with problems evaluates what it can."""
    made = form.__dict__.get("plan")  # beside its cached properties: a frozen definition has one plan for ever
    if made is None:
        made = form.__dict__["plan"] = _plan(form)
    return made


def problems(form: Definition) -> Iterator[str]:
    """What is wrong with the expressions of a definition, in words for a clerk."""
    yield from _plan(form).problems  # made anew: in the language of who reads them


def _said(item: Item, what: str) -> str:
    return Problem(_("“%(name)s”: %(problem)s") % {"name": item.name, "problem": what}, item.path)


class _Reader:
    """Compiles the expressions of one item, and notes what is wrong."""

    def __init__(self, form: Definition, item: Item, found: list[str]) -> None:
        self.form, self.item, self.found = form, item, found

    def __call__(self, text: str, *, columns: bool = False) -> Expression | None:
        if not text:
            return None
        try:
            made = expressions.compile(text)
        except BadExpression as bad:
            self.found.append(_said(self.item, str(bad)))
            return None
        for ref in made.refs:
            if resolve(self.form, ref, self.item.path) is None:
                unknown = _("there is no question “%(other)s”.") % {"other": "/".join(ref.names) or ".."}
                self.found.append(_said(self.item, unknown))
        if made.columns and not columns and not made.lists and "[" not in text:
            one = min(made.columns)
            told = _("write “${%(other)s}” to read the answer to a question.") % {"other": one}
            self.found.append(_said(self.item, told))
        for one in made.lists - self.form.choices.keys():
            self.found.append(_said(self.item, _("there is no list “%(list)s”.") % {"list": one}))
        if any(bad_pattern(pattern[1:-1]) for pattern in _PATTERN.findall(text)):
            self.found.append(_said(self.item, _("its regular expression is wrong, or could take too long.")))
        return made


def _step(form: Definition, item: Item, found: list[str]) -> Step:
    read = _Reader(form, item, found)
    required: Expression | bool = item.required is True
    if isinstance(item.required, str) and item.required:
        required = read(item.required) or False
    return Step(
        item,
        relevant=read(item.relevant),
        calculation=read(item.calculation),
        constraint=read(item.constraint),
        count=read(item.count),
        choice_filter=read(item.choice_filter, columns=True),
        default=read(item.default) if dynamic(item) else None,
        required=required,
    )


def _reads(form: Definition, step: Step) -> set[Path]:
    """The paths that must be known before this item: what decides whether it is shown and what it is worth."""
    item, found = step.item, {step.item.path[:-1]} - {()}
    for expression in filter(None, (step.relevant, step.calculation, step.count)):
        before = any(name == "indexed-repeat" for name, _values in expression.functions)
        for ref in expression.refs:
            path = resolve(form, ref, item.path)
            own = path == item.path and (before or ref.kind == "up")  # its own value of before, or of a row before
            if path and not own:
                found.add(path)
    return found


def _plan(form: Definition) -> Plan:
    found: list[str] = []
    steps = [_step(form, item, found) for item in form.walk()]
    places = {step.item.path: i for i, step in enumerate(steps)}
    waits: list[set[int]] = [{places[p] for p in _reads(form, s) if p in places} for s in steps]
    readers: list[list[int]] = [[] for _step in steps]
    for i, needed in enumerate(waits):
        for j in needed:
            readers[j].append(i)
    ready = [i for i, needed in enumerate(waits) if not needed]
    order: list[int] = []
    while ready:
        i = heapq.heappop(ready)
        order.append(i)
        for j in readers[i]:
            waits[j].discard(i)
            if not waits[j]:
                heapq.heappush(ready, j)
    if len(order) < len(steps):
        circle = _circle(waits, set(order))
        names = " → ".join(f"“{steps[i].item.name}”" for i in circle)
        found.append(_("These depend on one another in a circle: %(names)s.") % {"names": names})
        order += [i for i in range(len(steps)) if i not in set(order)]
    return Plan(
        form,
        tuple(steps[i] for i in order),
        {step.item.path: step for step in steps},
        frozenset(step.item.path for step in steps if step.item.kind == "repeat"),
        tuple(dict.fromkeys(found)),
    )


def _circle(waits: list[set[int]], done: set[int]) -> list[int]:
    """One circle among what could not be put in order."""
    at = next(i for i in range(len(waits)) if i not in done)
    seen: list[int] = []
    while at not in seen:
        seen.append(at)
        at = min(waits[at] - done)
    return [*seen[seen.index(at) :], at]
