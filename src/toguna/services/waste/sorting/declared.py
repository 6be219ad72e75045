"""What this part declares: points for what is sorted, campaigns."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration

PROVIDES: tuple[Declaration, ...] = ()
