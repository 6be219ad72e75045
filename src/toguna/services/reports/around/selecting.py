"""Which public reports a feed, an embedded map or a preview shows: by the filters of the list, and around a point."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point, Polygon
from django.contrib.gis.measure import D
from django.db.models import QuerySet

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.services.reports import finding

LEAST_M, MOST_M = 100, 10_000
_DEGREE_M = 111_320  # metres in a degree of latitude


def public(asked: Mapping[str, str]) -> QuerySet[cases.Case]:
    """zone, topic, state as in the list; near: a point in any form that people write; radius: metres around it (1000).

    What was merged into another is left out. What is not understood is left out too: a feed never breaks."""
    found = finding.public(asked).filter(merged_into=None)
    typed = asked.get("near", "")
    point = territory.read_point(typed[:200]) if typed else None
    return around(found, *point, radius(asked.get("radius", ""))) if point else found


def radius(typed: str) -> int:
    return min(MOST_M, max(LEAST_M, int(typed))) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 1000


def around(found: QuerySet[cases.Case], lon: float, lat: float, metres: int) -> QuerySet[cases.Case]:
    """Those within that distance. The box, at any latitude where people live, is what the index knows."""
    up, across = metres / _DEGREE_M, metres / _DEGREE_M * 3
    box = Polygon.from_bbox((lon - across, lat - up, lon + across, lat + up))
    box.srid = 4326
    near = found.filter(point__bboverlaps=box, anonymised=None)
    return near.annotate(distance=Distance("point", Point(lon, lat, srid=4326))).filter(distance__lte=D(m=metres))
