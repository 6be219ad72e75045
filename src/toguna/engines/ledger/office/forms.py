"""What the keepers of the book fill in."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.models import Desk, Payment
from toguna.kernel import money

Choices = list[tuple[str, str]]


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}), **more)


class SpanForm(forms.Form):
    """since, until: both included; this month when nothing is said."""

    since = _day(_("From"), required=False)
    until = _day(_("Until"), required=False)

    def span(self) -> tuple[date, date]:
        today = timezone.localdate()
        data = self.cleaned_data if self.is_bound and self.is_valid() else {}
        since = data.get("since") or today.replace(day=1)
        return since, max(data.get("until") or today, since)


class _Why(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=300)
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class OffForm(_Why):
    """A bill is to be given up."""


class _Amount(_Why):
    amount = forms.CharField(label=_("Amount"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    field_order = ["amount", "reason"]

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency

    def clean_amount(self) -> int:
        try:
            return money.read(self.cleaned_data["amount"], self._currency)
        except money.NotMoney:
            raise ValidationError(_("Write the amount in figures, for example 5000.")) from None


class CreditForm(_Amount):
    """A bill is to be less."""


class RefundForm(_Amount):
    """where: "desk:3", or "payment:81" for the operator that took it."""

    where = forms.ChoiceField(label=_("How it is given back"))
    field_order = ["amount", "where", "reason"]

    def __init__(self, *args: Any, ways: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["where"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = ways

    def chosen(self) -> tuple[Desk | None, Payment | None]:
        kind, _colon, pk = self.cleaned_data["where"].partition(":")
        if kind == "desk":
            return Desk.objects.select_related("account").get(pk=int(pk)), None
        return None, Payment.objects.select_related("desk").get(pk=int(pk))


class PlanForm(forms.Form):
    """A bill in equal parts, a month apart. days(): when each is due."""

    parts = forms.IntegerField(label=_("In how many parts"), min_value=2, max_value=36, initial=3)
    first = _day(_("The first on"))
    every = forms.ChoiceField(
        label=_("Then"), choices=[("month", _("each month")), ("fortnight", _("each second week")), ("week", _("each week"))]
    )  # fmt: skip

    def clean_first(self) -> date:
        first: date = self.cleaned_data["first"]
        if not timezone.localdate() <= first <= timezone.localdate() + timedelta(days=366):
            raise ValidationError(_("Choose a day from today, within a year."))
        return first

    def days(self) -> list[date]:
        first, every = self.cleaned_data["first"], self.cleaned_data["every"]
        if every != "month":
            return [
                first + timedelta(days=(7 if every == "week" else 14) * n) for n in range(self.cleaned_data["parts"])
            ]
        found = []
        for n in range(self.cleaned_data["parts"]):
            year, month = divmod(first.month - 1 + n, 12)
            start = date(first.year + year, month + 1, 1)
            last = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            found.append(start.replace(day=min(first.day, last.day)))
        return found
