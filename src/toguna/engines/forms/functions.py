"""The functions of expressions: those of the ODK XForms specification that a town needs. See `expressions`.

FUNCTIONS: name -> (fewest values, most values, build), where build takes the closures of the values and gives that of the call.
Areas are in square metres and distances in metres, on the sphere of 6,371,009 m, as ODK Collect measures.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import secrets
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, time
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any

from toguna.engines.forms.scalars import (
    DAY,
    NAN,
    NUMBERS,
    ONE,
    ZERO,
    Context,
    Nodes,
    Run,
    boolean,
    choices_of,
    days,
    number,
    plain,
    string,
    when,
)

EARTH = 6_371_009.0
ANY = 60
MOST_MATCHED = 2000  # characters that a regular expression looks at
Build = Callable[..., Run]


def _plain(do: Callable[..., Any], *kinds: Callable[[Any], Any]) -> Build:
    """A function of values converted by `kinds` (the last one again for those that follow)."""

    def build(*runs: Run) -> Run:
        conversions = [kinds[min(i, len(kinds) - 1)] for i in range(len(runs))]
        pairs = tuple(zip(conversions, runs, strict=True))
        return lambda c: do(*(convert(run(c)) for convert, run in pairs))

    return build


def _given(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Nodes) else [value]


def _flat(values: Sequence[Any]) -> list[Any]:
    return [inner for value in values for inner in _given(value)]


def _numbers(values: Sequence[Any]) -> list[Decimal]:
    """What is a number among them: what was not answered counts for nothing."""
    found = (
        number(Nodes([value])) for value in _flat(values) if plain(value) != "" or isinstance(value, bool | Decimal)
    )
    return [value for value in found if not value.is_nan()]


def _same(value: Any) -> Any:
    return value


def _sum(*values: Any) -> Decimal:
    total = ZERO
    for value in _numbers(values):
        total = NUMBERS.add(total, value)
    return total


def _round(value: Decimal, places: Decimal = ZERO) -> Decimal:
    if not value.is_finite() or not places.is_finite() or abs(places) > 20:
        return NAN
    step = Decimal(1).scaleb(-int(places))
    return NUMBERS.multiply(NUMBERS.divide(value, step).quantize(ONE, ROUND_HALF_UP, context=NUMBERS), step)


def _int(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_FLOOR if value > 0 else "ROUND_CEILING") if value.is_finite() else NAN


def _float(do: Callable[..., float]) -> Build:
    def run(*values: Decimal) -> Decimal:
        try:
            return Decimal(repr(do(*(float(value) for value in values))))
        except (ValueError, OverflowError, ZeroDivisionError):
            return NAN

    return _plain(run, number)


# --- Texts ---------------------------------------------------------------------------------------------------------


def _substr(text: str, start: Decimal, end: Decimal = NAN) -> str:
    first = int(start) if start.is_finite() else 0
    return text[first : int(end)] if end.is_finite() else text[first:]


def _translate(text: str, old: str, new: str) -> str:
    table: dict[str, str] = {}
    for i, c in enumerate(old):
        table.setdefault(c, new[i : i + 1])
    return "".join(table.get(c, c) for c in text)


# A repeat around a repeat may take for ever on a text made for it: such patterns match nothing (and are refused when the
# form is made, see `bad_pattern`).
_HEAVY = re.compile(r"\((?:[^()\\]|\\.)*(?:[+*]|\{\d+,\d*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\d*\})|(\.\*.*){4,}")


@lru_cache(maxsize=1000)
def _pattern(text: str) -> re.Pattern[str] | None:
    if len(text) > 500 or _HEAVY.search(text):
        return None
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return None


def bad_pattern(text: str) -> bool:
    """Whether a regular expression is refused: wrong, or one that could take for ever."""
    return _pattern(text) is None


def _regex(text: str, pattern: str) -> bool:
    compiled = _pattern(pattern)
    return compiled is not None and len(text) <= MOST_MATCHED and compiled.fullmatch(text) is not None


def _digest(text: str, algorithm: str, encoding: str = "base64") -> str:
    name = algorithm.lower().replace("-", "")
    if name not in ("md5", "sha1", "sha256", "sha384", "sha512"):
        return ""
    made = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
    return made.hex() if encoding == "hex" else base64.b64encode(made).decode()


# --- Dates ---------------------------------------------------------------------------------------------------------


def _date(value: Any) -> str:
    moment = when(value)
    if moment is None:
        return ""
    return (moment.date() if isinstance(moment, datetime) else moment).isoformat()


def _datetime(value: Any) -> str:
    moment = when(value)
    if moment is None:
        return ""
    return (moment if isinstance(moment, datetime) else datetime.combine(moment, time())).isoformat(
        timespec="milliseconds"
    )


_MONTHS = {
    "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "pt": "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
}
_DAYS = {
    "fr": "lun. mar. mer. jeu. ven. sam. dim.",
    "pt": "seg. ter. qua. qui. sex. sáb. dom.",
    "en": "Mon Tue Wed Thu Fri Sat Sun",
}


def _formatted(value: Any, pattern: str, language: str) -> str:
    moment = when(value)
    if moment is None:
        return ""
    at = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    parts = {
        "Y": f"{at.year:04}", "y": f"{at.year % 100:02}", "m": f"{at.month:02}", "n": str(at.month),
        "d": f"{at.day:02}", "e": str(at.day), "H": f"{at.hour:02}", "h": str(at.hour), "M": f"{at.minute:02}",
        "S": f"{at.second:02}", "3": f"{at.microsecond // 1000:03}", "%": "%",
        "b": _MONTHS.get(language, _MONTHS["en"]).split()[at.month - 1],
        "a": _DAYS.get(language, _DAYS["en"]).split()[at.weekday()],
    }  # fmt: skip
    return re.sub(r"%(.)", lambda found: parts.get(found[1], ""), pattern)


def _decimal_time(value: Any) -> Decimal:
    text = string(value).partition("T")[2] or string(value)
    try:
        at = time.fromisoformat(text)
    except ValueError:
        return NAN
    return NUMBERS.divide(Decimal(at.hour * 3600 + at.minute * 60 + at.second), DAY)


def _decimal_moment(value: Any) -> Decimal:
    moment = when(value)
    return NAN if moment is None else days(moment)


# --- Places --------------------------------------------------------------------------------------------------------


def _points(values: Sequence[Any]) -> list[tuple[float, float]]:
    """(latitude, longitude) in radians of each point of geopoints, traces and shapes, written or as XForms write them."""
    found = []
    for value in _flat(values):
        for point in plain(value).split(";"):
            try:
                lat, lon = (math.radians(float(part)) for part in point.split()[:2])
            except ValueError:
                continue
            found.append((lat, lon))
    return found


def _distance(*values: Any) -> Decimal:
    points = _points(values)
    total = 0.0
    for (lat1, lon1), (lat2, lon2) in pairwise(points):
        h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
        total += 2 * EARTH * math.asin(min(1.0, math.sqrt(h)))
    return Decimal(repr(round(total, 2)))


def _area(*values: Any) -> Decimal:
    points = _points(values)
    if len(points) < 3:
        return ZERO
    ring = points if points[0] == points[-1] else [*points, points[0]]
    twice = 0.0
    for (lat1, lon1), (lat2, lon2) in pairwise(ring):
        a, b = math.tan((math.pi / 2 - lat1) / 2), math.tan((math.pi / 2 - lat2) / 2)
        turn = lon1 - lon2
        twice += 2 * math.atan2(a * b * math.sin(turn), 1 + a * b * math.cos(turn))
    return Decimal(repr(round(abs(twice) * EARTH * EARTH, 2)))


# --- Choices, lists, where we are ----------------------------------------------------------------------------------


def _selected_at(value: Any, index: Decimal) -> str:
    picked = choices_of(value)
    return picked[int(index)] if index.is_finite() and 0 <= index < len(picked) else ""


def _between(least: Decimal, total: Decimal, most: Decimal) -> bool:
    """-1 is no bound."""
    if least.is_nan() or most.is_nan() or total.is_nan():
        return False
    return (least == -1 or total >= least) and (most == -1 or total <= most)


def _checklist(least: Decimal, most: Decimal, *values: Any) -> bool:
    return _between(least, Decimal(sum(boolean(value) for value in values)), most)


def _weighted(least: Decimal, most: Decimal, *values: Any) -> bool:
    pairs = zip(values[::2], values[1::2], strict=False)
    return _between(least, _sum(*(number(weight) for yes, weight in pairs if boolean(yes))), most)


def _if(test: Run, yes: Run, no: Run) -> Run:
    return lambda c: yes(c) if boolean(test(c)) else no(c)


def _coalesce(*runs: Run) -> Run:
    def run(c: Context) -> str:
        return next((text for text in (string(r(c)) for r in runs) if text), "")

    return run


def _once(value: Run) -> Run:
    def run(c: Context) -> Any:
        return plain(c.look(c.key)) or value(c)

    return run


def _position(*runs: Run) -> Run:
    def run(c: Context) -> Decimal:
        if not runs:
            return Decimal(c.rank or _rank(c.key))
        found = runs[0](c)
        key = found.keys[0] if isinstance(found, Nodes) and found.keys else ()
        return Decimal(_rank(key)) if isinstance(key, tuple) else NAN

    return run


def _rank(key: Sequence[str | int]) -> int:
    return next((part + 1 for part in reversed(key) if isinstance(part, int)), 1)


def _indexed_repeat(*runs: Run) -> Run:
    """indexed-repeat(${x}, ${repeat}, i, ...): the value of x in the i-th instance of the repeat."""

    def run(c: Context) -> Any:
        wanted = runs[0](c)
        if not isinstance(wanted, Nodes) or not wanted.keys:
            return ""
        repeats = [_names(found.keys) if isinstance(found := r(c), Nodes) else () for r in runs[1::2]]
        ranks = [number(r(c)) for r in runs[2::2]]
        if any(not rank.is_finite() for rank in ranks):
            return ""
        path = tuple(part for part in wanted.keys[0] if isinstance(part, str))
        places = {repeat: int(rank) - 1 for repeat, rank in zip(repeats, ranks, strict=True)}
        key: list[str | int] = []
        for i, name in enumerate(path):
            key.append(name)
            if path[: i + 1] in places:
                key.append(places[path[: i + 1]])
        return Nodes([c.look(tuple(key))], [tuple(key)])

    return run


def _names(keys: Sequence[Any]) -> tuple[str, ...]:
    return tuple(part for part in keys[0] if isinstance(part, str)) if keys else ()


def _choice_name(value: Run, question: Run) -> Run:
    """jr:choice-name(value, '${question}'): the words of a choice, in the reader's language."""

    def run(c: Context) -> str:
        wanted = string(value(c))
        asked = question(c)
        name = asked if isinstance(asked, str) else (_names(asked.keys)[-1:] or ("",))[0]
        items = c.form.by_name.get(re.sub(r"[${}\s]", "", name).rpartition("/")[2], ())
        for choice in c.form.choices.get(items[0].list, ()) if items else ():
            if choice.name == wanted:
                return choice.label.get(c.language) or next(iter(choice.label.values()), choice.name)
        return ""

    return run


