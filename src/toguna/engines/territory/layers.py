"""The layers that an OpenStreetMap file fills. They are rows of `Layer` like any other: the town may change how they look."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from toguna.engines.territory.models import Feature, Layer
from toguna.kernel import text

OSM_CREDIT = "© OpenStreetMap"

# slug: (geometry, pictogram, order of drawing, colour, {language: words})
OSM_LAYERS: dict[str, tuple[str, str, int, str, dict[str, str]]] = {
    "landuse": ("polygon", "tree", 10, "#d9e3c4", {"fr": "Occupation du sol", "pt": "Uso do solo", "en": "Land use"}),
    "water": ("mixed", "water", 20, "#9cc3d9", {"fr": "Eau", "pt": "Água", "en": "Water"}),
    "buildings": ("polygon", "building", 30, "#cdb8a0", {"fr": "Bâtiments", "pt": "Edifícios", "en": "Buildings"}),
    "streets": ("line", "road", 40, "#ffffff", {"fr": "Rues", "pt": "Ruas", "en": "Streets"}),
    "places": ("point", "pin", 50, "#1f2a5c", {"fr": "Lieux-dits", "pt": "Lugares", "en": "Places"}),
    "addresses": ("point", "home", 60, "#5b5047", {"fr": "Adresses", "pt": "Endereços", "en": "Addresses"}),
    "facilities": ("mixed", "market", 70, "#33418a", {"fr": "Équipements", "pt": "Equipamentos", "en": "Facilities"}),
}


def ensure_osm_layers() -> dict[str, int]:
    """{slug: id}; makes those that are missing, changes none."""
    Layer.objects.bulk_create(
        [
            Layer(
                slug=slug,
                geometry=geometry,
                icon=icon,
                style={"order": order, "colour": colour},
                names=names,
                attribution=OSM_CREDIT,
            )
            for slug, (geometry, icon, order, colour, names) in OSM_LAYERS.items()
        ],
        ignore_conflicts=True,
    )
    return dict(Layer.objects.filter(slug__in=OSM_LAYERS).values_list("slug", "id"))


@dataclass(frozen=True)
class LayerItem:
    """A layer for lists."""

    id: int
    slug: str
    names: dict[str, str]
    attribution: str

    @property
    def name(self) -> str:
        return text.pick(self.names)


def public_layers() -> list[LayerItem]:
    rows = Layer.objects.filter(public=True).order_by("slug").values_list("id", "slug", "names", "attribution")
    return [LayerItem(*row) for row in rows]


@dataclass(frozen=True)
class Nearby:
    """A feature near a point. name: "" for one that has none; distance_m: metres."""

    id: int
    name: str
    kind: str
    distance_m: int

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.id}".strip()


_NEAREST = """
SELECT id, name, kind, round(ST_Distance(geom::geography, p.g::geography))::int
FROM (SELECT ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) AS g) p, territory_feature
WHERE layer_id = %(layer)s::bigint AND valid_to IS NULL AND geom && ST_Expand(p.g, %(across)s, %(up)s)
  AND ST_DWithin(geom::geography, p.g::geography, %(within)s)
ORDER BY 4, id LIMIT %(limit)s
"""


def nearest(slug: str, lon: float, lat: float, *, within_m: int = 150, limit: int = 6) -> list[Nearby]:
    """The features of a public layer around a point, the nearest first. Two statements."""
    layer = Layer.objects.filter(slug=slug, public=True).values_list("id", flat=True).first()
    if layer is None:
        return []
    up = within_m / 111_000
    values = {"lon": lon, "lat": lat, "layer": layer, "across": up * 3, "up": up, "within": within_m, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, values)
        return [Nearby(*row) for row in cursor.fetchall()]


def is_feature(slug: str, pk: int) -> bool:
    """Whether that is a feature of that public layer now."""
    return Feature.objects.filter(pk=pk, layer__slug=slug, layer__public=True, valid_to=None).exists()
