"""Conditions and limits that a clerk chooses in words, written as expressions and read back from them.

What is not written in one of these ways stays an expression, which only the expert's box shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from toguna.engines.forms import showing
from toguna.engines.forms.definition import LISTS, Definition, Item
from toguna.kernel.text import pick

OPERATORS = (
    ("is", gettext_lazy("is")),
    ("not", gettext_lazy("is not")),
    ("more", gettext_lazy("is more than")),
    ("less", gettext_lazy("is less than")),
    ("given", gettext_lazy("is answered")),
    ("empty", gettext_lazy("is not answered")),
)
NEEDS_VALUE = frozenset(["is", "not", "more", "less"])
NUMBERS = frozenset(["integer", "decimal", "range"])

_VALUE = r"(?P<value>'[^']*'|\"[^\"]*\"|-?[0-9]+(?:\.[0-9]+)?|date\('[0-9-]{10}'\))"
_NAME = r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\}"
_COMPARED = re.compile(rf"\s*{_NAME}\s*(?P<sign>!=|=|<|>)\s*{_VALUE}\s*")
_CHOSEN = re.compile(rf"\s*(?P<no>not\s*\()?\s*selected\s*\(\s*{_NAME}\s*,\s*{_VALUE}\s*\)\s*(?(no)\)\s*)")
_JOINED = re.compile(r"\s+(and|or)\s+(?=not\s*\(|selected\s*\(|\$\{|\.|string-length)")
_SIGNS = {"=": "is", "!=": "not", ">": "more", "<": "less"}


@dataclass(frozen=True)
class Condition:
    """question: its name; operator: one of OPERATORS; value: a choice's name, a number, a day ("2026-11-23") or words."""

    question: str
    operator: str
    value: str = ""


@dataclass(frozen=True)
class Limits:
    """low and high: numbers, or days; when: "past" (today at the latest), "future" (today at the earliest) or ""; length: in
    characters."""

    low: str = ""
    high: str = ""
    when: str = ""
    length: str = ""


def _literal(value: str) -> str:
    """Raises ValueError: no expression can hold both quotes."""
    if "'" in value and '"' in value:
        raise ValueError(value)
    return f'"{value}"' if "'" in value else f"'{value}'"


def _bare(value: str) -> str:
    return value[6:-2] if value.startswith("date(") else value.strip("'\"")


def _one(condition: Condition, kind: str) -> str:
    name, value = f"${{{condition.question}}}", condition.value
    if condition.operator in ("given", "empty"):
        return f"{name} {'!=' if condition.operator == 'given' else '='} ''"
    if kind in ("select_multiple", "rank"):
        chosen = f"selected({name}, {_literal(value)})"
        return chosen if condition.operator == "is" else f"not({chosen})"
    sign = {operator: sign for sign, operator in _SIGNS.items()}[condition.operator]
    if kind in NUMBERS:
        return f"{name} {sign} {value}"
    return f"{name} {sign} " + (f"date({_literal(value)})" if kind == "date" else _literal(value))


def write(conditions: Sequence[Condition], join: str, form: Definition) -> str:
    """The expression of conditions, joined by "and" or "or". Raises ValueError for words with both kinds of quotes."""
    return f" {join} ".join(_one(one, _kind(form, one.question)) for one in conditions)


def _kind(form: Definition, name: str) -> str:
    return next((item.kind for item in form.by_name.get(name, ())), "text")


def read(expression: str) -> tuple[list[Condition], str] | None:
    """The conditions that an expression says, and what joins them; None when it says something else."""
    if not expression:
        return [], "and"
    parts = _JOINED.split(expression)
    joins = set(parts[1::2])
    found = [_read(part) for part in parts[::2]]
    if len(joins) > 1 or not all(found):
        return None
    return [one for one in found if one], joins.pop() if joins else "and"


