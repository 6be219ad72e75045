"""What the desk fills in for files and the classification plan."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.models.store import FileKind, Then
from toguna.kernel import text, town


def kinds() -> list[tuple[str, Any]]:
    return [("", "–"), *((row.name, text.pick(row.title)) for row in FileKind.objects.all())]


class BringForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("A PDF, a photo or a text document, 50 MB at most."))
    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("Kind of document"), choices=kinds, required=False)
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class VersionForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("A PDF, a photo or a text document, 50 MB at most."))


class HoldForm(forms.Form):
    reason = forms.CharField(label=_("Why this file must be held"), max_length=300)


class KindForm(forms.Form):
    """A line of the plan: a title for each language of the town."""

    name = forms.SlugField(label=_("Short name"), max_length=40)
    keep_years = forms.IntegerField(
        label=_("Years to keep"),
        help_text=_("Counted from the day it came. Leave empty to keep for ever."),
        min_value=0,
        max_value=200,
        required=False,
    )
    then = forms.ChoiceField(label=_("After these years"), choices=Then.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._codes = town.current().languages
        for number, code in enumerate(self._codes):
            self.fields[f"title_{code}"] = forms.CharField(
                label=_("Title") + f" ({code})", max_length=100, required=not number
            )

    def title(self) -> dict[str, str]:
        return {code: words for code in self._codes if (words := self.cleaned_data[f"title_{code}"])}
