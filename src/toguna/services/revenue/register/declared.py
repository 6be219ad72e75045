"""What this part declares: who is taxed, and for what."""

from __future__ import annotations

from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Declaration
from toguna.services.revenue.register import demo, starter

PROVIDES: tuple[Declaration, ...] = (
    Starter("revenue", starter.load, order=20),
    Demo("revenue", demo.load, order=60),
)
