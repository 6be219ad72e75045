"""What this part declares: the trucks."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration

PROVIDES: tuple[Declaration, ...] = ()
