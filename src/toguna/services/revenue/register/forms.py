"""What is written of a taxpayer and of what they are taxed for."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import text
from toguna.services.revenue.models import Base, Taxed, Taxpayer
from toguna.services.revenue.register.actions import What, Who


class PointField(forms.CharField):
    """Coordinates, a plus code or a link of a map; cleaned to a Point or None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=300, required=False, label=gettext_lazy("Position"),
            help_text=gettext_lazy("Coordinates, a plus code, or a link from a map."), **kwargs,
        )  # fmt: skip

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        found = territory.read_point(typed)
        if found is None:
            raise forms.ValidationError(_("No point can be read here. Example: 12.3714, -1.5197"))
        return Point(*found, srid=4326)


def said_point(point: Point | None) -> str:
    """As `PointField` reads it again."""
    return f"{point.y:.6f}, {point.x:.6f}" if point else ""


class TaxpayerForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Who it is"), choices=Taxpayer.Kind.choices, widget=forms.RadioSelect)
    trade = forms.CharField(label=gettext_lazy("Trade"), max_length=120, required=False)
    phone = forms.CharField(
        label=gettext_lazy("Phone"), max_length=40, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    tax_number = forms.CharField(label=gettext_lazy("Tax number of the state"), max_length=40, required=False)
    address = forms.CharField(label=gettext_lazy("Where to find them"), max_length=200, required=False)
    position = PointField()
    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, taxpayer: Taxpayer | None = None, **kwargs: Any) -> None:
        first: dict[str, Any] = {"kind": Taxpayer.Kind.PERSON, "client_id": uuid.uuid4()}
        if taxpayer is not None:
            first |= {
                name: getattr(taxpayer, name) for name in ("name", "kind", "trade", "email", "tax_number", "address")
            }
            first |= {"phone": people.shown("phone", taxpayer.phone), "position": said_point(taxpayer.point)}
        kwargs["initial"] = {**first, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.taxpayer = taxpayer

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"].strip()
        return people.normal_phone(typed) if typed else ""

    def who(self) -> Who:
        given = self.cleaned_data
        language = self.taxpayer.language if self.taxpayer else ""
        names = ("name", "kind", "trade", "phone", "email", "tax_number", "address")
        return Who(**{name: given[name] for name in names}, point=given["position"], language=language)


class TaxedForm(forms.Form):
    """measure_N: what its base asks."""

    words = forms.CharField(
        label=gettext_lazy("What it is"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Such as: place 12, row C."),
    )
    plate = forms.CharField(label=gettext_lazy("Number plate"), max_length=20, required=False)
    exemption = forms.ChoiceField(label=gettext_lazy("Exemption"), required=False)
    position = PointField()
    since = forms.DateField(
        label=gettext_lazy("Taxed since"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, base: Base, thing: Taxed | None = None, **kwargs: Any) -> None:
        first: dict[str, Any] = {"client_id": uuid.uuid4(), "since": timezone.localdate()}
        if thing is not None:
            first |= {name: getattr(thing, name) for name in ("words", "plate", "exemption", "since")}
            first["position"] = said_point(thing.point)
        kwargs["initial"] = {**first, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.base, self.thing = base, thing
        for n, ask in enumerate(base.asks):
            self.fields[f"measure_{n}"] = forms.CharField(
                label=text.pick(ask["titles"]), max_length=20, required=False, initial=thing.measures.get(ask["name"], "") if thing else "",
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )  # fmt: skip
        if base.place != Base.Place.VEHICLE:
            del self.fields["plate"]
        tariff = ledger.tariff(base.tariff)
        offered = [
            (one["code"], text.pick(one.get("words") or {"": one["code"]}))
            for one in (tariff.rule.get("exemptions") or [] if tariff else [])
        ]
        if offered or (thing and thing.exemption):
            self.fields["exemption"].choices = [("", _("None")), *offered]  # type: ignore[attr-defined]
        else:
            del self.fields["exemption"]
        order = ["words", *(f"measure_{n}" for n in range(len(base.asks))), "plate", "exemption", "position", "since"]
        self.order_fields(order)

    def what(self) -> What:
        given = self.cleaned_data
        return What(
            words=given["words"], plate=given.get("plate", ""), exemption=given.get("exemption", ""), point=given["position"],
            measures={ask["name"]: given[f"measure_{n}"] for n, ask in enumerate(self.base.asks)},
            feature=self.thing.feature if self.thing else None, since=given["since"],
        )  # fmt: skip


class EndForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Why it is no longer taxed"), max_length=200)
    until = forms.DateField(
        label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"until": timezone.localdate()}
        super().__init__(*args, **kwargs)
