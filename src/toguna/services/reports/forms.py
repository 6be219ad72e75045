"""What a resident is asked once the category is chosen: where, the words and photos, and how to reach them."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import text

MOST_PHOTOS, MOST_CHOICES = 3, 6


class Photos(forms.ClearableFileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Up to three pictures. Their type is looked at here, so that a bad one is refused before anything is kept."""

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:
        files = [f for f in (data if isinstance(data, (list, tuple)) else [data]) if f]
        if len(files) > MOST_PHOTOS:
            raise ValidationError(_("Send three photos at most."))
        found = []
        for file in files:
            if file.size > cases.MOST_BYTES:
                raise ValidationError(
                    _("This photo is too large (%(size)d MB at most).") % {"size": cases.MOST_BYTES // 10**6}
                )
            content = file.read()
            try:
                cases.check_photo(content)
            except cases.BadPhoto as error:
                raise ValidationError(str(error)) from error
            found.append(content)
        return found


class WhereForm(forms.Form):
    """The place. After validation: `where` is (lon, lat) or None, `cleaned_data["district"]` a zone id or None; `choices`
    the places that the words may mean, when that must be asked."""

    place = forms.CharField(
        label=gettext_lazy("Where is it?"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("A landmark that everyone knows: “behind the mosque”, “in front of the school”."),
    )
    district = forms.TypedChoiceField(label=gettext_lazy("District"), required=False, coerce=int, empty_value=None)
    position = forms.CharField(
        label=gettext_lazy("Position"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Coordinates, a plus code, or a link from a map."),
    )
    chosen = forms.CharField(
        required=False, max_length=60, widget=forms.HiddenInput
    )  # a button beside one of `choices`

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a district")), *((z.id, z.name) for z in territory.districts())]
        self.fields["district"].choices = choices  # type: ignore[attr-defined]
        self.where: tuple[float, float] | None = None
        self.choices: list[territory.Hit] = []

    @property
    def settled(self) -> bool:
        """Whether the place is known by now, so that it need not be asked again."""
        return self.is_bound and not {"place", "district", "position"} & self.errors.keys()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if typed := values.get("chosen") or values.get("position"):
            self.where = territory.read_point(typed)
            if self.where is None:
                self.add_error(
                    "position", _("This position cannot be read. Type it as 13.9423, -8.8488, or leave it empty.")
                )
        if not typed:
            self._landmark(values.get("place") or "", values.get("district"))
        return values

    def _landmark(self, words: str, district: int | None) -> None:
        """Finds the point of "behind the mosque". With a district, only inside it; without one, what is not sure is asked."""
        hits = list(territory.geocode(words, limit=MOST_CHOICES)) if words else []
        if district is not None:
            inside = territory.zone_tree_ids(district)
            hits = [hit for hit in hits if hit.sure and inside & set(territory.place(hit.lon, hit.lat).zones)]
        if hits and hits[0].sure:
            self.where = (hits[0].lon, hits[0].lat)
        elif district is None and "district" not in self.errors:
            self.choices = hits
            if hits:
                self.add_error("place", _("Which of these places is it? Choose one below, or choose the district."))
            else:
                self.add_error("district", _("Choose the district, so that the right team gets your report."))


class ReportForm(WhereForm):
    """The place, the words, the answers to the category's own questions (`answers`), photos, and how to reach the person."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    asset = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        label=gettext_lazy("What do you see?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("A few words are enough."),
    )
    photos = PhotosField(
        label=gettext_lazy("Photos"),
        required=False,
        widget=Photos(attrs={"accept": "image/*", "data-shrink": ""}),
        help_text=gettext_lazy("Three at most. Faces and number plates are best left out."),
    )
    name = forms.CharField(
        label=gettext_lazy("Your name"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contact = forms.CharField(
        label=gettext_lazy("Your phone or e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("So that we can tell you what is done. It is never shown."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )

    def __init__(self, *args: Any, topic: cases.Topic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic = topic
        self.answers: dict[str, Any] = {}
        self.stops: list[str] = []  # what to do instead, when an answer says that it is not for the town
        for question in cases.questions_of(topic.questions):
            self.fields[f"q_{question.name}"] = _field(question)
        if not self.is_bound:
            self.initial.setdefault("client_id", uuid.uuid4())

    @property
    def questions(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("q_")]

    def clean_text(self) -> str:
        words = text.clean(self.cleaned_data["text"])
        if not words:
            raise ValidationError(_("Say in a few words what you see."))
        return words

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None

    def clean_asset(self) -> int | None:
        asset: int | None = self.cleaned_data["asset"]
        known = asset is not None and 0 < asset < 2**63 and territory.is_feature(self.topic.layer, asset)
        return asset if known else None

    def clean(self) -> dict[str, Any]:
        values = super().clean()

        def given(name: str) -> list[str]:
            value = values.get(f"q_{name}", "")
            return [str(v) for v in value] if isinstance(value, list) else [str(value)] if value else []

        try:
            self.answers = cases.check_answers(self.topic.questions, given)
        except cases.Wrong as wrong:
            self.stops = wrong.stops
            for name, words in wrong.errors.items():
                if f"q_{name}" not in self.errors:
                    self.add_error(f"q_{name}", words)
            for words in wrong.stops:
                self.add_error(None, words)
        return values


def _field(question: cases.Question) -> forms.Field:
    """How a question is asked on a page; its answer is checked by `cases`, as on every other channel."""
    about: dict[str, Any] = {
        "label": text.pick(question.label),
        "help_text": text.pick(question.help),
        "required": question.required,
        "error_messages": {
            "required": _("Answer this question: “%(question)s”") % {"question": text.pick(question.label)}
        },
    }
    match question.kind:
        case "singlevaluelist" | "boolean":
            return forms.ChoiceField(choices=question.choices(), widget=forms.RadioSelect, **about)
        case "multivaluelist":
            return forms.MultipleChoiceField(choices=question.choices(), widget=forms.CheckboxSelectMultiple, **about)
        case "number":
            widget: forms.Widget = forms.TextInput(attrs={"inputmode": "decimal"})
        case "datetime":
            widget = forms.DateInput(attrs={"type": "date"})
        case "text":
            widget = forms.Textarea(attrs={"rows": 3})
        case _:
            widget = forms.TextInput()
    return forms.CharField(max_length=2000, widget=widget, **about)


class SupportForm(forms.Form):
    """ "Me too": with a contact the person is told what happens."""

    contact = forms.CharField(
        label=gettext_lazy("Your phone or e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("So that we can tell you what is done. It is never shown."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
    )

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None
