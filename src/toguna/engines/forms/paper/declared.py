"""What this room of `forms` declares."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Urls

PROVIDES: tuple[Declaration, ...] = (Urls("forms-paper", "", "toguna.engines.forms.paper.urls"),)
