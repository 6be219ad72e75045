"""A small town of named streets with a real Valhalla, for tests of what roads say: a low bridge on the short way, a long way around."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.contrib.gis.geos import LineString

from toguna.engines.territory.routing.testing import routing

WEST, BRIDGE, EAST, NORTH = (-8.010, 12.600), (-8.005, 12.600), (-8.000, 12.600), 12.606
STREETS = (
    ("Rue du Marché", {}, [(-8.014, 12.600), WEST, (-8.008, 12.600)]),
    ("Rue du Pont", {"maxheight": "3", "maxweight": "10"}, [(-8.008, 12.600), BRIDGE, (-8.002, 12.600)]),
    ("Rue de la Gare", {}, [(-8.002, 12.600), EAST, (-7.996, 12.600)]),
    ("Avenue de la République", {}, [WEST, (-8.010, 12.603), (-8.010, NORTH)]),
    ("Boulevard du Fleuve", {}, [(-8.010, NORTH), (-8.005, NORTH), (-8.000, NORTH)]),
    ("Avenue de la Liberté", {}, [(-8.000, NORTH), (-8.000, 12.603), EAST]),
)
ALONE = (-8.011, 12.5975)  # by a track that meets no street, as tracks to dumps often are on maps
LENGTH_UNDER, LENGTH_AROUND = 1086, 2420  # metres from west to east


@contextmanager
def small_town() -> Iterator[None]:
    """Needs the database; the streets are the town's own, as an officer draws them."""
    layer, feature = (apps.get_model("territory", name) for name in ("Layer", "Feature"))
    streets = layer.objects.get_or_create(slug="streets", defaults={"names": {"fr": "Rues"}, "geometry": "line"})[0]
    # Each stands for a whole grid of quarters: a network of six pieces is an island to Valhalla.
    for number in range(12):
        y = NORTH + 0.001 * (number + 1)
        back = [(-8.010, y), (-8.005, y), (-8.000, y), (-8.000, y - 0.001), (-8.005, y - 0.001), (-8.005, y)]
        feature.objects.create(
            layer=streets, source=f"town:back{number}", kind="residential", geom=LineString([(-8.010, y - 0.001), *back], srid=4326)
        )  # fmt: skip
    feature.objects.create(
        layer=streets, source="town:alone", kind="track", geom=LineString([(-8.0115, ALONE[1]), (-8.0105, ALONE[1])], srid=4326)
    )  # fmt: skip
    for name, attrs, line in STREETS:
        feature.objects.create(
            layer=streets, source=f"town:{name}", name=name, kind="residential", attrs=attrs, geom=LineString(line, srid=4326)
        )  # fmt: skip
    with routing():
        yield
