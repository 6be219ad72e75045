"""What is filled in about equipment."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.assets import actions
from toguna.engines.assets.models import Asset, Paper
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.kernel import money
from toguna.kernel.access import Actor

MOST_DEVICES = 500


class Money(forms.CharField):
    """An amount as people write it; gives minor units, 0 for nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=30, required=False, **kwargs)

    def clean(self, value: Any) -> int:
        typed = (super().clean(value) or "").strip()
        try:
            return money.read(typed) if typed else 0
        except money.NotMoney:
            raise ValidationError(_("Write an amount in figures, such as 1 500.")) from None


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class AssetForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Asset.Kind.choices)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    serial = forms.CharField(label=gettext_lazy("Number plate or serial number"), max_length=60, required=False)
    maker = forms.CharField(label=gettext_lazy("Maker and model"), max_length=80, required=False)
    unit = forms.CharField(label=gettext_lazy("Department that has it"), max_length=120, required=False)
    position = forms.CharField(
        label=gettext_lazy("Point"), max_length=200, required=False, help_text=gettext_lazy("Coordinates, a plus code, or a landmark.")
    )  # fmt: skip
    where = forms.CharField(label=gettext_lazy("Where, in words"), max_length=200, required=False)
    bought = _day(gettext_lazy("Bought on"))
    price = Money(label=gettext_lazy("Price"))
    warranty = _day(gettext_lazy("Warranty until"))
    tank = forms.IntegerField(
        label=gettext_lazy("Tank, litres"), min_value=0, max_value=100_000, required=False, help_text=gettext_lazy("Empty: it has none.")
    )  # fmt: skip
    km = forms.IntegerField(
        label=gettext_lazy("Kilometres of its meter"), min_value=0, max_value=5_000_000, required=False
    )
    device = forms.TypedChoiceField(
        label=gettext_lazy("Device that says where it goes"), coerce=int, empty_value=None, required=False
    )
    keepers = forms.CharField(
        label=gettext_lazy("Telephones of its drivers"), max_length=200, required=False,
        help_text=gettext_lazy("They say fuel and breakdowns by SMS. Several: with commas between."),
    )  # fmt: skip
    public = forms.BooleanField(label=gettext_lazy("In open data"), required=False)

    def __init__(self, data: Any = None, *, row: Asset | None, actor: Actor) -> None:
        first: dict[str, Any] = {"client_id": uuid.uuid4(), "public": True}
        if row is not None:
            first = {
                name: getattr(row, name)
                for name in ("client_id", "kind", "name", "serial", "maker", "unit", "where", "bought", "warranty", "tank", "device", "public")
            }  # fmt: skip
            first["position"] = f"{row.point.y:.6f}, {row.point.x:.6f}" if row.point else ""
            first["price"] = money.shown(row.price, plain=True) if row.price else ""
            first["keepers"] = ", ".join(row.keepers.order_by("phone").values_list("phone", flat=True))
        super().__init__(data, initial=first)
        if row is not None:
            del self.fields["km"]
        taken = set(
            Asset.objects.exclude(device=None).exclude(pk=row.pk if row else 0).values_list("device", flat=True)
        )
        known = [
            (d.pk, f"{d.name} ({d.code})") for d in telemetry.devices()[:MOST_DEVICES] if d.pk not in taken
        ]  # fmt: skip
        self.fields["device"].choices = [("", "–"), *known]  # type: ignore[attr-defined]

    def clean_position(self) -> Point | None:
        typed = self.cleaned_data["position"].strip()
        if not typed:
            return None
        found = territory.read_point(typed)
        if found is None:
            hits = territory.geocode(typed, limit=1)
            if not hits:
                raise ValidationError(_("We do not know this place. Give a landmark near it, or coordinates."))
            found = (hits[0].lon, hits[0].lat)
        return Point(*found, srid=4326)

    def clean_keepers(self) -> list[str]:
        return [
            people.normal_phone(one) for one in self.cleaned_data["keepers"].replace(";", ",").split(",") if one.strip()
        ]

    def told(self) -> actions.Told:
        given = self.cleaned_data
        return actions.Told(
            given["kind"], given["name"], given["serial"], given["maker"], given["unit"], given["where"], given["position"],
            given["bought"], given["price"], given["warranty"], given["tank"] or 0, given["device"], given["public"], given["keepers"],
        )  # fmt: skip


class PaperForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    kind = forms.ChoiceField(label=gettext_lazy("Document"), choices=Paper.Kind.choices)
    number = forms.CharField(label=gettext_lazy("Number"), max_length=80, required=False)
    ends = forms.DateField(
        label=gettext_lazy("Ends on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class PlanForm(forms.Form):
    title = forms.CharField(label=gettext_lazy("What is to be done"), max_length=120)
    days = forms.IntegerField(label=gettext_lazy("Every … days"), min_value=1, max_value=5000, required=False)
    km = forms.IntegerField(label=gettext_lazy("Every … km"), min_value=1, max_value=1_000_000, required=False)
    hours = forms.IntegerField(label=gettext_lazy("Every … hours"), min_value=1, max_value=100_000, required=False)


class OrderForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    title = forms.CharField(label=gettext_lazy("What is to be done"), max_length=160)
    words = forms.CharField(
        label=gettext_lazy("In detail"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    ref = forms.CharField(label=gettext_lazy("Code of the report that it comes from"), required=False, max_length=40)
    stops = forms.BooleanField(label=gettext_lazy("It cannot be used until this is done"), required=False)


class FinishForm(forms.Form):
    minutes = forms.IntegerField(label=gettext_lazy("Minutes of work"), min_value=0, max_value=60_000)
    other = Money(label=gettext_lazy("What else was paid"))
    parts = forms.CharField(
        label=gettext_lazy("Parts used"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One line each: the code, then how many. Example: FILTER-01 2"),
    )  # fmt: skip
    words = forms.CharField(
        label=gettext_lazy("What was done"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_parts(self) -> list[tuple[str, int]]:
        found = []
        for line in self.cleaned_data["parts"].upper().splitlines():
            code, _space, many = line.strip().replace(" X ", " ").rpartition(" ")
            if not line.strip():
                continue
            if not code:
                code, many = many, "1"
            if not (many.isascii() and many.isdigit() and len(many) < 7 and int(many)):
                raise ValidationError(_("One line each: the code, then how many. Example: FILTER-01 2"))
            found.append((code.replace(" ", ""), int(many)))
        return found


class FuelForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    litres = forms.DecimalField(
        label=gettext_lazy("Litres"), min_value=0, max_value=20_000, decimal_places=3, localize=True
    )
    km = forms.IntegerField(
        label=gettext_lazy("Kilometres of its meter"), min_value=0, max_value=5_000_000, required=False
    )
    price = Money(label=gettext_lazy("Price paid"))
    full = forms.BooleanField(label=gettext_lazy("The tank is full now"), required=False, initial=True)


class MeterForm(forms.Form):
    km = forms.IntegerField(label=gettext_lazy("Kilometres"), min_value=0, max_value=5_000_000, required=False)
    hours = forms.IntegerField(label=gettext_lazy("Hours"), min_value=0, max_value=1_000_000, required=False)


class PartForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("Code"), max_length=30)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    measure = forms.CharField(label=gettext_lazy("Counted in"), max_length=20, required=False)
    place = forms.CharField(label=gettext_lazy("Shelf"), max_length=80, required=False)
    low = forms.IntegerField(
        label=gettext_lazy("Warn when there are no more than"), min_value=0, max_value=1_000_000, initial=0
    )


class MoveForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    part = forms.TypedChoiceField(label=gettext_lazy("Part"), coerce=int)
    kind = forms.ChoiceField(label=gettext_lazy("What happened?"))
    many = forms.IntegerField(label=gettext_lazy("How many"), min_value=0, max_value=1_000_000)
    price = Money(label=gettext_lazy("Price of one, when they came in"))
