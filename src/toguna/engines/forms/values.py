"""What answers amount to: what is calculated, what is asked at all, what is wrong; and answers read from what people type.

`evaluate` is pure: a definition, answers and the time in; everything else out. See `definition` for the shape of answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from toguna.engines.forms import plan as plans
from toguna.engines.forms.definition import LISTS, MEDIA, META, SILENT, Choice, Definition, Item
from toguna.engines.forms.plan import Plan, Step
from toguna.engines.forms.scalars import Context, Key, Path, boolean, number, string
from toguna.kernel import text

MOST_INSTANCES = 200  # of one repeat
LONGEST_TEXT = 10_000  # characters
MOST_POINTS = 2000
LARGEST_INT = 2**53 - 1  # what every phone and spreadsheet holds exactly


class Wrong(ValueError):
    """What somebody typed is no answer: str() tells them why, in their language."""


def named(key: Key) -> str:
    """A key as forms and messages write it: "children.0.name"."""
    return ".".join(map(str, key))


@dataclass(frozen=True)
class Filled:
    """Answers with all that follows from them. keys: of every block and question that is asked or calculated now, by path;
    hidden: of what is not relevant; answers keep what was typed there, `final()` leaves it out."""

    plan: Plan
    answers: dict[str, Any]
    keys: Mapping[Path, Sequence[Key]]
    hidden: frozenset[Key]
    context: Context

    def at(self, key: Key) -> Context:
        return self.context.within(key)

    def shown(self, key: Key) -> bool:
        return not any(key[:n] in self.hidden for n in range(1, len(key) + 1))

    def value(self, key: Key) -> Any:
        """The answer there as it is kept, None when there is none."""
        return _get(self.answers, key)

    def choices(self, item: Item, key: Key) -> tuple[Choice, ...]:
        """The choices that are offered there now."""
        offered = self.plan.form.choices.get(item.list, ())
        keep = self.plan.by_path[item.path].choice_filter
        if keep is None:
            return offered
        return tuple(row for row in offered if boolean(keep(self.context.within(key, row))))

    def required(self, key: Key) -> bool:
        wanted = self.plan.by_path[_path(key)].required
        return wanted if isinstance(wanted, bool) else boolean(wanted(self.at(key)))

    def final(self) -> dict[str, Any]:
        """The answers that count: only of what is relevant, and of nothing that is empty."""
        return _kept(self.plan.form.items, self.answers, (), self.shown)


def _kept(items: Iterable[Item], answers: Mapping[str, Any], at: Key, shown: Callable[[Key], bool]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        key, value = (*at, item.name), answers.get(item.name)
        if value is None or not shown(key):
            continue
        if item.kind == "group":
            value = _kept(item.items, value, key, shown)
        elif item.kind == "repeat":
            rows = ((i, row) for i, row in enumerate(value) if shown((*key, i)))
            value = [_kept(item.items, row, (*key, i), shown) for i, row in rows]
        if value not in ("", [], {}):
            found[item.name] = value
    return found


def _path(key: Key) -> Path:
    return tuple(part for part in key if isinstance(part, str))


def _get(answers: Any, key: Key) -> Any:
    for part in key:
        if isinstance(part, int):
            answers = answers[part] if isinstance(answers, list) and 0 <= part < len(answers) else None
        else:
            answers = answers.get(part) if isinstance(answers, dict) else None
    return answers


def _set(answers: dict[str, Any], key: Key, value: Any) -> None:
    """Writes (None: takes away) an answer; the instances of repeats on its way are there already."""
    holder: Any = answers
    for part, following in pairwise(key):
        if isinstance(part, int):
            holder = holder[part]
        else:
            if value is None and part not in holder:
                return
            holder = holder.setdefault(part, [] if isinstance(following, int) else {})
    if value is None:
        holder.pop(key[-1], None)
    else:
        holder[key[-1]] = value


def _copied(value: Any) -> Any:
    """A copy of the dicts and lists of answers; what is in them is never changed in place."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


