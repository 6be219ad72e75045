"""What people fill in to complain."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import text
from toguna.services.complaints.models import Level

LONGEST = 4000


class ComplaintForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    text = forms.CharField(
        label=gettext_lazy("What happened?"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("When, where, who. In any of the town's languages."),
    )
    topic = forms.ChoiceField(label=gettext_lazy("What do you complain of?"))
    about = forms.CharField(
        label=gettext_lazy("Code of your report or request, if there is one"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label=gettext_lazy("Your name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("Your phone or e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("So that the answer comes to you. It is never shown."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )
    field_order = ("client_id", "topic", "text", "about", "name", "contact")

    def __init__(self, *args: Any, topics: list[cases.Topic], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial.setdefault("client_id", uuid.uuid4())
        self.topics = {t.slug: t for t in topics}
        self.fields["topic"].choices = [(t.slug, text.pick(t.names)) for t in topics]  # type: ignore[attr-defined]

    def clean_text(self) -> str:
        words = text.clean(self.cleaned_data["text"])
        if len(words) < 3:
            raise ValidationError(_("Say in a few words what happened."))
        return words

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None

    def clean_topic(self) -> cases.Topic:
        return self.topics[self.cleaned_data["topic"]]

    def asked(self, *, language: str, channel: str = "web") -> cases.Asked:
        given = self.cleaned_data
        kind, address = given["contact"] or ("", "")
        return cases.Asked(
            type=given["topic"].case_type, topic=given["topic"], text=given["text"], client_id=given["client_id"],
            name=given["name"], language=language, channel=channel, phone=address if kind == "phone" else "",
            email=address if kind == "email" else "",
        )  # fmt: skip


class LevelForm(forms.Form):
    """Who has a level, and for how long."""

    team = forms.ChoiceField(label=gettext_lazy("Team"), required=False)
    days = forms.IntegerField(label=gettext_lazy("Days to answer"), min_value=1, max_value=365)

    def __init__(self, given: QueryDict | None, *, level: Level, teams: list[tuple[str, str]]) -> None:
        super().__init__(given, prefix=f"l{level.number}")
        self.level = level
        self.fields["team"].choices = [("", "–"), *teams]  # type: ignore[attr-defined]
        self.initial = {"team": str(level.team_id or ""), "days": level.days}
