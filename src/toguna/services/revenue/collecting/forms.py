"""What is filled in to set up collectors, at the kiosk and at the counter."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import api as ledger
from toguna.kernel import money

NOTHING = "–"


class MoneyField(forms.CharField):
    """An amount as people write it; cleaned to minor units, 0 for none where it may be left empty."""

    def __init__(self, *args: Any, currency: str = "", **kwargs: Any) -> None:
        self.currency = currency
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(*args, max_length=30, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return 0
        try:
            return money.read(typed, self.currency)
        except money.NotMoney as error:
            raise forms.ValidationError(_("“%(typed)s” is no amount.") % {"typed": typed}) from error


class CollectorForm(forms.Form):
    """accounts: of a new one; none to change one that is there; whole: whether they may be given the whole town."""

    def __init__(
        self, *args: Any, currency: str, zones: list[tuple[int, str]], whole: bool, accounts: list[tuple[int, str]] | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        if accounts is not None:
            self.fields["account"] = forms.TypedChoiceField(
                label=_("Who"), choices=[("", NOTHING), *accounts], coerce=int,
                help_text=_("Accounts that have the role of an agent of taxes and fees."),
            )  # fmt: skip
        self.fields["zone"] = forms.TypedChoiceField(
            label=_("Where they collect"),
            choices=[("", _("The whole town") if whole else NOTHING), *zones],
            coerce=int,
            required=not whole,
            empty_value=None,
        )
        self.fields["most"] = MoneyField(
            label=_("Cash that they may carry"), help_text=_("Empty for no limit."), currency=currency, required=False
        )
        self.fields["target"] = MoneyField(
            label=_("What a day should bring"), help_text=_("Empty for none."), currency=currency, required=False
        )
        if accounts is None:
            self.fields["active"] = forms.BooleanField(label=_("Collects"), required=False)


class CutForm(forms.Form):
    why = forms.CharField(
        label=gettext_lazy("Why it is cut off"), max_length=100, initial=gettext_lazy("stolen or lost")
    )


class WordForm(forms.Form):
    word = forms.CharField(label=gettext_lazy("What you found"), max_length=300)


class TakeForm(forms.Form):
    """given: what the payer puts on the counter, to tell the change; it is not kept. owed: minor units, of the bills that were ticked."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, currency: str, ways: list[tuple[str, Any]], owed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.owed, self.currency = owed, currency
        self.fields["client_id"].initial = uuid.uuid4
        self.fields["amount"] = MoneyField(label=_("Amount taken"), currency=currency)
        self.fields["way"] = forms.ChoiceField(label=_("How it is paid"), choices=ways, initial="cash")
        self.fields["given"] = MoneyField(label=_("Cash given, to tell the change"), currency=currency, required=False)
        self.fields["reference"] = forms.CharField(
            label=_("Number of the cheque, or of the card's slip"), max_length=60, required=False
        )
        self.fields["ahead"] = ledger.ahead_field()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.owed:
            ledger.ask_of_the_rest(self, self.owed, self.currency)
        if "amount" in data and data["amount"] <= 0:
            self.add_error("amount", _("Say an amount above 0."))
        if data.get("way") == "cash" and data.get("given") and data.get("amount") and data["given"] < data["amount"]:
            self.add_error("given", _("That is less than the amount."))
        if data.get("way") not in (None, "cash") and not data.get("reference"):
            self.add_error("reference", _("Write its number: the bank asks for it."))
        return data
