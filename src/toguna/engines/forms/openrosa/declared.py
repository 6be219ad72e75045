"""What this room of `forms` declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.forms.uses import COLLECT
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Permission(COLLECT, _("Fill in the town's forms in the field"), frozenset([AGENT, MANAGER, ADMINISTRATOR])),
    Urls("forms-openrosa", "", "toguna.engines.forms.openrosa.urls"),
    Page("desk-odk", _("ODK Collect"), "phone", "desk-odk", where=("desk",), permission=COLLECT, order=900),
)
