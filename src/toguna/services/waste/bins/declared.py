"""What this part declares: how full bins are."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration

PROVIDES: tuple[Declaration, ...] = ()
