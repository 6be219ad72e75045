"""Forms of the back office of rounds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _

from toguna.engines.assets import api as assets
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.services.waste import devices
from toguna.services.waste.models import Depot, EveningPlan, Truck, WastePlace
from toguna.services.waste.rounds import evening, stops


class PlanForm(forms.Form):
    """What a plan, or a trial of one, is made with."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    without = forms.MultipleChoiceField(
        label=_("Without these trucks"), required=False, widget=forms.CheckboxSelectMultiple
    )
    dumps = forms.MultipleChoiceField(
        label=_("With these dumps only"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all that are open."),
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, trucks: list[Truck], dumps: list[WastePlace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["without"].choices = [(str(t.pk), f"{t.plate} {t.name}".strip()) for t in trucks]  # type: ignore[attr-defined]
        self.fields["dumps"].choices = [(str(d.pk), d.name) for d in dumps]  # type: ignore[attr-defined]


class EveningForm(forms.ModelForm):  # type: ignore[type-arg]
    """When the rounds of tomorrow are planned by themselves."""

    hour = forms.TypedChoiceField(
        label=_("Plan the rounds of tomorrow at"), coerce=int, empty_value=None, required=False,
        choices=[("", _("Not by itself")), *((hour, f"{hour}:00") for hour in evening.HOURS)],
    )  # fmt: skip

    class Meta:
        model = EveningPlan
        fields = ["hour", "gives"]
        labels = {"gives": _("Give them to the crews at once")}
        help_texts = {"gives": _("Otherwise they wait for you: you are told when they are ready.")}


class TruckForm(forms.ModelForm):  # type: ignore[type-arg]
    """place: where its depot is, for a depot that is new."""

    depot_name = forms.CharField(
        label=_("Depot"), max_length=80, help_text=_("Where it sleeps. A new name makes a new depot.")
    )
    place = forms.CharField(
        label=_("Position of a new depot"),
        required=False,
        help_text=_("Coordinates, a plus code, or a link from a map."),
    )
    driver = forms.TypedChoiceField(label=_("Driver"), coerce=int, empty_value=None, required=False)
    equipment = forms.CharField(
        label=_("Code in the register of equipment"),
        max_length=12,
        required=False,
        help_text=_("While it is broken down or in upkeep there, it is in no round."),
    )
    device = forms.TypedChoiceField(
        label=_("Tracker or telephone that says where it is"), coerce=int, empty_value=None, required=False,
        help_text=_("One that the register of equipment has on this truck comes with its code."),
    )  # fmt: skip
    quarters = forms.TypedMultipleChoiceField(
        label=_("Quarters that its crew knows"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: all of them."),
    )

    class Meta:
        model = Truck
        fields = [
            "plate", "name", "mode", "volume", "weight", "begins", "ends", "pause_from", "pause_until", "pause_minutes",
            "cost_km", "cost_hour", "cost_day", "burns", "gross", "height", "active",
        ]  # fmt: skip
        labels = {
            "plate": _("Number plate"), "name": _("Name"), "mode": _("Kind of vehicle"), "volume": _("Litres that it holds"),
            "weight": _("Kilograms that it carries"), "begins": _("The day begins"), "ends": _("The day ends"),
            "pause_from": _("The rest may begin from"), "pause_until": _("The rest begins at the latest"), "pause_minutes": _("Minutes of rest"),
            "cost_km": _("Cost of a kilometre"), "cost_hour": _("Cost of an hour"), "cost_day": _("Cost of a day on which it goes out"),
            "burns": _("Millilitres of fuel a kilometre"),
            "gross": _("Kilograms with its full load"), "height": _("Height in centimetres"), "active": _("In use"),
        }  # fmt: skip
        help_texts = {
            "gross": _("Of a truck: it keeps off bridges and roads that do not bear it. Empty: 16 tonnes."),
            "height": _("Of a truck: it keeps off low bridges. Empty: 3.5 metres."),
        }  # fmt: skip
        widgets = {
            name: forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            for name in ("begins", "ends", "pause_from", "pause_until")
        }

    field_order = ["plate", "name", "mode", "depot_name", "place", "driver", "equipment", "device"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = people.staff_with("waste.work")
        self.fields["driver"].choices = [("", "–"), *((a.pk, a.name or a.email) for a in accounts)]  # type: ignore[attr-defined]
        self.fields["quarters"].choices = [(z.id, z.name) for z in territory.districts()]  # type: ignore[attr-defined]
        tracker = devices.trackers([self.instance]).get(self.instance.pk) if self.instance.pk else None
        self.fields["device"].choices = devices.free(devices.MOVES, tracker)  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial = {
                **self.initial,
                "depot_name": self.instance.depot.name,
                "driver": self.instance.driver,
                "equipment": self._code(self.instance.asset),
                "device": tracker,
                "quarters": [z.pk for z in self.instance.quarters.all()],
            }

    @staticmethod
    def _code(asset: int | None) -> str:
        found = assets.named([asset]).get(asset) if asset is not None else None
        return found.code if found else ""

    def clean_equipment(self) -> int | None:
        typed = self.cleaned_data["equipment"]
        if not typed:
            return None
        found = assets.by_code(typed)
        if found is None:
            raise forms.ValidationError(_("No equipment has this code: %(code)s") % {"code": typed})
        return found.pk

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        begins, ends = values.get("begins"), values.get("ends")
        gross, height = values.get("gross"), values.get("height")
        if gross is not None and not max(500, values.get("weight") or 0) <= gross <= 60_000:
            self.add_error("gross", _("This is not the weight of a truck with its load."))
        if height is not None and not 100 <= height <= 500:
            self.add_error("height", _("This is not the height of a truck."))
        if begins and ends and stops.of_time(ends) - stops.of_time(begins) < 3600:
            self.add_error("ends", _("A day lasts an hour at least."))
        if values.get("pause_minutes") and not (values.get("pause_from") and values.get("pause_until")):
            self.add_error("pause_from", _("Say between which hours the rest may begin."))
        elif values.get("pause_minutes") and values["pause_until"] < values["pause_from"]:
            self.add_error("pause_until", _("The latest is before the earliest."))
        name = values.get("depot_name", "")
        depot = Depot.objects.filter(name=name).first()
        if name and depot is None:
            found = territory.read_point(values.get("place") or "")
            if found is None:
                self.add_error("place", _("Say where this new depot is."))
            else:
                depot = Depot(name=name, point=Point(*found, srid=4326))
        self.depot = depot
        return values


class ChangeForm(forms.Form):
    """Why the rounds of today are made anew."""

    words = forms.CharField(label=_("What happened?"), max_length=200)
    broken = forms.MultipleChoiceField(
        label=_("Trucks that go no farther"), required=False, widget=forms.CheckboxSelectMultiple
    )
    dumps = forms.MultipleChoiceField(
        label=_("With these dumps only"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: as before."),
    )

    def __init__(self, *args: Any, trucks: list[Truck], dumps: list[WastePlace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["broken"].choices = [(str(t.pk), t.plate) for t in trucks]  # type: ignore[attr-defined]
        self.fields["dumps"].choices = [(str(d.pk), d.name) for d in dumps]  # type: ignore[attr-defined]
