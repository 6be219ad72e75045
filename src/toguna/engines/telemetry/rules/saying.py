"""A condition in words, for whoever must know what a rule watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.telemetry.models import Quantity
from toguna.engines.telemetry.rules.conditions import (
    SPEED,
    All,
    Any_,
    Condition,
    During,
    Geofence,
    Rate,
    Silence,
    Threshold,
)
from toguna.engines.telemetry.rules.days import Days, Span
from toguna.engines.territory import api as territory
from toguna.kernel import text


@dataclass(frozen=True)
class Said:
    """words: a line; of: what it puts together."""

    words: str
    of: tuple[Said, ...] = ()


def said(condition: Condition) -> Said:
    """In the reader's language."""
    return _said(condition, {q.code: q for q in Quantity.objects.all()})


def _said(condition: Condition, known: dict[str, Quantity]) -> Said:
    if isinstance(condition, All | Any_):
        words = _("all of these at once") if isinstance(condition, All) else _("one of these at least")
        return Said(words, tuple(_said(one, known) for one in condition.of))
    if isinstance(condition, During):
        inner = _said(condition.of, known)
        return Said(", ".join([inner.words, *_when(condition)]), inner.of)
    if isinstance(condition, Threshold):
        return Said(", ".join(_threshold(condition, known)))
    if isinstance(condition, Rate):
        return Said(", ".join(_rate(condition, known)))
    if isinstance(condition, Silence):
        return Said(
            ngettext("nothing comes for %(n)s minute", "nothing comes for %(n)s minutes", _whole(condition.minutes))
            % {"n": _number(condition.minutes)}
        )
    return Said(_fence(condition) if isinstance(condition, Geofence) else condition.kind)


def _whole(number: float) -> int:
    """What the plural goes by."""
    return 1 if number <= 1 else max(2, round(number))


def _number(number: float) -> str:
    return number_format(int(number) if number == int(number) else round(number, 3), use_l10n=True)


def _named(code: str, known: dict[str, Quantity]) -> tuple[str, str]:
    """(name, unit) of a quantity."""
    if code == SPEED:
        return _("Speed"), "km/h"
    found = known.get(code)
    return (code, "") if found is None else (text.pick(found.names), found.sign)


def units(conditions: Iterable[Condition]) -> list[str]:
    """In which the value of the alarms of each is measured, "" where that is no measure alone. One statement."""
    measured = [_measured(one) for one in conditions]
    known = {q.code: q for q in Quantity.objects.filter(code__in=measured)}
    return [_named(code, known)[1] if code else "" for code in measured]


def _measured(condition: Condition) -> str:
    while isinstance(condition, During):
        condition = condition.of
    return condition.quantity if isinstance(condition, Threshold) else ""


def _value(number: float, unit: str) -> str:
    return f"{_number(number)} {unit}".strip()


def _threshold(condition: Threshold, known: dict[str, Quantity]) -> Iterator[str]:
    name, unit = _named(condition.quantity, known)
    if condition.above is not None:
        yield _("%(quantity)s above %(value)s") % {"quantity": name, "value": _value(condition.above, unit)}
    else:
        yield _("%(quantity)s below %(value)s") % {"quantity": name, "value": _value(condition.below or 0, unit)}
    if condition.minutes:
        yield (
            ngettext("for %(n)s minute at least", "for %(n)s minutes at least", _whole(condition.minutes))
            % {"n": _number(condition.minutes)}
        )
    if condition.clear is not None:
        yield _("until it is back at %(value)s") % {"value": _value(condition.clear, unit)}


def _rate(condition: Rate, known: dict[str, Quantity]) -> Iterator[str]:
    name, unit = _named(condition.quantity, known)
    if condition.above is not None:
        yield (
            _("%(quantity)s grows by more than %(value)s an hour")
            % {"quantity": name, "value": _value(condition.above, unit)}
        )
    if condition.below is not None:
        yield (
            _("%(quantity)s falls by more than %(value)s an hour")
            % {"quantity": name, "value": _value(-condition.below, unit)}
        )


def _fence(condition: Geofence) -> str:
    if condition.metres is not None:
        values = {
            "metres": _number(condition.metres),
            "place": f"{condition.lat or 0:.5f}, {condition.lon or 0:.5f}",
        }
        if condition.when == "inside":
            return _("it is within %(metres)s m of %(place)s") % values
        return _("it is more than %(metres)s m from %(place)s") % values
    found = [territory.zone(pk) for pk in condition.zones]
    names = ", ".join(
        text.pick(zone.names) if zone else f"({pk})" for pk, zone in zip(condition.zones, found, strict=True)
    )
    return (_("it is inside %(zones)s") if condition.when == "inside" else _("it is outside %(zones)s")) % {
        "zones": names
    }


def _when(condition: During) -> Iterator[str]:
    if len(set(condition.days)) < 7:
        yield _("only on %(days)s") % {"days": ", ".join(str(WEEKDAYS[day - 1]) for day in sorted(set(condition.days)))}
    if (condition.start, condition.end) != ("00:00", "24:00"):
        yield _("from %(start)s to %(end)s") % {"start": condition.start, "end": condition.end}
    for line in _days(condition.only):
        yield _("only on %(days)s") % {"days": line}
    for line in _days(condition.never):
        yield _("not on %(days)s") % {"days": line}


def _days(days: Days) -> Iterator[str]:
    if days.holidays:
        yield _("public holidays")
    if days.dates:
        yield ", ".join(map(_span, days.dates))
    if days.every and days.since:
        yield (
            _("market days (each %(n)s days, counted from %(since)s)")
            % {"n": days.every, "since": _date(days.since, once=True)}
        )


def _span(span: Span) -> str:
    first, last = (_date(day, once=span.once) for day in span.days)
    return first if first == last else f"{first} – {last}"


def _date(day: date, *, once: bool) -> str:
    return date_format(day, "DATE_FORMAT" if once else "MONTH_DAY_FORMAT")
