"""What the desk fills in to bring a form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from toguna.engines.forms import uses
from toguna.kernel import registry


def services() -> list[tuple[str, Any]]:
    used = sorted(use.service for use in registry.declared(uses.FormUse))
    return [(uses.KEPT, _("The answers are kept, to be downloaded")), *((name, name) for name in used)]


class BringForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("An XLSForm: an Excel workbook (.xlsx or .xls), 5 MB at most."))
    service = forms.ChoiceField(label=_("What becomes of the answers"), choices=services)
