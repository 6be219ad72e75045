"""What this room of `forms` declares."""

from __future__ import annotations

from toguna.engines.forms.web.mine import MINE
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Urls

PROVIDES: tuple[Declaration, ...] = (Urls("forms-web", "", "toguna.engines.forms.web.urls"), MINE)
