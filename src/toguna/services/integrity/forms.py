"""Nothing but words: no name, no telephone, no photo that could tell who took it."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.kernel import text

LONGEST = 4000


class AlertForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=gettext_lazy("What happened?"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("When, where, who. In any of the town's languages."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial.setdefault("client_id", uuid.uuid4())

    def clean_text(self) -> str:
        words = text.clean(self.cleaned_data["text"])
        if len(words) < 3:
            raise ValidationError(_("Say in a few words what happened."))
        return words


class KeyForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"), max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
