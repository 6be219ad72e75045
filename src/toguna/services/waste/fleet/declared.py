"""What this part declares: the trucks."""

from __future__ import annotations

from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Declaration
from toguna.services.waste.fleet import demo

PROVIDES: tuple[Declaration, ...] = (Demo("waste-fleet", demo.load, order=47),)
