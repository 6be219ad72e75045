"""A register of any size, made by a few statements: stalls, houses, heirs, widows, and things of which something is missing."""

from __future__ import annotations

import json
from datetime import date

from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection

from toguna.engines.ledger import book, starter
from toguna.engines.ledger.models import Account, Tariff
from toguna.engines.territory.models import Zone
from toguna.services.revenue.models import Base

RULE = {
    "type": "steps", "by": "m2", "bands": [["100", 150], ["300", 100], [None, 60]], "least": 5000, "round": 25,
    "exemptions": [{"code": "veuve", "words": {"fr": "Veuve", "en": "Widow"}, "percent": 50},
                   {"code": "ecole", "words": {"fr": "École", "en": "School"}, "percent": 100}],
}  # fmt: skip


def square(west: float, south: float, side: float = 0.01) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, west + side, south + side)), srid=4326)


def districts(count: int = 3) -> list[Zone]:
    town = Zone.objects.create(level=0, name="Soundiakoura", source="town:0", geom=square(-8.1, 12.0, 0.1))
    return [
        Zone.objects.create(
            level=2, parent=town, name=f"Quartier {n + 1}", source=f"town:{n + 1}", geom=square(-8.1 + n * 0.01, 12.0)
        )
        for n in range(count)
    ]


def houses(rule: dict | None = None, since: date = date(2025, 1, 1)) -> Base:
    book.account_id.cache_clear()
    starter.load()
    Tariff.objects.get_or_create(
        slug="foncier-essai", since=since,
        defaults={"titles": {"fr": "Taxe foncière", "en": "Property tax"}, "law": "Délib. 12, art. 3", "rule": rule or RULE, "unit": "m2",
                  "income": Account.objects.get(code="7311")},
    )  # fmt: skip
    return Base.objects.get_or_create(
        slug="maisons-essai", defaults={"titles": {"fr": "Maisons", "en": "Houses"}, "tariff": "foncier-essai", "asks": [{"name": "m2"}], "place": "building"}
    )[0]  # fmt: skip


_PAYERS = "INSERT INTO ledger_payer (name) SELECT 'Owner ' || n FROM generate_series(%(from)s, %(n)s) n RETURNING id"
_TAXPAYERS = """
INSERT INTO revenue_taxpayer (number, kind, name, phone, email, language, zone_id, payer_id, client_id)
SELECT 'R' || lpad((%(from)s - 1 + row_number() OVER (ORDER BY id))::text, 7, '0'), 'person', name, CASE WHEN id %% 2 = 0 THEN '+2237' || lpad((id %% 10000000)::text, 7, '0') ELSE '' END,
    '', 'fr', NULL, id, gen_random_uuid() FROM ledger_payer WHERE id >= %(first)s
"""
_TAXED = """
INSERT INTO revenue_taxed (code, base_id, words, measures, exemption, zone_id, point, street_name, since, client_id)
SELECT 'M' || lpad(n::text, 7, '0'), %(base)s, 'Maison ' || n,
    CASE WHEN n %% 100 = 7 THEN '{}'::jsonb ELSE jsonb_build_object('m2', (20 + n %% 400)::text || CASE n %% 3 WHEN 0 THEN ',5' ELSE '' END) END,
    CASE WHEN n %% 50 = 3 THEN 'veuve' WHEN n %% 50 = 4 THEN 'ecole' ELSE '' END, (%(zones)s::bigint[])[1 + n %% %(nzones)s],
    ST_SetSRID(ST_MakePoint(-8.1 + 0.01 * (n %% %(nzones)s) + 0.009 * ((n::bigint * 7919) %% 1000) / 1000, 12 + 0.009 * ((n::bigint * 104729) %% 1000) / 1000), 4326),
    'Rue ' || (1 + n %% 37), '2025-01-01', gen_random_uuid() FROM generate_series(%(from)s, %(n)s) n
"""
# Every tenth house has three heirs with 1, 2 and 3 parts; one in 200 has nobody.
_PARTS = """
INSERT INTO revenue_part (taxed_id, taxpayer_id, weight)
SELECT t.id, x.id, CASE WHEN h.many = 1 THEN 1 ELSE k END
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM revenue_taxed WHERE base_id = %(base)s) t
CROSS JOIN LATERAL (SELECT CASE WHEN t.n %% 200 = 11 THEN 0 WHEN t.n %% 10 = 5 THEN 3 ELSE 1 END AS many) h
CROSS JOIN LATERAL generate_series(1, h.many) k
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM revenue_taxpayer) x ON x.n = 1 + (t.n + (k - 1) * 7) %% %(n)s
WHERE t.n >= %(from)s
"""


def fill(base: Base, count: int, zones: list[Zone], first: int = 1) -> None:
    """That many houses and as many owners, numbered from `first`."""
    values = {
        "from": first,
        "n": first + count - 1,
        "base": base.pk,
        "zones": [zone.pk for zone in zones],
        "nzones": len(zones),
    }
    with connection.cursor() as cursor:
        # The history of each row costs more than all the rest.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "ALTER TABLE revenue_taxed DISABLE TRIGGER USER; ALTER TABLE revenue_taxpayer DISABLE TRIGGER USER"
        )
        cursor.execute(_PAYERS, values)
        values["first"] = min(pk for (pk,) in cursor.fetchall())
        for statement in (_TAXPAYERS, _TAXED, _PARTS):
            cursor.execute(statement, values)
            cursor.execute("ANALYZE revenue_taxed, revenue_part, revenue_taxpayer, ledger_payer")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "ALTER TABLE revenue_taxed ENABLE TRIGGER USER; ALTER TABLE revenue_taxpayer ENABLE TRIGGER USER"
        )


def measures_of(code: str) -> dict:
    with connection.cursor() as cursor:
        cursor.execute("SELECT measures::text FROM revenue_taxed WHERE code = %s", [code])
        return json.loads(cursor.fetchone()[0])
