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


class ReportForm(forms.Form):
    """After validation: `where` is (lon, lat) or None, `cleaned_data["district"]` a zone id or None."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    position = forms.CharField(
        label=gettext_lazy("Position"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Coordinates, a plus code, or a link from a map."),
    )
    place = forms.CharField(
        label=gettext_lazy("Where is it?"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("A landmark that everyone knows: “behind the mosque”, “in front of the school”."),
    )
    district = forms.TypedChoiceField(label=gettext_lazy("District"), required=False, coerce=int, empty_value=None)
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Choose a district")), *((z.id, z.name) for z in territory.districts())]
        self.fields["district"].choices = choices  # type: ignore[attr-defined]
        self.where: tuple[float, float] | None = None
        self.choices: list[territory.Hit] = []  # places that the words may mean, when it must be asked
        if not self.is_bound:
            self.initial.setdefault("client_id", uuid.uuid4())

    def clean_text(self) -> str:
        words = text.clean(self.cleaned_data["text"])
        if not words:
            raise ValidationError(_("Say in a few words what you see."))
        return words

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if typed := values.get("position"):
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
