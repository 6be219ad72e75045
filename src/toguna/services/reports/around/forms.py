"""What somebody wants to hear of: a district, or around a point; a category; by e-mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.people import api as people
from toguna.kernel import text
from toguna.services.reports.around import alerts
from toguna.services.reports.forms import WhereForm
from toguna.services.reports.topics import topic, topics


def _km(metres: int) -> str:
    return _("%(km)s km") % {"km": alerts.km(metres)}


class AreaForm(WhereForm):
    """Where and what. `area` after validation. A place that is typed is a circle; a district alone is the district."""

    topic = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    radius = forms.TypedChoiceField(
        label=gettext_lazy("How far around the place"), required=False, coerce=int, empty_value=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].label = _("Around which place?")
        self.fields["topic"].choices = [  # type: ignore[attr-defined]
            ("", _("All categories")), *((t.slug, text.pick(t.names)) for t in topics() if t.active and t.public),
        ]  # fmt: skip
        self.fields["radius"].choices = [(m, _km(m)) for m in alerts.RADII_M]  # type: ignore[attr-defined]
        self.initial.setdefault("radius", 1000)
        self.area = alerts.Area()

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        category = topic(values.get("topic") or "")
        typed = any(values.get(name) for name in ("place", "position", "chosen"))
        district = values.get("district")
        if not typed:  # the form of a report insists on a place; here a category alone is enough
            self.errors.pop("district", None)
            if district is None and category is None and "topic" not in self.errors:
                self.add_error("district", _("Choose a district, a place or a category."))
        lon, lat = self.where or (None, None)
        self.area = alerts.Area(
            zone=district if self.where is None else None, topic=category.pk if category else None,
            lon=lon, lat=lat, radius_m=values.get("radius") or 1000,
        )  # fmt: skip
        return values


class AlertForm(AreaForm):
    """The same, with the address. `email` is normalised."""

    rhythm = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=[
            ("daily", gettext_lazy("Once a day, when there is something new")),
            ("weekly", gettext_lazy("Once a week")),
        ],
        widget=forms.RadioSelect,
        initial="daily",
    )
    email = forms.CharField(
        label=gettext_lazy("Your e-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=gettext_lazy("It is used for this only, and never shown."),
    )

    def clean_email(self) -> str:
        return people.normal_email(self.cleaned_data["email"])
