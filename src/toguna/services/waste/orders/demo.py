"""Tariffs, pre-collectors and three months of pick-ups of the demo town."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import codes
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import PreCollector

LAW = "Délibération n° 2025-022 du conseil municipal (ville fictive), art. {}"
# slug: (French, Portuguese, English, rule)
TARIFFS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "enlevement": ("Enlèvement à domicile, par sac", "Recolha em casa, por saco", "Pick-up at the door, for each bag",
        {"type": "unit", "by": "sacs", "price": 250, "least": 500}),
    "enlevement-mois": ("Enlèvement chaque semaine, par mois", "Recolha semanal, por mês", "Pick-up every week, for a month",
        {"type": "flat", "amount": 2000}),
    "enlevement-tri": ("Enlèvement de recyclables triés, par sac", "Recolha de recicláveis separados, por saco", "Pick-up of sorted recyclables, for each bag",
        {"type": "unit", "by": "sacs", "price": 100, "least": 200}),
    "encombrants": ("Enlèvement d’encombrants, par objet", "Recolha de volumosos, por objeto", "Pick-up of bulky waste, for each piece",
        {"type": "unit", "by": "objets", "price": 1000, "least": 2000}),
    "pesee": ("Dépôt de déchets au poids", "Depósito de resíduos por peso", "Waste brought, by weight",
        {"type": "unit", "by": "kg", "price": 15, "round": 5}),
}  # fmt: skip
NAMES = (
    "Amadou Coulibaly", "Fanta Diarra", "Issa Traoré", "Mariam Koné", "Boubacar Sidibé", "Aminata Doumbia", "Seydou Keïta", "Kadiatou Sangaré",
)  # fmt: skip


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has pre-collectors keeps them."""
    since = files.until.replace(month=1, day=1) - timedelta(days=365)
    for n, (slug, (fr, pt, en, rule)) in enumerate(TARIFFS.items(), 1):
        ledger.Tariff.objects.get_or_create(
            slug=slug, since=since,
            defaults={
                "titles": {"fr": fr, "pt": pt, "en": en}, "law": LAW.format(n), "rule": rule, "unit": str(rule.get("by", "mois")),
                "income": ledger.Account.objects.get(code="7068"),
            },
        )  # fmt: skip
    if PreCollector.objects.exists():
        return
    districts = list(territory.districts())
    if not districts:
        return
    for n in range(max(4, files.people // 2500)):
        middle = territory.zone_shapes([districts[n % len(districts)].id])[0][1].point_on_surface
        row = PreCollector.objects.create(
            code=codes.make(5), name=NAMES[n % len(NAMES)], phone=f"+2239002{n:04d}", language="fr", state=PreCollector.State.ACTIVE,
            vehicle=("cart", "donkey", "tricycle")[n % 3], most=(8, 12, 20)[n % 3], point=Point(middle.x, middle.y, srid=4326),
            created=timezone.now() - timedelta(days=200),
        )  # fmt: skip
        row.zones.set({districts[n % len(districts)].id, districts[(n + 1) % len(districts)].id})
    _history(files)


# Pick-ups that are over are written set-based: their bills and shares come by the ledger's own runs, each in one statement.
_HOMES = """
INSERT INTO waste_household (code, person_id, address, language, zone_id, point, "where", street, street_name, points, created)
SELECT c.code, k.person_id, k.value, 'fr', z.id, b.point, COALESCE(z.name, ''), s.id, COALESCE(s.name, ''), 0, %(day)s::timestamptz - interval '150 days'
FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS c(code, n)
JOIN (SELECT person_id, value, row_number() OVER (ORDER BY id) AS n FROM people_contact WHERE kind = 'phone') k ON k.n = c.n
JOIN (
    SELECT ST_PointOnSurface(f.geom) AS point, row_number() OVER (ORDER BY md5('home' || f.id)) AS n
    FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id WHERE l.slug = 'buildings' AND f.valid_to IS NULL
) b ON b.n = c.n
LEFT JOIN LATERAL (SELECT z.id, z.name FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, b.point)
    ORDER BY z.level DESC, z.id LIMIT 1) z ON true
LEFT JOIN LATERAL (SELECT f.id, f.name FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
    WHERE l.slug = 'streets' AND f.valid_to IS NULL AND f.name <> '' AND f.geom && ST_Expand(b.point, 0.003) ORDER BY f.geom <-> b.point LIMIT 1) s ON true
ON CONFLICT DO NOTHING
"""
_PICKUPS = """
INSERT INTO waste_pickup (code, client_id, kind_id, household_id, state, size, note, "where", zone_id, point, start, "end", collector_id, secret,
    price, earned, proof, stars, complaint, language, channel, created, closed)
SELECT c.code, md5('pickup' || c.n)::uuid, k.id, h.id, 'done', s.size, '', h."where", h.zone_id, h.point, s.start, s.start + interval '4 hours',
    p.id, '0000', v.price, v.price * k.share / 100, 'code', CASE WHEN r.dice < 0.6 THEN 3 + floor(r.dice * 5)::int END, '', 'fr', (ARRAY['sms', 'ussd', 'web'])[1 + c.n %% 3],
    s.start - interval '1 day', s.start + interval '2 hours'
FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS c(code, n)
CROSS JOIN LATERAL (SELECT ('x' || substr(md5('d' || c.n), 1, 6))::bit(24)::int / 16777216.0 AS dice) r
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM waste_household WHERE address <> '') h ON h.n = 1 + (c.n * 7919) %% %(homes)s
JOIN waste_pickup_kind k ON k.slug = 'household'
CROSS JOIN LATERAL (SELECT 1 + floor(r.dice * 4)::int AS size,
    date_trunc('day', %(day)s::timestamptz) - make_interval(days => 1 + (c.n * 31 %% 120)::int) + interval '7 hours' AS start) s
LEFT JOIN LATERAL (SELECT x.precollector_id AS id FROM waste_precollector_zone x WHERE x.zone_id = h.zone_id
    ORDER BY md5(c.n::text || x.precollector_id) LIMIT 1) z ON true
CROSS JOIN LATERAL (SELECT COALESCE(z.id, (SELECT min(id) FROM waste_precollector)) AS id) p
CROSS JOIN LATERAL (SELECT greatest(500, 250 * s.size) AS price) v
"""


def _history(files: DemoFiles) -> None:
    """Households, and what was fetched at their doors; unpaid and unbilled, as a register that was brought from paper."""
    homes, many = max(40, files.people // 40), max(80, files.people // 12)
    values: dict[str, Any] = {"day": files.until, "codes": _codes(homes)}
    with connection.cursor() as cursor:
        cursor.execute(_HOMES, values)
        cursor.execute("SELECT count(*) FROM waste_household")
        there = cursor.fetchone()[0]
        if there:
            cursor.execute(_PICKUPS, {"day": files.until, "codes": _codes(many), "homes": there})
            cursor.execute(
                "UPDATE waste_precollector c SET stars = s.stars, rated = s.rated FROM (SELECT collector_id, sum(stars) AS stars,"
                " count(stars) AS rated FROM waste_pickup GROUP BY 1) s WHERE s.collector_id = c.id AND s.rated > 0"
            )


def _codes(many: int) -> list[str]:
    found: set[str] = set()
    while len(found) < many:
        found.add(codes.make(7))
    return sorted(found)
