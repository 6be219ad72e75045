"""Conditions on the answers of a case, as data: `["floors", ">", 2]`, `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}`.

Nothing is ever evaluated as code. "@opinions" is what the services have said (see `opinions.standing`), "@channel" how
the case came. What cannot be compared is false: a missing answer never opens a door.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any

DEEPEST = 6
_ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
OPERATORS = ("=", "!=", *_ORDERED, "in", "has", "filled", "empty")


def holds(condition: Any, answers: Mapping[str, Any]) -> bool:
    """Whether a condition without `problems` holds for these answers; None always does."""
    if condition is None:
        return True
    if isinstance(condition, dict):
        [(word, inner)] = condition.items()
        if word == "not":
            return not holds(inner, answers)
        each = (holds(one, answers) for one in inner)
        return all(each) if word == "all" else any(each)
    field, sign, wanted = condition
    found = answers.get(field)
    if sign in ("filled", "empty"):
        return bool((found in (None, "", [], {})) == (sign == "empty"))
    if sign == "has":
        return isinstance(found, list) and wanted in found
    if sign == "in":
        return bool(found in wanted)
    if sign in _ORDERED:
        return _compared(found, sign, wanted)
    same = _number(found) == _number(wanted) if _number(wanted) is not None else found == wanted
    return same if sign == "=" else not same


def _compared(found: Any, sign: str, wanted: Any) -> bool:
    left, right = _number(found), _number(wanted)
    if left is not None and right is not None:
        return bool(_ORDERED[sign](left, right))
    if isinstance(found, str) and isinstance(wanted, str) and right is None:  # dates, as ISO writes them
        return bool(_ORDERED[sign](found, wanted))
    return False


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value) if isinstance(value, (int, float, str)) else None
    except (ValueError, OverflowError):
        return None


def problems(condition: Any, depth: int = 0) -> Iterator[str]:
    """What is wrong with a condition, in plain words."""
    if condition is None:
        return
    if depth > DEEPEST:
        yield f"a condition is nested deeper than {DEEPEST}"
    elif isinstance(condition, dict):
        if len(condition) != 1 or not condition.keys() <= {"all", "any", "not"}:
            yield "a condition is one of all, any, not"
            return
        [(word, inner)] = condition.items()
        parts = [inner] if word == "not" else inner
        if not isinstance(parts, list) or not parts or None in parts:
            yield f"{word!r} needs conditions"
            return
        for one in parts:
            yield from problems(one, depth + 1)
    elif not (isinstance(condition, list) and len(condition) == 3 and isinstance(condition[0], str) and condition[0]):
        yield "a condition is [answer, sign, value]"
    elif condition[1] not in OPERATORS:
        yield f"{condition[1]!r} is no sign: use one of {' '.join(OPERATORS)}"
    elif condition[1] == "in" and not isinstance(condition[2], list):
        yield "“in” needs a list of values"