def _read(part: str) -> Condition | None:
    if match := _CHOSEN.fullmatch(part):
        return Condition(match["name"], "not" if match["no"] else "is", _bare(match["value"]))
    match = _COMPARED.fullmatch(part)
    if match is None:
        return None
    if match["value"] in ("''", '""'):
        return (
            Condition(match["name"], "empty" if match["sign"] == "=" else "given")
            if match["sign"] in ("=", "!=")
            else None
        )
    return Condition(match["name"], _SIGNS[match["sign"]], _bare(match["value"]))


def said(expression: str, form: Definition, language: str) -> str:
    """“Identity paper” is Passport: an expression in words; "" when it cannot be said in a few."""
    found = read(expression)
    if not found or not found[0]:
        return ""
    with override(language):
        conditions, join = found
        words = [_said(one, form, language) for one in conditions]
        return (_(" and ") if join == "and" else _(" or ")).join(words)


def _said(one: Condition, form: Definition, language: str) -> str:
    items = form.by_name.get(one.question, ())
    if not items:
        return one.question
    label = _("“%(question)s”") % {"question": pick(items[0].label, language) or one.question}
    if one.operator in ("given", "empty"):
        return f"{label} {dict(OPERATORS)[one.operator]}"
    return f"{label} {dict(OPERATORS)[one.operator]} {value_said(items[0], one.value, form, language)}"


def value_said(item: Item, value: str, form: Definition, language: str) -> str:
    """A condition's value as people read it: a choice by its words, a day as it is written."""
    if item.kind == "select_one" or item.kind == "date":
        try:
            return showing.said(form, item, value, language)
        except ValueError:
            return value
    if item.kind in LISTS:
        return showing.said(form, item, [value], language)
    return value


# --- Limits --------------------------------------------------------------------------------------------------------

_LOW = re.compile(r"\.\s*>=\s*(-?[0-9.]+|date\('[0-9-]{10}'\))")
_HIGH = re.compile(r"\.\s*<=\s*(-?[0-9.]+|date\('[0-9-]{10}'\))")
_LENGTH = re.compile(r"string-length\(\.\)\s*<=\s*([0-9]+)")
_WHEN = re.compile(r"\.\s*(<=|>=)\s*today\(\)")


def write_limits(limits: Limits, kind: str) -> str:
    def value(typed: str) -> str:
        return f"date('{typed}')" if kind == "date" else typed

    parts = [
        f". >= {value(limits.low)}" if limits.low else "",
        f". <= {value(limits.high)}" if limits.high else "",
        f". {'<=' if limits.when == 'past' else '>='} today()" if limits.when else "",
        f"string-length(.) <= {limits.length}" if limits.length else "",
    ]
    return " and ".join(filter(None, parts))


def read_limits(expression: str) -> Limits | None:
    """What a constraint says; None when it says something else."""
    found: dict[str, str] = {}
    for part in re.split(r"\s+and\s+", expression.strip()) if expression.strip() else ():
        for key, pattern in (("low", _LOW), ("high", _HIGH), ("length", _LENGTH), ("when", _WHEN)):
            match = pattern.fullmatch(part)
            if match and key not in found:
                value = _bare(match[1])
                found[key] = {"<=": "past", ">=": "future"}[value] if key == "when" else value
                break
        else:
            return None
    return Limits(**found)


def limits_said(limits: Limits, item_kind: str, language: str) -> str:
    """What to write instead, in words: the message of limits to which the clerk gave none."""

    def value(typed: str) -> str:
        return showing.said(_NONE, Item("x", item_kind, ("x",)), typed, language) if item_kind == "date" else typed

    with override(language):
        told = []
        if limits.low and limits.high:
            told.append(_("Write from %(low)s to %(high)s.") % {"low": value(limits.low), "high": value(limits.high)})
        elif limits.low:
            told.append(_("Write %(low)s or more.") % {"low": value(limits.low)})
        elif limits.high:
            told.append(_("Write %(high)s at the most.") % {"high": value(limits.high)})
        if limits.when == "past":
            told.append(_("This day is still to come: write today or a day before."))
        elif limits.when == "future":
            told.append(_("This day is past: write today or a day after."))
        if limits.length:
            told.append(_("Write %(most)s characters at the most.") % {"most": limits.length})
        return " ".join(told)


_NONE = Definition("none", {}, (), ())
