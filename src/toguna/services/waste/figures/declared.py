"""What this part declares: what is counted."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration

PROVIDES: tuple[Declaration, ...] = ()