class _Evaluation:
    def __init__(self, plan: Plan, answers: Mapping[str, Any], now: datetime, language: str) -> None:
        self.plan = plan
        self.answers: dict[str, Any] = _copied(dict(answers))
        self.keys: dict[Path, list[Key]] = {(): [()]}
        self.hidden: set[Key] = set()
        self.exact = {path for path, step in plan.by_path.items() if step.item.kind in ("decimal", "range")}
        self.context = Context(plan.form, (), self.look, self.expand, now, language)

    def look(self, key: Key) -> Any:
        hidden = self.hidden
        if hidden and any(key[:n] in hidden for n in range(1, len(key) + 1)):
            return None
        value = _get(self.answers, key)
        if isinstance(value, str) and self.exact and _path(key) in self.exact:
            return number(value)
        return value

    def expand(self, path: Path, at: Key) -> Sequence[Key]:
        """The keys of `path` seen from `at`: in the same instance of the repeats that both are in, in all of the others."""
        repeats = self.plan.repeats
        if not repeats:
            return (path,)
        keys: list[Key] = [()]
        for i, name in enumerate(path):
            keys = [(*key, name) for key in keys]
            if path[: i + 1] in repeats:
                own = at[: len(keys[0]) + 1] if len(keys) == 1 and i + 1 < len(path) else ()
                if len(own) == len(keys[0]) + 1 and own[:-1] == keys[0]:
                    keys = [own]
                else:
                    keys = [instance for key in keys for instance in self.instances(key)]
                    if not keys:
                        return ()
        return keys

    def instances(self, key: Key) -> list[Key]:
        rows = _get(self.answers, key)
        found = [(*key, i) for i in range(len(rows))] if isinstance(rows, list) else []
        return [instance for instance in found if instance not in self.hidden]

    def run(self, fresh: bool, facts: Mapping[str, Any]) -> Filled:
        for step in self.plan.steps:
            item = step.item
            keys: list[Key] = []
            for above in self.keys.get(item.path[:-1], ()):
                key = (*above, item.name)
                context = self.context.within(key) if step.relevant or step.calculation or step.count else None
                if step.relevant is not None and context is not None and not boolean(step.relevant(context)):
                    self.hidden.add(key)
                    continue
                if item.kind == "repeat":
                    self._counted(step, key)
                    keys += self.instances(key)
                    continue
                keys.append(key)
                if step.calculation is not None and context is not None:
                    _set(self.answers, key, stored(item, step.calculation(context)))
                elif fresh and not item.block and _get(self.answers, key) is None:
                    _set(self.answers, key, self._first(step, key, facts))
            self.keys[item.path] = keys
        return Filled(self.plan, self.answers, self.keys, frozenset(self.hidden), self.context)

    def _counted(self, step: Step, key: Key) -> None:
        """As many instances as the repeat's count says; those too many are not relevant, and come back as they were."""
        if step.count is None:
            return
        wanted = number(step.count(self.context.within(key)))
        count = min(max(int(wanted), 0), MOST_INSTANCES) if wanted.is_finite() else 0
        rows = _get(self.answers, key)
        rows = rows if isinstance(rows, list) else []
        if len(rows) < count:
            _set(self.answers, key, rows + [{} for _i in range(count - len(rows))])
        self.hidden |= {(*key, i) for i in range(count, len(rows))}

    def _first(self, step: Step, key: Key, facts: Mapping[str, Any]) -> Any:
        """What stands there before anybody has answered."""
        item = step.item
        if item.kind in ("start", "end"):
            return self.context.now.isoformat(timespec="milliseconds")
        if item.kind == "today":
            return self.context.now.date().isoformat()
        if item.kind in META:
            return facts.get(item.kind) or None
        if item.prefill and facts.get(item.prefill) not in (None, ""):
            return stored(item, facts[item.prefill])
        if step.default is not None:
            return stored(item, step.default(self.context.within(key)))
        return stored(item, item.default) if item.default not in (None, "") else None


