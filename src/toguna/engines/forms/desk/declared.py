"""What this room of `forms` declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.forms.uses import DESIGN
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("forms-desk", "", "toguna.engines.forms.desk.urls"),
    Page("desk-forms", _("Forms"), "list", "desk-forms", where=("desk",), permission=DESIGN, order=850),
)
