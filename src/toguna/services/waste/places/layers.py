"""Places on the map of the town, and as open data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.api import Column, Dataset
from toguna.engines.territory.api import TileLayer

_VERSION = "SELECT concat(count(*), '-', max(changed)) FROM waste_place"
_SHOWN = "public AND state <> 'closed'"

MAP = TileLayer(
    "waste-places",
    _("Waste: bins, points, buyers"),
    raw=f"""
    SELECT code, name, kind, '/waste/p/' || code AS url, point AS geom FROM waste_place WHERE {_SHOWN} AND point && {{bounds}}
    """,
    grouped=f"""
    SELECT count(*)::int AS n, ST_Centroid(ST_Collect(point)) AS geom FROM waste_place
    WHERE {_SHOWN} AND point && {{bounds}} GROUP BY ST_SnapToGrid(point, {{cell}})
    """,
    version=_VERSION,
    icon="full-bin",
)

PLACES = Dataset(
    "waste-places",
    _("Places for waste"),
    _("Bins, collection points, transfer stations, dumps, sorting points, partner shops, buyers and resellers: where, what each takes and what it pays."),
    "ODbL-1.0",
    (
        Column("code", "string", _("Code on its label")),
        Column("kind", "string", _("Kind: bin, point, station, dump, sorting, reward, buyer or reseller")),
        Column("name", "string", _("Name")),
        Column("state", "string", _("State: open or broken")),
        Column("district", "string", _("District")),
        Column("takes", "string", _("Materials that it takes")),
        Column("prices", "string", _("What it pays for a kilogramme, in the smallest coin, by material")),
        Column("litres", "integer", _("Capacity, litres")),
        Column("hours", "string", _("Opening hours, written as in OpenStreetMap; empty: always")),
        Column("since", "date", _("In the register since")),
        Column("lon", "number", _("Longitude, degrees")),
        Column("lat", "number", _("Latitude, degrees")),
    ),
    f"""
    SELECT p.code, p.kind, p.name, p.state, z.name AS district, t.takes, t.prices, p.capacity AS litres,
        (SELECT string_agg(h.days || ' ' || h.spans, '; ' ORDER BY h.first->0) FROM (
            SELECT o.days AS first, string_agg(o.from || '-' || o.to, ',' ORDER BY o.from) AS spans,
                (SELECT string_agg((ARRAY['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'])[d::int], ',' ORDER BY d) FROM jsonb_array_elements_text(o.days) d) AS days
            FROM jsonb_to_recordset(p.hours) AS o(days jsonb, "from" text, "to" text) GROUP BY o.days
        ) h) AS hours,
        p.created::date AS since, round(ST_X(p.point)::numeric, 6)::float8 AS lon, round(ST_Y(p.point)::numeric, 6)::float8 AS lat,
        p.point AS geom
    FROM waste_place p LEFT JOIN territory_zone z ON z.id = p.zone_id
    LEFT JOIN LATERAL (
        SELECT string_agg(m.slug, ' ' ORDER BY m."order", m.slug) AS takes,
            string_agg(m.slug || '=' || k.price, ' ' ORDER BY m."order", m.slug) FILTER (WHERE k.price IS NOT NULL) AS prices
        FROM waste_taken k JOIN waste_material m ON m.id = k.material_id WHERE k.place_id = p.id
    ) t ON true
    WHERE {_SHOWN.replace("public", "p.public").replace("state", "p.state")} ORDER BY p.id
    """,
    geometry=True,
    keywords=("waste", "déchets", "recycling", "recyclage"),
    version=_VERSION,
)  # fmt: skip
