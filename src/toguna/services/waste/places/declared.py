"""What this part declares: where waste is brought, kept, bought."""

from __future__ import annotations

from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Declaration
from toguna.services.waste.places import demo, starter

PROVIDES: tuple[Declaration, ...] = (
    Starter("waste-places", starter.load, order=20),
    Demo("waste-places", demo.load, order=40),
)
