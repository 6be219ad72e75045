from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import money, text, town
from toguna.services.revenue.fines import kinds, reads
from toguna.services.revenue.models import Infraction, TicketContest


class _Once(forms.Form):
    """A form that is sent twice does one thing."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **more: Any) -> None:
        more["initial"] = {"client_id": uuid.uuid4(), **(more.get("initial") or {})}
        super().__init__(*args, **more)


class TicketForm(_Once):
    kind = forms.ChoiceField(label=_("Infraction"))
    measure = forms.CharField(
        label=_("Measured"),
        required=False,
        max_length=12,
        help_text=_("Only where the price goes by it, such as km/h."),
    )
    plate = forms.CharField(label=_("Number plate"), required=False, max_length=20)
    name = forms.CharField(label=_("Name"), required=False, max_length=200)
    phone = forms.CharField(label=_("Phone"), required=False, max_length=40)
    taxpayer = forms.CharField(label=_("Number of the taxpayer"), required=False, max_length=20)
    place = forms.CharField(label=_("Place"), max_length=200)
    note = forms.CharField(label=_("Note"), required=False, max_length=500)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        unit = town.current().currency
        choices = []
        for kind, price in reads.offered():
            said = money.shown(price.flat, unit) if price.flat is not None else price.by
            choices.append((kind.slug, f"{text.pick(kind.titles)} · {said}"))
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]


class KindForm(forms.Form):
    slug = forms.SlugField(label=_("Short name, for tables"), max_length=60)
    law = forms.CharField(label=_("The act, and its article"), max_length=200)
    tariff = forms.ChoiceField(label=_("Tariff"), help_text=_("Of one price, or by bands of one measure."))
    pay_days = forms.IntegerField(label=_("Days to pay"), min_value=1, max_value=365)
    contest_days = forms.IntegerField(label=_("Days to contest it"), min_value=1, max_value=365)
    more = forms.IntegerField(label=_("How much more when it is not paid, in percent"), min_value=0, max_value=300)
    more_days = forms.IntegerField(label=_("More after so many days"), min_value=1, max_value=730)
    more_law = forms.CharField(label=_("The act that allows more"), required=False, max_length=200)
    then = forms.ChoiceField(label=_("Then it goes on to"), choices=Infraction.Then.choices)
    then_days = forms.IntegerField(label=_("After so many days"), min_value=1, max_value=1095)
    impound = forms.BooleanField(label=_("The town may hold the vehicle"), required=False)
    active = forms.BooleanField(label=_("In force"), required=False, initial=True)

    def __init__(self, data: Any = None, *, kind: Infraction | None = None) -> None:
        names = [name for name in kinds.FIELDS if name != "titles"]
        initial: dict[str, Any] = {name: getattr(kind or Infraction(), name) for name in names}
        initial |= {f"title_{code}": (kind.titles if kind else {}).get(code, "") for code in town.current().languages}
        super().__init__(data, initial=initial)
        self.kind = kind
        if kind is not None:
            del self.fields["slug"]
        slugs = ledger.Tariff.objects.order_by("slug").values_list("slug", flat=True).distinct()
        self.fields["tariff"].choices = [(slug, slug) for slug in slugs]  # type: ignore[attr-defined]
        for code in town.current().languages:
            self.fields[f"title_{code}"] = forms.CharField(
                label=f"{_g('Name')} ({code})", max_length=120, required=code == town.current().languages[0]
            )
        self.order_fields([name for name in self.fields if name.startswith("title_")])

    def told(self) -> dict[str, Any]:
        said = self.cleaned_data
        titles = dict(self.kind.titles) if self.kind else {}
        titles |= {name.removeprefix("title_"): said[name] for name in said if name.startswith("title_") and said[name]}
        icon = self.kind.icon if self.kind else "warn"
        return {**{name: said[name] for name in kinds.FIELDS if name in said}, "titles": titles, "icon": icon}


class FindForm(forms.Form):
    number = forms.CharField(label=_("Number of the ticket"), max_length=20)
    plate = forms.CharField(label=_("Number plate, or the name on the ticket"), max_length=200)


class ContestForm(_Once):
    reason = forms.CharField(
        label=_("What is wrong"), max_length=2000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Say what happened, and what would be right."),
    )  # fmt: skip
    phone = forms.CharField(label=_("Your phone, for the answer"), required=False, max_length=40)
    first = forms.FileField(label=_("A photo of a paper, or of the place"), required=False)
    second = forms.FileField(label=_("Another photo"), required=False)


class DecideForm(forms.Form):
    state = forms.ChoiceField(
        label=_("Decision"),
        choices=[one for one in TicketContest.State.choices if one[0] != "open"],
        widget=forms.RadioSelect,
    )
    amount = forms.CharField(label=_("What is left to pay, when it is reduced"), required=False, max_length=20)
    words = forms.CharField(label=_("Why, in words that the person can read"), max_length=500)

    def clean_amount(self) -> int:
        try:
            return money.read(self.cleaned_data["amount"] or "0")
        except money.NotMoney as error:
            raise ValidationError(_g("Write an amount, such as 500.")) from error

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("state") == TicketContest.State.REDUCED and not said.get("amount"):
            raise ValidationError(_g("Write an amount, such as 500."))
        return said


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200)


class PoundForm(_Once):
    plate = forms.CharField(label=_("Number plate"), max_length=20)
    place = forms.CharField(label=_("Where it stands"), max_length=120)
    words = forms.CharField(label=_("Make, colour, damage"), required=False, max_length=200)


class ReleaseForm(forms.Form):
    to = forms.CharField(label=_("Who takes it away: name and paper"), max_length=200)