def evaluate(
    form: Definition,
    answers: Mapping[str, Any],
    *,
    now: datetime,
    language: str = "",
    fresh: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Filled:
    """What the answers amount to at `now` (aware, in the town's time). fresh: where nothing stands, defaults and what the town
    knows (facts: "person.name"...) are written first."""
    return _Evaluation(plans.of(form), answers, now, language).run(fresh, facts or {})


def stored(item: Item, value: Any) -> Any:
    """What an expression or a default gives, as an answer of that kind; None when it is empty or cannot be one."""
    try:
        return parse(item, string(value))
    except Wrong:
        return None


# --- Answers as XForms write them ----------------------------------------------------------------------------------


def parse(item: Item, written: str) -> Any:
    """An answer read from its text in an XForm; None when empty. Raises Wrong."""
    kind = item.kind
    written = written.strip() if kind != "text" else written
    if not written:
        return None
    if kind == "integer":
        return _integer(written)
    if kind in ("decimal", "range"):
        return _exact(written)
    if kind in ("select_multiple", "rank"):
        return list(dict.fromkeys(written.split()))
    if kind == "acknowledge":
        return True if written in ("OK", "ok", "true", "1") else None
    if kind in ("geopoint", "geotrace", "geoshape"):
        points = [_point(part) for part in written.split(";") if part.strip()]
        return points[0] if kind == "geopoint" and len(points) == 1 else _line(kind, points)
    if kind in ("date", "time", "dateTime"):
        return _moment(kind, written)
    if len(written) > LONGEST_TEXT:
        raise Wrong(_("This text is too long: %(most)d characters at most.") % {"most": LONGEST_TEXT})
    return written


def _integer(written: str) -> int:
    if not re.fullmatch(r"[-+]?\d{1,20}(\.0{1,10})?", written):
        raise Wrong(_("Write a whole number, in digits only."))
    value = int(written.partition(".")[0])
    if abs(value) > LARGEST_INT:
        raise Wrong(_("This number is too large."))
    return value


def _exact(written: str) -> str:
    if not re.fullmatch(r"[-+]?(\d{1,30}(\.\d{0,20})?|\.\d{1,20})", written):
        raise Wrong(_("Write a number, such as 12 or 12.5."))
    return f"{Decimal(written):f}"


def _point(written: str) -> list[float]:
    parts = written.replace(",", " ").split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if not 2 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)):
        raise Wrong(_("Write the place as latitude, then longitude, such as 12.3714 -1.5197."))
    lat, lon, *rest = numbers
    if abs(lat) > 90 or abs(lon) > 180:
        raise Wrong(_("This place is not on the Earth: latitude goes to 90, longitude to 180."))
    return [lon, lat, *rest]


def _line(kind: str, points: list[list[float]]) -> list[list[float]]:
    if kind == "geopoint" or len(points) < 2 or len(points) > MOST_POINTS:
        raise Wrong(_("A line or an area has from 2 to %(most)d points.") % {"most": MOST_POINTS})
    if kind == "geoshape" and points[0][:2] != points[-1][:2]:
        points = [*points, points[0]]
    if kind == "geoshape" and len(points) < 4:
        raise Wrong(_("An area has three corners at least."))
    return points


def _moment(kind: str, written: str) -> str:
    with suppress(ValueError):
        if kind == "date":
            return date.fromisoformat(written[:10]).isoformat()
        if kind == "time":
            return time.fromisoformat(written).isoformat(timespec="minutes" if len(written) == 5 else "auto")
        return datetime.fromisoformat(written).isoformat()
    raise Wrong(_("This is no date or time that exists."))


# --- Answers as people type them -----------------------------------------------------------------------------------