def _known(*values: Any) -> Decimal:
    return Decimal(sum(1 for value in _flat(values) if plain(value) != "" or isinstance(value, bool | Decimal)))


def _count(value: Any) -> Decimal:
    return Decimal(len(value)) if isinstance(value, Nodes) else (ONE if string(value) else ZERO)


def _uuid(length: Decimal = NAN) -> str:
    if not length.is_finite():
        return str(uuid.uuid4())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(letters) for _i in range(min(int(length), 64)))


def _joined(*values: Any) -> str:
    return string(values[0]).join(
        plain(value) if not isinstance(value, bool | Decimal) else string(value) for value in _flat(values[1:])
    )


FUNCTIONS: dict[str, tuple[int, int, Build]] = {
    "true": (0, 0, lambda: lambda c: True),
    "false": (0, 0, lambda: lambda c: False),
    "not": (1, 1, _plain(lambda v: not v, boolean)),
    "boolean": (1, 1, _plain(_same, boolean)),
    "boolean-from-string": (1, 1, _plain(lambda v: v in ("1", "true"), string)),
    "number": (1, 1, _plain(_same, number)),
    "string": (1, 1, _plain(_same, string)),
    "if": (3, 3, _if),
    "coalesce": (1, ANY, _coalesce),
    "once": (1, 1, _once),
    "int": (1, 1, _plain(_int, number)),
    "round": (1, 2, _plain(_round, number)),
    "abs": (1, 1, _plain(abs, number)),
    "pow": (2, 2, _plain(NUMBERS.power, number)),
    "sqrt": (1, 1, _plain(NUMBERS.sqrt, number)),
    "pi": (0, 0, lambda: lambda c: Decimal(repr(math.pi))),
    "exp": (1, 1, _float(math.exp)),
    "exp10": (1, 1, _float(lambda v: 10.0**v)),
    "log": (1, 1, _float(math.log)),
    "log10": (1, 1, _float(math.log10)),
    "sin": (1, 1, _float(math.sin)),
    "cos": (1, 1, _float(math.cos)),
    "tan": (1, 1, _float(math.tan)),
    "asin": (1, 1, _float(math.asin)),
    "acos": (1, 1, _float(math.acos)),
    "atan": (1, 1, _float(math.atan)),
    "atan2": (2, 2, _float(math.atan2)),
    "sum": (1, ANY, _plain(_sum, _same)),
    "min": (1, ANY, _plain(lambda *v: min(_numbers(v), default=NAN), _same)),
    "max": (1, ANY, _plain(lambda *v: max(_numbers(v), default=NAN), _same)),
    "count": (1, 1, _plain(_count, _same)),
    "count-non-empty": (1, 1, _plain(_known, _same)),
    "concat": (0, ANY, _plain(lambda *v: _joined("", *v), _same)),
    "join": (1, ANY, _plain(_joined, _same)),
    "string-length": (1, 1, _plain(lambda v: Decimal(len(v)), string)),
    "normalize-space": (1, 1, _plain(lambda v: " ".join(v.split()), string)),
    "contains": (2, 2, _plain(lambda a, b: b in a, string)),
    "starts-with": (2, 2, _plain(lambda a, b: a.startswith(b), string)),
    "ends-with": (2, 2, _plain(lambda a, b: a.endswith(b), string)),
    "substr": (2, 3, _plain(_substr, string, number)),
    "substring-before": (2, 2, _plain(lambda a, b: a.partition(b)[0] if b and b in a else "", string)),
    "substring-after": (2, 2, _plain(lambda a, b: a.partition(b)[2] if b else a, string)),
    "translate": (3, 3, _plain(_translate, string)),
    "upper-case": (1, 1, _plain(str.upper, string)),
    "lower-case": (1, 1, _plain(str.lower, string)),
    "regex": (2, 2, _plain(_regex, string)),
    "digest": (2, 3, _plain(_digest, string)),
    "base64-decode": (1, 1, _plain(lambda v: _decoded(v), string)),
    "uuid": (0, 1, _plain(_uuid, number)),
    "random": (0, 0, lambda: lambda c: Decimal(secrets.randbelow(10**12)).scaleb(-12)),
    "today": (0, 0, lambda: lambda c: c.now.date().isoformat()),
    "now": (0, 0, lambda: lambda c: c.now.isoformat(timespec="milliseconds")),
    "date": (1, 1, _plain(_date, _same)),
    "date-time": (1, 1, _plain(_datetime, _same)),
    "format-date": (2, 2, lambda a, b: lambda c: _formatted(a(c), string(b(c)), c.language)),
    "format-date-time": (2, 2, lambda a, b: lambda c: _formatted(a(c), string(b(c)), c.language)),
    "decimal-date-time": (1, 1, _plain(_decimal_moment, _same)),
    "decimal-time": (1, 1, _plain(_decimal_time, _same)),
    "selected": (2, 2, _plain(lambda v, name: string(name).strip() in choices_of(v), _same)),
    "selected-at": (2, 2, _plain(_selected_at, _same, number)),
    "count-selected": (1, 1, _plain(lambda v: Decimal(len(choices_of(v))), _same)),
    "checklist": (3, ANY, _plain(_checklist, number, number, _same)),
    "weighted-checklist": (4, ANY, _plain(_weighted, number, number, _same)),
    "jr:choice-name": (2, 2, _choice_name),
    "position": (0, 1, _position),
    "indexed-repeat": (3, 7, _indexed_repeat),
    "distance": (1, ANY, _plain(_distance, _same)),
    "area": (1, ANY, _plain(_area, _same)),
}


def _decoded(text: str) -> str:
    try:
        return unicodedata.normalize("NFC", base64.b64decode(text, validate=True).decode())
    except ValueError:
        return ""
