"""The markets of the town, places of its map, and what is taxed at each."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

NEAR = 150  # metres around a market's ground within which a stall is of it, unless another market is nearer

_MARKET = "{0}.layer_id = (SELECT id FROM territory_layer WHERE slug = 'facilities') AND {0}.kind = 'market' AND {0}.valid_to IS NULL"
_NAMED = f"""
SELECT f.id, f.name, COALESCE(zone.name, '') FROM territory_feature f
LEFT JOIN LATERAL (SELECT z.name FROM territory_zone z WHERE z.closed IS NULL AND z.level >= 2
    AND ST_Intersects(z.geom, ST_PointOnSurface(f.geom)) ORDER BY z.level, z.id LIMIT 1) zone ON true
WHERE {_MARKET.format("f")} ORDER BY f.name = '', f.name, f.id
"""
# Each thing is of one market: of that which it names, else of the nearest; so two markets side by side share no stall.
_THINGS = f"""
SELECT t.id FROM territory_feature m JOIN revenue_taxed t ON t.base_id = %(base)s AND (t.feature = m.id OR t.point && ST_Expand(m.geom, 0.002))
WHERE m.id = %(market)s AND (t.feature = m.id OR (
    ST_DWithin(m.geom::geography, t.point::geography, {NEAR})
    AND NOT EXISTS (SELECT FROM territory_feature o WHERE {_MARKET.format("o")} AND o.id <> m.id AND (o.id = t.feature OR (
        o.geom && ST_Expand(t.point, 0.002)
        AND (ST_Distance(o.geom::geography, t.point::geography), o.id) < (ST_Distance(m.geom::geography, t.point::geography), m.id))))
)) ORDER BY t.id
"""


def named() -> dict[int, str]:
    """{market: its name}, those that the map has now; one without a name is called after its district."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED)
        rows = cursor.fetchall()
    return {pk: name or _("Market without a name, %(where)s") % {"where": zone or pk} for pk, name, zone in rows}


def things(market: int, base: int) -> list[int]:
    """The ids of what is taxed for one thing at a market. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_THINGS, {"market": market, "base": base})
        return [pk for (pk,) in cursor.fetchall()]