def clean(item: Item, typed: Sequence[str], language: str = "") -> Any:
    """The answer in what was typed or ticked (several strings for several ticks); None for nothing. Raises Wrong.

    Dates are 2026-11-23 or 23/11/2026 (in English too: a town does not write the month first), numbers take a comma.
    """
    kind = item.kind
    words = [one for one in (text.clean(one) for one in typed) if one]
    if not words:
        return None
    written = words[0]
    if kind in ("select_multiple", "rank"):
        return parse(item, " ".join(" ".join(words).split()))
    if kind == "select_one":
        return written
    if kind == "acknowledge":
        return True
    if kind == "integer":
        return parse(item, re.sub(r"(?<=\d)[\s\u00a0\u202f](?=\d{3}\b)", "", written))
    if kind in ("decimal", "range"):
        return parse(item, re.sub(r"(?<=\d)[\s\u00a0\u202f](?=\d{3})", "", written).replace(",", "."))
    if kind == "date":
        return parse(item, _day(written))
    if kind == "time":
        return parse(item, _clock(written))
    if kind == "dateTime":
        day, _sep, clock = " ".join(written.replace("T", " ").split()).partition(" ")
        return parse(item, f"{_day(day)}T{_clock(clock or '00:00')}")
    if kind == "geopoint":
        return parse(item, _comma_point(written))
    if kind in ("geotrace", "geoshape"):
        return parse(item, ";".join(_comma_point(part) for part in re.split(r"[;\n]", written) if part.strip()))
    return parse(item, written)


def _day(written: str) -> str:
    if found := re.fullmatch(r"\s*(\d{1,2})\s*[/.\- ]\s*(\d{1,2})\s*[/.\- ]\s*(\d{4})\s*", written):
        return f"{int(found[3]):04}-{int(found[2]):02}-{int(found[1]):02}"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written.strip()):
        return written.strip()
    raise Wrong(_("Write the date as day/month/year, such as 23/11/2026."))


def _clock(written: str) -> str:
    if found := re.fullmatch(r"\s*(\d{1,2})\s*(?:[:hH.]\s*(\d{2})?)?(?::\d{2}(?:\.\d+)?)?\s*", written):
        return f"{int(found[1]):02}:{found[2] or '00'}"
    raise Wrong(_("Write the time as hours and minutes, such as 14:30."))


def _comma_point(written: str) -> str:
    """ "12,3714 -1,5197" has decimal commas, "12.3714, -1.5197" a comma between the two."""
    if "." in written:
        return written.replace(",", " ")
    parts = written.split()
    return (
        " ".join(part.strip(",").replace(",", ".") for part in parts) if len(parts) > 1 else written.replace(",", " ")
    )


# --- What is wrong -------------------------------------------------------------------------------------------------


def unknown(form: Definition, answers: Any) -> Iterator[str]:
    """The keys that the form does not have, and what has not the shape of its items: nobody typed them in our pages."""
    yield from _unknown(form.items, answers, ())


def _unknown(items: Sequence[Item], answers: Any, at: Key) -> Iterator[str]:
    if not isinstance(answers, dict):
        yield named(at)
        return
    known = {item.name: item for item in items}
    for name, value in answers.items():
        item, key = known.get(name), (*at, name)
        if item is None or item.kind == "note":
            yield named(key)
        elif item.kind == "group":
            yield from _unknown(item.items, value, key)
        elif item.kind == "repeat":
            if not isinstance(value, list) or len(value) > MOST_INSTANCES:
                yield named(key)
                continue
            for i, row in enumerate(value):
                yield from _unknown(item.items, row, (*key, i))
        elif not _shaped(item, value):
            yield named(key)


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 2 <= len(value) <= 4
        and all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value)
        and abs(value[0]) <= 180
        and abs(value[1]) <= 90
    )


def _shaped(item: Item, value: Any) -> bool:
    """Whether a value has the JSON type of its kind (see `definition`)."""
    kind = item.kind
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_INT
    if kind in ("select_multiple", "rank"):
        return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)
    if kind == "acknowledge":
        return value is True
    if kind == "geopoint":
        return _is_point(value)
    if kind in ("geotrace", "geoshape"):
        return isinstance(value, list) and 2 <= len(value) <= MOST_POINTS and all(map(_is_point, value))
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        return False
    if kind in ("decimal", "range", "date", "time", "dateTime"):
        with suppress(Wrong):
            return parse(item, value) is not None
        return False
    return True


