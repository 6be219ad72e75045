"""Closing a stretch of road and opening it again: by an officer on the map, or by a service whose event says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, WKBWriter
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import zones
from toguna.engines.territory.models import Closure
from toguna.engines.territory.routing import routes, traffic
from toguna.engines.territory.routing.modes import MODES
from toguna.kernel import access, audit, events, text
from toguna.kernel.access import Actor

PERMISSION = "territory.close"
LARGEST = 0.2  # degrees across: a closure of half a region is a mistake of the hand


class ClosureRefused(Exception):
    """str() is a sentence for the person."""


@dataclass(frozen=True)
class RoadClosed(events.Event):
    closure: int


@dataclass(frozen=True)
class RoadOpened(events.Event):
    closure: int


def shape(told: str | GEOSGeometry) -> GEOSGeometry:
    """A point, a line or an area in WGS 84, from GeoJSON, WKT or "lat, lon". Raises ClosureRefused."""
    try:
        found = told if isinstance(told, GEOSGeometry) else GEOSGeometry(told)
        if found.hasz:  # as many programs write it
            found = GEOSGeometry(WKBWriter().write(found), srid=found.srid)
        found.srid = found.srid or 4326
        west, south, east, north = found.extent if not found.empty else (0.0, -91.0, 0.0, 0.0)
        inside = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
        if found.srid != 4326 or not inside or not found.valid:
            raise ValueError(told)
    except (ValueError, TypeError, GEOSException, GDALException) as error:
        raise ClosureRefused(_("This is no point, line or area.")) from error
    if max(east - west, north - south) > LARGEST:
        raise ClosureRefused(_("That is too large for a closure: draw it street by street."))
    return found


@transaction.atomic
def close_road(
    source: str,
    where: str | GEOSGeometry,
    *,
    by: Actor,
    reason: str = Closure.Reason.OTHER,
    words: str = "",
    starts: datetime | None = None,
    ends: datetime | None = None,
    modes: Sequence[str] = (),
    height_m: float | None = None,
    weight_t: float | None = None,
    public: bool = True,
) -> int:
    """Closes the roads there, from `starts` (None: now) until `ends` (None: until opened), for these modes (none given: all that have a
    motor); with `height_m` or `weight_t`, for trucks alone that are higher or heavier. `source` is who asks and what they call it ("reports:123"); the same again changes that one. Returns the closure's id; routes
    know of it when this transaction is committed. Raises ClosureRefused."""
    geom = shape(where)
    zone = zones.place(*geom.centroid.coords).zone
    found = Closure.objects.select_for_update().filter(source=source).first()
    access.require(by, PERMISSION, zone=zone)
    if found is not None:
        access.require(by, PERMISSION, zone=found.zone)
    begins = starts or (found.starts if found else timezone.now())
    if ends is not None and ends < begins:
        raise ClosureRefused(_("It would end before it begins."))
    if unknown := set(modes) - MODES.keys():
        raise ValueError(f"no such mode: {unknown}")
    values = {
        "reason": Closure.Reason(reason), "words": text.clean(words)[:250], "geom": geom, "modes": sorted(set(modes)), "height_m": height_m,
        "weight_t": weight_t, "starts": begins, "ends": ends, "zone": zone, "public": public, "account": by.account,
    }  # fmt: skip
    made, _new = Closure.objects.update_or_create(source=source, defaults=values)
    audit.record(by, "territory.close", f"territory.closure:{made.pk}", reason=str(made.reason))
    events.publish(RoadClosed(made.pk))
    routes.forget()
    transaction.on_commit(_refresh)
    return int(made.pk)


@transaction.atomic
def open_road(source: str, *, by: Actor) -> bool:
    """Ends a closure now; one that has not begun never does. False when there is none in force or to come."""
    now = timezone.now()
    found = Closure.objects.select_for_update().filter(source=source).first()
    if found is None or (found.ends is not None and found.ends <= now):
        return False
    access.require(by, PERMISSION, zone=found.zone)
    found.ends = now
    found.starts = min(found.starts, now)
    found.save(update_fields=["ends", "starts"])
    audit.record(by, "territory.open", f"territory.closure:{found.pk}")
    events.publish(RoadOpened(found.pk))
    routes.forget()
    transaction.on_commit(_refresh)
    return True


def _refresh() -> None:
    routes.forget()
    traffic.refresh()
