"""What this part declares: pick-up at the door, and who does it."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration

PROVIDES: tuple[Declaration, ...] = ()