def check(
    form: Definition, filled: Filled, *, only: Sequence[Item] | None = None, language: str = ""
) -> dict[str, str]:
    """What is wrong, as {"children.0.name": sentence}. only: the items of one page; language: of the form's own words."""
    found: dict[str, str] = {}
    for top in form.items if only is None else only:
        for item in top.walk():
            if item.kind in SILENT or item.kind in ("note", "group"):
                continue
            if item.kind == "repeat":
                for above in filled.keys.get(item.path[:-1], ()):
                    if len(filled.value((*above, item.name)) or ()) > MOST_INSTANCES:
                        told = _("There are too many of these: %(most)d at most.") % {"most": MOST_INSTANCES}
                        found[named((*above, item.name))] = told
                continue
            for key in filled.keys.get(item.path, ()):
                if said := _wrong(filled, item, key, language):
                    found[named(key)] = said
    return found


def _wrong(filled: Filled, item: Item, key: Key, language: str) -> str:
    value, step = filled.value(key), filled.plan.by_path[item.path]
    if value in (None, "", []):
        if item.read_only or not filled.required(key):
            return ""
        return text.pick(item.required_message, language) or _("Answer this question.")
    if item.kind in LISTS and item.list in filled.plan.form.choices:
        offered = {choice.name for choice in filled.choices(item, key)}
        picked = [value] if isinstance(value, str) else value
        if any(one not in offered for one in picked) and not (
            item.parameters.get("other") and item.kind == "select_one"
        ):
            return _("Choose among what is offered.")
        if item.kind == "rank" and len(picked) < len(offered):
            return _("Put all of them in order.")
    if item.kind in ("range", "integer", "decimal") and (said := _outside(item, number(str(value)))):
        return said
    if step.constraint is not None and not boolean(step.constraint(filled.at(key))):
        return text.pick(item.constraint_message, language) or _("This answer is not possible here.")
    return ""


def _outside(item: Item, value: Decimal) -> str:
    start, end = (number(str(item.parameters.get(name, ""))) for name in ("start", "end"))
    if item.kind != "range" or start.is_nan() or end.is_nan():
        return ""
    low, high = min(start, end), max(start, end)
    if not low <= value <= high:
        return _("Give a number from %(low)s to %(high)s.") % {"low": string(low), "high": string(high)}
    step = number(str(item.parameters.get("step", "1")))
    if step.is_finite() and step > 0 and (value - low) % step:
        return _("Count from %(low)s in steps of %(step)s.") % {"low": string(low), "step": string(step)}
    return ""


def files(form: Definition, answers: Mapping[str, Any]) -> Iterator[tuple[Key, Item, str]]:
    """(key, question, file) of each file in the answers."""
    yield from _files(form.items, answers, ())


def _files(items: Sequence[Item], answers: Mapping[str, Any], at: Key) -> Iterator[tuple[Key, Item, str]]:
    for item in items:
        value, key = answers.get(item.name), (*at, item.name)
        if not value:
            continue
        if item.kind == "group":
            yield from _files(item.items, value, key)
        elif item.kind == "repeat":
            for i, row in enumerate(value):
                yield from _files(item.items, row, (*key, i))
        elif item.kind in MEDIA:
            yield key, item, value


def with_files(items: Sequence[Item], answers: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
    """The answers with the id of each file in the place of its name."""
    made = dict(answers)
    for item in items:
        value = made.get(item.name)
        if value is None:
            continue
        if item.kind == "group":
            made[item.name] = with_files(item.items, value, kept)
        elif item.kind == "repeat":
            made[item.name] = [with_files(item.items, row, kept) for row in value]
        elif item.kind in MEDIA:
            made[item.name] = kept[value]
    return made
