"""The places of the demo town: set-based, from its own buildings, streets and districts; the same town gives the same places."""

from __future__ import annotations

from django.db import connection, transaction

from toguna.kernel import codes
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import Material, Taken, WastePlace

# kind: (people for one, litres, what it takes, title in French, hours)
_DAY = '[{"days": [1, 2, 3, 4, 5, 6], "from": "07:00", "to": "18:00"}]'
_KINDS: dict[str, tuple[int, int, tuple[str, ...], str, str]] = {
    "bin": (250, 1100, ("household",), "Bac", "[]"),
    "point": (2500, 8000, ("household", "bulky"), "Point de collecte", "[]"),
    "sorting": (4000, 3000, ("plastic", "metal", "paper", "glass"), "Point de tri", _DAY),
    "buyer": (5000, 0, (), "Acheteur", _DAY),
    "reward": (6000, 0, (), "Boutique partenaire", _DAY),
}
_BUYERS: tuple[tuple[str, dict[str, int]], ...] = (
    ("Plastiques Sira", {"plastic": 75}),
    ("Ferraille Coulibaly", {"metal": 150}),
    ("Récup Diarra", {"plastic": 60, "metal": 125, "paper": 20}),
    ("Verre et carton Keïta", {"glass": 15, "paper": 25}),
)
# Buildings spread over the town by a hash of their id: as dense as people live, and the same at each load.
_SPREAD = """
INSERT INTO waste_place (code, client_id, kind, name, state, zone_id, point, "where", capacity, hours, phone, public, created, changed)
SELECT c.code, md5(%(kind)s || b.id)::uuid, %(kind)s, %(title)s || ' ' || lpad(c.n::text, greatest(3, length(c.n::text)), '0') ||
    COALESCE(', ' || z.name, ''), 'open', z.id, b.point, '', %(litres)s, %(hours)s::jsonb, '', true, %(day)s, %(day)s
FROM (
    SELECT f.id, ST_PointOnSurface(f.geom) AS point, row_number() OVER (ORDER BY md5(%(kind)s || f.id)) AS n
    FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
    WHERE l.slug = 'buildings' AND f.valid_to IS NULL
) b
JOIN unnest(%(codes)s::text[]) WITH ORDINALITY AS c(code, n) ON c.n = b.n
LEFT JOIN LATERAL (SELECT z.id, z.name FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, b.point)
    ORDER BY z.level DESC, z.id LIMIT 1) z ON true
ON CONFLICT DO NOTHING
"""
# The ends of the town, as far as possible from one another: where a dump and a transfer station would stand.
_ENDS = """
SELECT ST_AsEWKT(p.point), z.id FROM (
    SELECT ST_PointOnSurface(f.geom) AS point FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
    WHERE l.slug = 'buildings' AND f.valid_to IS NULL
) p
CROSS JOIN (SELECT ST_Centroid(ST_Extent(geom)::geometry) AS middle FROM territory_zone WHERE closed IS NULL) m
LEFT JOIN LATERAL (SELECT z.id FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, p.point)
    ORDER BY z.level DESC, z.id LIMIT 1) z ON true
WHERE (ST_X(p.point) - ST_X(m.middle)) * %(side)s < 0
ORDER BY CASE WHEN %(near)s THEN 1 ELSE -1 END * abs(ST_Distance(p.point, ST_SetSRID(m.middle, 4326)) - %(from)s) LIMIT 1
"""


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has places keeps them."""
    if WastePlace.objects.exists():
        return
    materials = dict(Material.objects.values_list("slug", "pk"))
    with connection.cursor() as cursor:
        for kind, (each, litres, _takes, title, hours) in _KINDS.items():
            many = max(2, files.people // each)
            cursor.execute(
                _SPREAD,
                {
                    "kind": kind, "title": title, "litres": litres, "hours": hours, "day": files.until,
                    "codes": _codes(many),
                },
            )  # fmt: skip
    rows = []
    for kind, (_each, _litres, takes, _title, _hours) in _KINDS.items():
        for pk in WastePlace.objects.filter(kind=kind).values_list("pk", flat=True):
            rows += [Taken(place_id=pk, material_id=materials[slug]) for slug in takes]
    for n, place in enumerate(WastePlace.objects.filter(kind=WastePlace.Kind.BUYER).order_by("pk")):
        name, prices = _BUYERS[n % len(_BUYERS)]
        place.name = name if n < len(_BUYERS) else f"{name} {n // len(_BUYERS) + 1}"
        place.phone = f"+2239000{n:04d}"
        place.save(update_fields=["name", "phone"])
        rows += [
            Taken(place=place, material_id=materials[slug], price=price, since=files.until)
            for slug, price in prices.items()
        ]
    for n, place in enumerate(WastePlace.objects.filter(kind=WastePlace.Kind.REWARD).order_by("pk")):
        place.phone = f"+2239001{n:04d}"
        place.save(update_fields=["phone"])
    rows += _ends(materials)
    Taken.objects.bulk_create(rows, ignore_conflicts=True, batch_size=5000)


def _codes(many: int) -> list[str]:
    found: set[str] = set()
    while len(found) < many:
        found.add(codes.make(6))
    return sorted(found)


def _ends(materials: dict[str, int]) -> list[Taken]:
    """Two dumps at the edge of the town and two transfer stations half-way, one on each side of both."""
    made: list[Taken] = []
    with connection.cursor() as cursor:
        for kind, title, near, from_, litres in (
            (WastePlace.Kind.DUMP, "Décharge", False, 0.0, 0),
            (WastePlace.Kind.STATION, "Station de transfert", True, 0.01, 60_000),
        ):
            for side, word in ((1, "ouest"), (-1, "est")):
                cursor.execute(_ENDS, {"near": near, "from": from_, "side": side})
                row = cursor.fetchone()
                if row is None:
                    return made
                place = WastePlace.objects.create(
                    code=codes.make(6), kind=kind, name=f"{title} {word}", point=row[0], zone_id=row[1], capacity=litres,
                    hours=[{"days": [1, 2, 3, 4, 5, 6, 7], "from": "06:00", "to": "19:00"}],
                )  # fmt: skip
                made += [Taken(place=place, material_id=materials[slug]) for slug in ("household", "bulky", "organic")]
    return made
