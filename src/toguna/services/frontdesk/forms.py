"""What an agent types."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.people import api as people
from toguna.services.frontdesk.models import Call, CallBack


class PhoneField(forms.CharField):
    """A phone number as people type it; E.164 once clean."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Telephone"))
        widget = forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"})
        super().__init__(max_length=40, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        return people.normal_phone(typed) if typed else ""


class NumberForm(forms.Form):
    """Who calls. An exchange opens the page with ?number=."""

    number = PhoneField(label=_("The caller's number"))


class PersonForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    language = forms.ChoiceField(label=_("Language that they speak"), choices=lambda: settings.LANGUAGES)


class WrapUpForm(forms.Form):
    call = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    door = forms.ChoiceField(label=_("How they came"), choices=Call.Door.choices, widget=forms.RadioSelect)
    reason = forms.ChoiceField(label=_("What about"), choices=Call.Reason.choices)
    outcome = forms.ChoiceField(label=_("How it ended"), choices=Call.Outcome.choices)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=0, max_value=600, initial=3)
    note = forms.CharField(
        label=_("Note for colleagues"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class CallBackForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    number = PhoneField()
    why = forms.CharField(label=_("Why"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    due = forms.DateTimeField(
        label=_("When"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        initial=lambda: timezone.localtime() + timedelta(hours=1),
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=CallBack.Priority.choices, coerce=int, initial=CallBack.Priority.USUAL
    )

    def clean_due(self) -> datetime:
        due: datetime = self.cleaned_data["due"]
        if due > timezone.now() + timedelta(days=366):
            raise forms.ValidationError(_("This is more than a year away. Choose a nearer day."))
        return due


class MandateForm(forms.Form):
    """Who may act for the person, and how they agreed."""

    number = PhoneField(label=_("Telephone of the one who acts for them"))
    name = forms.CharField(
        label=_("Name of the one who acts for them"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    about = forms.ChoiceField(label=_("For what"), required=False)
    consent = forms.CharField(
        label=_("How the person agreed"),
        max_length=300,
        help_text=_("By voice on the telephone, in writing, at the counter in front of whom."),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: until it is ended."),
    )

    def __init__(self, services: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = [("", _("Whatever the town does")), *services]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    seen = forms.IntegerField(widget=forms.HiddenInput)
    words = forms.CharField(label=_("Your answer"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ScriptForm(forms.Form):
    """A title and one step per line, in each language of the town."""

    order = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=999, initial=100)
    active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages = [(code, str(name)) for code, name in settings.LANGUAGES]
        for code, name in self.languages:
            self.fields[f"title_{code}"] = forms.CharField(
                label=_("Title (%(language)s)") % {"language": name}, required=False, max_length=80
            )
            self.fields[f"steps_{code}"] = forms.CharField(
                label=_("Steps, one on each line (%(language)s)") % {"language": name},
                required=False,
                max_length=4000,
                widget=forms.Textarea(attrs={"rows": 5, "lang": code}),
            )

    @property
    def titles(self) -> dict[str, str]:
        return {code: self.cleaned_data[f"title_{code}"] for code, _name in self.languages}

    @property
    def steps(self) -> dict[str, list[str]]:
        lines = {code: self.cleaned_data[f"steps_{code}"].splitlines() for code, _name in self.languages}
        return {code: [line.strip() for line in found if line.strip()] for code, found in lines.items()}


class ExchangeForm(forms.Form):
    name = forms.CharField(label=_("Name of the exchange"), max_length=40)
