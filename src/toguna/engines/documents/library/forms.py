"""What the back office fills in for an act."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.library import citing, reads, structure
from toguna.engines.documents.library.actions import Doing, Written
from toguna.engines.documents.models.library import Act, Kind, Verb
from toguna.kernel import town

LANGUAGES = {"fr": "Français", "pt": "Português", "en": "English"}
WORD = {"fr": "Article", "pt": "Artigo", "en": "Article"}


def _day(label: Any, hint: Any = "", **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=hint, widget=widget, **more)


class ActForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind of act"), choices=Kind.choices, initial=Kind.BYLAW)
    body = forms.CharField(
        label=_("Who it comes from"), help_text=_("For example: Le maire, Conseil communal"), max_length=120
    )
    subject = forms.CharField(label=_("What it is about"), max_length=300)
    signed = _day(_("Signed on"))
    number = forms.CharField(
        label=_("Its number"),
        help_text=_(
            "Only for an act that has one already, such as 2019-007. Empty: it gets the next one when it is published."
        ),
        required=False,
        max_length=24,
    )
    language = forms.ChoiceField(label=_("Language of the text"))
    text = forms.CharField(
        label=_("The text"),
        help_text=_(
            "Begin each article on a line of its own: “Article 1. The words” or “Article 1 – Its title”. "
            "“Chapter I – Its title” on a line of its own begins a chapter."
        ),
        max_length=structure.LONGEST,
        widget=forms.Textarea(attrs={"rows": 22, "dir": "auto"}),
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = [code for code in town.current().languages if code in LANGUAGES]
        self.fields["language"] = forms.ChoiceField(
            label=_("Language of the text"), choices=[(code, LANGUAGES[code]) for code in codes]
        )
        self.order_fields(["kind", "number", "signed", "body", "subject", "language", "text", "client_id"])

    def clean_text(self) -> structure.Text:
        try:
            return structure.read(self.cleaned_data["text"])
        except structure.Unreadable as error:
            raise forms.ValidationError(str(error)) from error

    def clean_number(self) -> tuple[str, int | None]:
        typed = self.cleaned_data["number"].strip()
        if not typed:
            return "", None
        key = citing.asked(typed)
        if key:
            return key[2], key[1]
        if citing.SERIAL.fullmatch(typed):
            return typed, None
        raise forms.ValidationError(_("Type the number as in 2019-007, or only 7."))

    def written(self) -> Written:
        d = self.cleaned_data
        number, year = d["number"]
        return Written(d["kind"], d["language"], d["body"], d["subject"], d["signed"], d["text"], number, year)


def initial(act: Act) -> dict[str, Any]:
    return {
        "kind": act.kind,
        "body": act.body,
        "subject": act.subject,
        "signed": act.signed,
        "number": act.reference if act.number else "",
        "language": act.language,
        "text": structure.write(reads.own_text(act), WORD[act.language]),
    }


def fresh() -> dict[str, Any]:
    return {"client_id": uuid.uuid4(), "signed": reads.today(), "language": town.current().languages[0]}


class BringForm(forms.Form):
    file = forms.FileField(
        label=_("A file with the text"), help_text=_("Word (.docx), text (.txt) or Akoma Ntoso (.akn, .xml)")
    )


class PublishForm(forms.Form):
    published = _day(_("Published on"), _("Today, or the day on which it was posted up."))
    effective = _day(_("In force from"), _("Empty: from the day of publication."), required=False)


class CorrectForm(forms.Form):
    note = forms.CharField(
        label=_("What is corrected"), help_text=_("Everyone reads it beside the text."), max_length=300
    )
    subject = forms.CharField(label=_("What it is about"), max_length=300)
    text = forms.CharField(
        label=_("The text"), max_length=structure.LONGEST, widget=forms.Textarea(attrs={"rows": 22, "dir": "auto"})
    )


class ChangeForm(forms.Form):
    target = forms.CharField(label=_("Which act"), help_text=_("Its number, as in: arrêté 2023-014"), max_length=80)
    verb = forms.ChoiceField(label=_("What this act does to it"), choices=Verb.choices)
    article = forms.CharField(label=_("Article"), required=False, max_length=20)
    after = forms.CharField(
        label=_("After article"), help_text=_("For a new article. Empty: at the end."), required=False, max_length=20
    )
    heading = forms.CharField(label=_("Title of the article"), required=False, max_length=200)
    words = forms.CharField(
        label=_("New words of the article"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )
    since = _day(_("From"), _("Empty: from when this act is in force."), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("verb") != Verb.REPEAL and not data.get("article"):
            self.add_error("article", _("Say which article."))
        return data

    def doing(self) -> Doing:
        d = self.cleaned_data
        return Doing(d["target"], d["verb"], d["article"], d["after"], d["heading"], d["words"], d["since"])
