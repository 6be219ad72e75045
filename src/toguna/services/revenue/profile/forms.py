from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from toguna.services.revenue.profile.actions import FEWEST, MOST


class ContestForm(forms.Form):
    """about: "thing:CODE", "bill:REFERENCE"."""

    about = forms.ChoiceField(label=_("What is wrong?"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Say what is wrong, and what would be right"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        kwargs["initial"] = {"client_id": uuid.uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = choices  # type: ignore[attr-defined]


class PlanForm(forms.Form):
    months = forms.TypedChoiceField(label=_("In how many parts, one a month?"), coerce=int)
    reason = forms.CharField(
        label=_("Why you ask"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"client_id": uuid.uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["months"].choices = [  # type: ignore[attr-defined]
            (n, ngettext("%(n)d part", "%(n)d parts", n) % {"n": n}) for n in range(FEWEST, MOST + 1)
        ]
