"""The door of `territory`."""

from __future__ import annotations

from toguna.engines.territory.geocode import Hit, geocode, reverse, where_in
from toguna.engines.territory.importing import ImportReport, import_file
from toguna.engines.territory.layers import LayerItem, Nearby, is_feature, nearest, public_layers
from toguna.engines.territory.points import plus_code, read_point
from toguna.engines.territory.rasters import elevation
from toguna.engines.territory.refusal import ImportRefused
from toguna.engines.territory.routing.blocked import Blocked, BlockedRoads
from toguna.engines.territory.routing.build import BuildFailed
from toguna.engines.territory.routing.build import build as build_roads
from toguna.engines.territory.routing.client import NoRoute, RoutingUnavailable
from toguna.engines.territory.routing.client import await_ready as await_roads
from toguna.engines.territory.routing.client import ready as routing_ready
from toguna.engines.territory.routing.closures import (
    ClosureRefused,
    RoadClosed,
    RoadOpened,
    close_road,
    open_road,
)
from toguna.engines.territory.routing.learning import learn as learn_speeds
from toguna.engines.territory.routing.learning import learned as speeds_learned
from toguna.engines.territory.routing.modes import MODES, Mode, Vehicle
from toguna.engines.territory.routing.routes import (
    Driven,
    Fix,
    Leg,
    Matrix,
    OnRoad,
    Route,
    Step,
    Trace,
    isochrone,
    matrix,
    route,
    trace,
)
from toguna.engines.territory.routing.routes import nearest as nearest_road
from toguna.engines.territory.routing.traffic import set_speeds
from toguna.engines.territory.routing.trouble import Trouble
from toguna.engines.territory.routing.trouble import on_lines as trouble_on
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
    "MODES",
    "Blocked",
    "BlockedRoads",
    "BuildFailed",
    "ClosureRefused",
    "Driven",
    "Fix",
    "Hit",
    "ImportRefused",
    "ImportReport",
    "LayerItem",
    "Leg",
    "Matrix",
    "Mode",
    "Nearby",
    "NoRoute",
    "OnRoad",
    "Outline",
    "Place",
    "RoadClosed",
    "RoadOpened",
    "Route",
    "RoutingUnavailable",
    "Step",
    "TileLayer",
    "Trace",
    "Trouble",
    "Vehicle",
    "ZoneItem",
    "await_roads",
    "build_roads",
    "chain",
    "circle",
    "close_road",
    "districts",
    "elevation",
    "geocode",
    "import_file",
    "is_feature",
    "isochrone",
    "learn_speeds",
    "matrix",
    "nearest",
    "nearest_road",
    "open_road",
    "outlines",
    "place",
    "plus_code",
    "public_layers",
    "read_point",
    "reverse",
    "route",
    "routing_ready",
    "set_speeds",
    "speeds_learned",
    "town_bounds",
    "trace",
    "trouble_on",
    "where_in",
    "zone",
    "zone_shapes",
    "zone_tree_ids",
    "zones",
    "zones_touching",
]
