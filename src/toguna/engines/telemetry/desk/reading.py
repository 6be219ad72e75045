"""What the desk shows, for whoever may see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from toguna.engines.telemetry.devices import reads
from toguna.engines.telemetry.devices.register import READ
from toguna.engines.telemetry.history import drifting, hours, reading
from toguna.engines.telemetry.models import Alarm, Device, Quantity
from toguna.engines.territory import api as territory
from toguna.kernel import access, text
from toguna.kernel.access import Actor

DRIFT = 120  # seconds beyond which a clock is said to be wrong
LOW = 15  # % of a battery
WIDE, HIGH = 600, 140


def alarms(actor: Actor, *, only_open: bool = False) -> QuerySet[Alarm]:
    zones = access.zones(actor, READ)
    found = Alarm.objects.select_related("rule", "device")
    if zones is not None:
        found = found.filter(device__zone__in=zones)
    return found.filter(cleared=None).order_by("-level", "-raised") if only_open else found.order_by("-raised")


def device(actor: Actor, pk: int) -> Device | None:
    return reads.visible(actor).select_related("decoder", "latest").filter(pk=pk).first()


def clock(drift: float | None) -> str:
    """What is wrong with the clock of a device, "" for nothing. drift: seconds behind ours."""
    if drift is None or abs(drift) <= DRIFT:
        return ""
    seconds = abs(drift)
    sizes = ((2 * 3600, 3600, "h"), (600, 60, "min"), (0, 1, "s"))
    unit, sign = next((unit, sign) for least, unit, sign in sizes if seconds >= least)
    much = f"{seconds / unit:.0f}\u00a0{sign}"
    behind = _("its clock is %(much)s behind ours"), _("its clock is %(much)s ahead of ours")
    return behind[drift < 0] % {"much": much}


@dataclass(frozen=True)
class Measured:
    """The last value of a quantity of a device, with its last days as a drawing ("" when there is no more than one)."""

    name: str
    value: float
    unit: str
    at: datetime
    chart: SafeString | str
    low: float | None = None
    high: float | None = None
    drift: drifting.Drift | None = None


def measured(last: reads.Last, days: int = 7) -> list[Measured]:
    units = {q.code: q for q in Quantity.objects.filter(code__in=list(last.values))}
    end = timezone.now()
    found = []
    for code, (value, at) in sorted(last.values.items()):
        known = units.get(code)
        if known is None:
            continue
        points = _points(last.device, code, end - timedelta(days=days), end)
        numbers = [v for _at, v in points]
        found.append(
            Measured(
                text.pick(known.names), value, known.sign, at, chart(points),
                min(numbers) if numbers else None, max(numbers) if numbers else None, drifting.drift(last.device, code),
            )
        )  # fmt: skip
    return found


def _points(device: int, code: str, start: datetime, end: datetime) -> list[tuple[datetime, float]]:
    """Hours where there are many readings, the readings themselves where there are few."""
    some = reading.readings(device, code, start, end, most=401)
    if len(some) <= 400:
        return [(one.at, one.value) for one in some]
    return [(one.hour, one.mean) for one in hours.hours(device, code, start, end)]


def chart(points: list[tuple[datetime, float]]) -> SafeString | str:
    if len(points) < 2:
        return ""
    first, last = points[0][0].timestamp(), points[-1][0].timestamp()
    values = [value for _at, value in points]
    low, high = min(values), max(values)
    wide, tall = (last - first) or 1, (high - low) or 1
    line = " ".join(
        f"{(at.timestamp() - first) / wide * WIDE:.0f},{HIGH - 4 - (value - low) / tall * (HIGH - 8):.0f}" for at, value in points
    )  # fmt: skip
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" width="100%" height="70">'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"/></svg>',
        WIDE, HIGH, line,
    )  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A day of a vehicle. points: [[seconds, lat, lon, km/h]] for the page's own program; stops: [(since, minutes, lat, lon, where in
    words)]; last: of its last position."""

    drawing: SafeString | str
    points: list[list[Any]]
    rows: list[dict[str, Any]]
    metres: float
    stops: list[tuple[datetime, int, float, float, str]]
    last: datetime | None = None


STOP = 5  # minutes in one place
ROWS, NAMED = 60, 20  # positions that are listed; stops whose place is looked for


def way(device: int, start: datetime, end: datetime) -> Way:
    places = reading.track(device, start, end)
    if not places:
        return Way("", [], [], 0, [])
    step = max(1, len(places) // ROWS)
    rows = [{"at": one.at, "lat": one.lat, "lon": one.lon, "speed": one.speed} for one in places[::step]]
    points = [
        [round(p.at.timestamp()), round(p.lat, 5), round(p.lon, 5), None if p.speed is None else round(p.speed)]
        for p in places
    ]
    stops = [
        (*stop, territory.reverse(stop[3], stop[2]) if number < NAMED else "") for number, stop in enumerate(_stops(places))
    ]  # fmt: skip
    return Way(_draw(places), points, rows, reading.metres(places), stops, places[-1].at)


def _stops(places: list[reading.Position]) -> list[tuple[datetime, int, float, float]]:
    found, since = [], places[0]
    for before, one in pairwise(places):
        if reading.metres([since, one]) >= 60:
            minutes = int((before.at - since.at).total_seconds() // 60)
            if minutes >= STOP:
                found.append((since.at, minutes, since.lat, since.lon))
            since = one
    minutes = int((places[-1].at - since.at).total_seconds() // 60)
    if minutes >= STOP:
        found.append((since.at, minutes, since.lat, since.lon))
    return found


def _draw(places: list[reading.Position]) -> SafeString:
    """The way without a map: north is up, as wide as it is."""
    lats, lons = [p.lat for p in places], [p.lon for p in places]
    shrink = 0.97  # near the equator; a drawing, not a measure
    wide, tall = max((max(lons) - min(lons)) * shrink, 1e-4), max(max(lats) - min(lats), 1e-4)
    scale = 560 / max(wide, tall)
    step = max(1, len(places) // 800)

    def at(place: reading.Position) -> str:
        return f"{20 + (place.lon - min(lons)) * shrink * scale:.0f},{20 + (max(lats) - place.lat) * scale:.0f}"

    line = " ".join(at(place) for place in [*places[::step], places[-1]])
    ends = format_html_join(
        "", '<circle cx="{}" cy="{}" r="{}" fill="currentColor"/>',
        [(*at(places[0]).split(","), 7), (*at(places[-1]).split(","), 10)],
    )  # fmt: skip
    return format_html(
        '<svg class="drawing" viewBox="0 0 {} {}" aria-hidden="true"><polyline points="{}" fill="none" stroke="currentColor" '
        'stroke-width="3" stroke-linejoin="round"/>{}<circle data-way-now r="12" fill="#c8501e" stroke="#fff" stroke-width="3" '
        'cx="{}" cy="{}"/></svg>',
        round(wide * scale) + 40, round(tall * scale) + 40, line, ends, *at(places[0]).split(","),
    )  # fmt: skip
