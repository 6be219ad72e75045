"""What the back office fills in for papers and register books."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.documents.issuing.templates import KINDS, SHOWN, Field
from toguna.engines.documents.models.issuing import BookKind, PaperTemplate
from toguna.kernel import town

LANGUAGES = {"fr": "Français", "pt": "Português", "en": "English"}


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **more)


class TemplateForm(forms.Form):
    """A title and words for each language of the town. fields: one a line, "name | label | kind | shown"."""

    name = forms.SlugField(
        label=gettext_lazy("Short name"),
        help_text=gettext_lazy("Small letters and dashes: residence-certificate"),
        max_length=40,
    )
    start = forms.CharField(
        label=gettext_lazy("Beginning of its numbers"),
        help_text=gettext_lazy("Capital letters: CR gives CR-2026-00001"),
        max_length=8,
    )
    fields_ = forms.CharField(
        label=gettext_lazy("What is filled in"),
        help_text=gettext_lazy(
            "One a line: name | label | text, date or lines | no, masked or yes (what the public check page shows). "
            "Example: holder | Nom et prénoms | text | masked. A ? after the name: it may be empty."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=6000,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = [code for code in town.current().languages if code in LANGUAGES]
        for n, code in enumerate(self.codes):
            said = {"lang": LANGUAGES[code]}
            self.fields[f"title_{code}"] = forms.CharField(
                label=_("Title (%(lang)s)") % said, max_length=120, required=n == 0
            )
            self.fields[f"words_{code}"] = forms.CharField(
                label=_("Words (%(lang)s)") % said,
                help_text=_("Put {name} where a fact goes. An empty line begins a paragraph."),
                widget=forms.Textarea(attrs={"rows": 10, "lang": code}),
                max_length=20_000,
                required=n == 0,
            )
            self.fields[f"head_{code}"] = forms.CharField(
                label=_("Under the town's name (%(lang)s)") % said, max_length=300, required=False
            )

    def clean_fields_(self) -> list[Field]:
        found = []
        for line in self.cleaned_data["fields_"].splitlines():
            if not line.strip():
                continue
            parts = [part.strip() for part in line.split("|")]
            name, label, kind, shown = (parts + [""] * 4)[:4]
            if (kind or "text") not in KINDS or (shown or "no") not in SHOWN:
                raise forms.ValidationError(_("This line cannot be read: %(line)s") % {"line": line[:80]})
            found.append(
                Field(
                    name.rstrip("? "),
                    {self.codes[0]: label} if label else {},
                    kind or "text",
                    not name.endswith("?"),
                    shown or "no",
                )
            )
        return found

    def written(self) -> dict[str, Any]:
        data = self.cleaned_data

        def words(part: str) -> dict[str, str]:
            return {code: data[f"{part}_{code}"] for code in self.codes if data.get(f"{part}_{code}")}

        return {
            "title": words("title"),
            "words": words("words"),
            "head": words("head"),
            "fields": data["fields_"],
            "prefix": data["start"],
        }


def initial(row: PaperTemplate) -> dict[str, Any]:
    values: dict[str, Any] = {"name": row.name, "start": row.prefix}
    for part in ("title", "words", "head"):
        values |= {f"{part}_{code}": said for code, said in getattr(row, part).items()}
    values["fields_"] = "\n".join(
        f"{f['name']}{'' if f['needed'] else '?'} | {next(iter(f['label'].values()), '')} | {f['kind']} | {f['shown']}"
        for f in row.fields
    )
    return values


class IssueForm(forms.Form):
    """One box for each field of the template."""

    def __init__(self, template: PaperTemplate, label: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in template.fields:
            said = label(one["label"]) or one["name"]
            if one["kind"] == "date":
                self.fields[f"f_{one['name']}"] = _day(said, required=one["needed"])
            else:
                widget = forms.Textarea(attrs={"rows": 4}) if one["kind"] == "lines" else forms.TextInput()
                self.fields[f"f_{one['name']}"] = forms.CharField(
                    label=said, widget=widget, max_length=2000, required=one["needed"]
                )
        self.fields["holder"] = forms.CharField(label=_("Name to find it by"), max_length=200, required=False)
        self.fields["signer"] = forms.CharField(label=_("Who signs"), max_length=120)
        self.fields["client_id"] = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def facts(self) -> dict[str, Any]:
        return {key[2:]: value for key, value in self.cleaned_data.items() if key.startswith("f_")}


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why it is taken back"), max_length=300)


class EntryForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Which book"), choices=BookKind.choices)
    name = forms.CharField(label=gettext_lazy("Family name and first names"), max_length=200)
    second = forms.CharField(label=gettext_lazy("The other spouse, for a marriage"), max_length=200, required=False)
    born = _day(gettext_lazy("Date of birth"), required=False)
    mother = forms.CharField(label=gettext_lazy("Mother"), max_length=200, required=False)
    father = forms.CharField(label=gettext_lazy("Father"), max_length=200, required=False)
    words = forms.CharField(
        label=gettext_lazy("Text of the entry"), widget=forms.Textarea(attrs={"rows": 8}), max_length=20_000
    )
    officer = forms.CharField(label=gettext_lazy("Civil registrar"), max_length=120)
    confirmed = forms.BooleanField(label=gettext_lazy("I looked: it is another person"), required=False)
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def facts(self) -> dict[str, Any]:
        data = self.cleaned_data
        facts = {key: data[key] for key in ("name", "born", "mother", "father") if data.get(key)}
        return {**facts, "names": [data["name"], data["second"]]} if data.get("second") else facts


class NoteForm(forms.Form):
    text = forms.CharField(label=gettext_lazy("The note"), widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)
    reference = forms.CharField(label=gettext_lazy("By which act or judgment"), max_length=120)
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)


class CloseForm(forms.Form):
    statement = forms.CharField(label=gettext_lazy("Closing statement"), max_length=500)


class BringForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Which book"), choices=BookKind.choices)
    year = forms.IntegerField(label=gettext_lazy("Of which year"), min_value=1800, max_value=2200)
    volume = forms.IntegerField(label=gettext_lazy("Volume"), min_value=1, max_value=99, initial=1)
    file = forms.FileField(
        label=gettext_lazy("The file"),
        help_text=gettext_lazy(
            "CSV or XLSX. Its first line names the columns: number, date, name, born, mother, father, text."
        ),
    )
