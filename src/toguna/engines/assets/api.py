"""The door of `assets`: the town's equipment, its state, what it needs and costs.

A service keeps the id of what it uses (a loose key), asks `unavailable(ids)` before it counts on it, says `say_broken(...)` when it
breaks down, and reacts to `AssetState` and `OrderClosed`.
"""

from __future__ import annotations

from toguna.engines.assets.actions import MANAGE, READ, USE, Refused, Told, read_meter, save, set_state, tie
from toguna.engines.assets.events import AssetState, OrderClosed, OrderOpened
from toguna.engines.assets.fuel import fill
from toguna.engines.assets.models import Asset, WorkOrder
from toguna.engines.assets.reads import (
    Cost,
    availability,
    by_code,
    by_month,
    costs,
    found,
    named,
    state_of,
    unavailable,
    visible,
)
from toguna.engines.assets.work import open_order, save_paper, save_part, save_plan, say_broken

__all__ = [
    "MANAGE",
    "READ",
    "USE",
    "Asset",
    "AssetState",
    "Cost",
    "OrderClosed",
    "OrderOpened",
    "Refused",
    "Told",
    "WorkOrder",
    "availability",
    "by_code",
    "by_month",
    "costs",
    "fill",
    "found",
    "named",
    "open_order",
    "read_meter",
    "save",
    "save_paper",
    "save_part",
    "save_plan",
    "say_broken",
    "set_state",
    "state_of",
    "tie",
    "unavailable",
    "visible",
]
