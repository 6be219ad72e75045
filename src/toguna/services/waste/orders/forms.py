"""What people and the desk fill in."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.bookings import api as bookings
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import money as kernel_money
from toguna.kernel import text
from toguna.services.waste import opening
from toguna.services.waste.households import read_spot, zone_of
from toguna.services.waste.models import PickUpKind, PreCollector
from toguna.services.waste.orders import money, telling


class PickUpForm(forms.Form):
    """One pick-up of a kind. offers: the hours that are free; rings: whoever fills it in may let their telephone be asked to pay."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    agreed = forms.IntegerField(widget=forms.HiddenInput, required=False)
    size = forms.IntegerField(min_value=1)
    start = forms.TypedChoiceField(label=gettext_lazy("When?"), coerce=str)
    where = forms.CharField(
        label=gettext_lazy("Where should we come?"), max_length=200,
        help_text=gettext_lazy("The district, and a landmark near your door."),
        error_messages={"required": gettext_lazy("Say where we should come.")},
    )  # fmt: skip
    weekly = forms.BooleanField(required=False)
    automatic = forms.BooleanField(
        label=gettext_lazy("And my telephone is asked to pay each month by itself; I confirm each payment"), required=False,
    )  # fmt: skip
    name = forms.CharField(
        label=gettext_lazy("Your name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("Your phone number"), max_length=254,
        help_text=gettext_lazy("Whoever comes calls you; the code to give them comes there too."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        error_messages={"required": gettext_lazy("Give a phone number or an e-mail, so that we can reach you.")},
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Anything that who comes should know"), max_length=300, required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(
        self,
        data: Any,
        *,
        kind: PickUpKind,
        offers: list[bookings.Offer],
        monthly: str,
        initial: dict[str, Any],
        rings: bool = False,
    ) -> None:
        super().__init__(data, initial={"client_id": uuid.uuid4(), "size": 1, **initial})
        self.kind = kind
        size, start = self.fields["size"], self.fields["start"]
        size.label = text.pick(kind.asks) or _("How many?")
        size.max_value = kind.most  # type: ignore[attr-defined]
        size.widget.attrs |= {"max": kind.most, "inputmode": "numeric"}
        start.choices = [(one.start.isoformat(), telling.when(one.start, one.end)) for one in offers]  # type: ignore[attr-defined]
        if monthly:
            self.fields["weekly"].label = _("Come each week on this day: %(amount)s a month instead") % {
                "amount": monthly
            }
        else:
            del self.fields["weekly"]
        if not (monthly and rings):
            del self.fields["automatic"]
        if not kind.measure:
            del self.fields["size"]

    def dearer(self) -> str:
        """What to say where the price of the place is another than the one at the head of the form, until who orders has seen it and sends
        the form again; "" where it is the same. Raises money.NoPrice."""
        given = self.cleaned_data

        def asked(zone: int | None) -> int:
            if given.get("weekly"):
                return money.monthly(self.kind, zone=zone)[1].total
            return money.once(self.kind, given.get("size") or 1, zone=zone)[1].total

        here = asked(zone_of(read_spot(given["where"])))
        if here in (asked(None), given.get("agreed")):
            return ""
        self.data = {**self.data.dict(), "agreed": str(here)}  # type: ignore[attr-defined]
        return _("At this place it costs %(amount)s. Send the form again if you agree.") % {
            "amount": kernel_money.shown(here)
        }

    def clean_size(self) -> int:
        size: int = self.cleaned_data["size"]
        if size > self.kind.most:
            raise ValidationError(_("From 1 to %(most)d at a time.") % {"most": self.kind.most})
        return size

    def clean_contact(self) -> str:
        return people.contact(self.cleaned_data["contact"])[1]

    def clean_where(self) -> str:
        words = text.clean(self.cleaned_data["where"])
        if len(words) < 3:
            raise ValidationError(_("Say where we should come."))
        return words


class PreCollectorForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    phone = forms.CharField(
        label=gettext_lazy("Phone"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    vehicle = forms.ChoiceField(label=gettext_lazy("With what"), choices=PreCollector.Vehicle.choices)
    zones = forms.MultipleChoiceField(
        label=gettext_lazy("Districts"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None: the whole town."),
    )  # fmt: skip
    base = forms.CharField(
        label=gettext_lazy("From where they set out"), max_length=200, required=False,
        help_text=gettext_lazy("A landmark: nearer pick-ups are offered first."),
    )  # fmt: skip
    hours = forms.CharField(label=gettext_lazy("Hours"), max_length=200, required=False, help_text=opening.HELP)
    most = forms.IntegerField(label=gettext_lazy("Pick-ups a day at most"), min_value=0, max_value=200)
    share = forms.IntegerField(
        label=gettext_lazy("Their part of the price, percent"), min_value=0, max_value=100, required=False,
        help_text=gettext_lazy("Empty: that of the kind of pick-up."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zones"].choices = [(zone.id, text.pick(zone.names)) for zone in territory.districts()]  # type: ignore[attr-defined]

    def clean_phone(self) -> str:
        return people.normal_phone(self.cleaned_data["phone"])

    def clean_hours(self) -> list[dict[str, Any]]:
        return opening.read(self.cleaned_data["hours"])

    def clean_base(self) -> Any:
        typed = self.cleaned_data["base"]
        if not typed:
            return None
        point = read_spot(typed).point
        if point is None:
            raise ValidationError(_("We do not know this place. Give a landmark near it, or coordinates."))
        return point


class PayOutForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=20)
    way = forms.ChoiceField(label=gettext_lazy("Paid from"))
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {"571": _("the safe (cash)"), "552": _("mobile money"), "521": _("the bank")}
        self.fields["way"].choices = [(way, names[way]) for way in money.WAYS]  # type: ignore[attr-defined]
