"""The door of `territory`."""

from __future__ import annotations

from toguna.engines.territory.points import plus_code, read_point
from toguna.engines.territory.zones import (
    Place,
    ZoneItem,
    chain,
    districts,
    place,
    town_bounds,
    zone,
    zone_tree_ids,
    zones,
)

__all__ = ["Place", "ZoneItem", "chain", "districts", "place", "plus_code", "read_point", "town_bounds", "zone", "zone_tree_ids", "zones"]
