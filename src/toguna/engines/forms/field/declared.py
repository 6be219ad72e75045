"""What this room of `forms` declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.forms.uses import COLLECT
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("forms-field", "", "toguna.engines.forms.field.urls"),
    Page("field-forms", _("Forms on my phone"), "phone", "field-forms", where=("desk",), permission=COLLECT, order=890),
)
