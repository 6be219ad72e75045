"""The door of `territory`."""

from __future__ import annotations

from toguna.engines.territory.geocode import Hit, geocode, reverse, where_in
from toguna.engines.territory.importing import ImportReport, import_file
from toguna.engines.territory.layers import LayerItem, Nearby, is_feature, nearest, public_layers
from toguna.engines.territory.points import plus_code, read_point
from toguna.engines.territory.rasters import elevation
from toguna.engines.territory.refusal import ImportRefused
from toguna.engines.territory.tiles import TileLayer
from toguna.engines.territory.zones import (
    Outline,
    Place,
    ZoneItem,
    chain,
    circle,
    districts,
    outlines,
    place,
    town_bounds,
    zone,
    zone_shapes,
    zone_tree_ids,
    zones,
    zones_touching,
)

__all__ = [
    "Hit",
    "ImportRefused",
    "ImportReport",
    "LayerItem",
    "Nearby",
    "Outline",
    "Place",
    "TileLayer",
    "ZoneItem",
    "chain",
    "circle",
    "districts",
    "elevation",
    "geocode",
    "import_file",
    "is_feature",
    "nearest",
    "outlines",
    "place",
    "plus_code",
    "public_layers",
    "read_point",
    "reverse",
    "town_bounds",
    "where_in",
    "zone",
    "zone_shapes",
    "zone_tree_ids",
    "zones",
    "zones_touching",
]
