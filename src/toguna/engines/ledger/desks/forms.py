"""What is filled in at a cash desk."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger.desks import counting
from toguna.kernel import money


class MoneyField(forms.CharField):
    """An amount as people write it; cleaned to minor units above zero."""

    def __init__(self, *args: Any, currency: str = "", **kwargs: Any) -> None:
        self.currency = currency
        attrs = {"inputmode": "decimal", "autocomplete": "off"}
        super().__init__(*args, max_length=30, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        try:
            found = money.read(typed, self.currency)
        except money.NotMoney as error:
            raise forms.ValidationError(_("“%(typed)s” is no amount.") % {"typed": typed}) from error
        if found <= 0:
            raise forms.ValidationError(_("Say an amount above 0."))
        return found


class OnceForm(forms.Form):
    """Sent twice, it is done once."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["client_id"].initial = uuid.uuid4


class CountForm(OnceForm):
    """How many of each note and coin."""

    def __init__(self, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        for piece in counting.pieces(currency):
            label = (
                _("In all, in the smallest unit")
                if piece == counting.OTHER == counting.pieces(currency)[0]
                else money.shown(piece, currency)
            )
            self.fields[f"piece_{piece}"] = forms.IntegerField(
                label=label,
                min_value=0,
                max_value=counting.MOST if piece != counting.OTHER else 10**13,
                required=False,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 7}),
            )

    def pieces(self) -> dict[int, int]:
        """{minor units: how many}, once it is valid."""
        return {
            int(name.removeprefix("piece_")): number
            for name, number in self.cleaned_data.items()
            if name.startswith("piece_") and number
        }

    def counted(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("piece_")]

    def others(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if not field.name.startswith("piece_")]


class CloseForm(CountForm):
    def __init__(self, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(currency, *args, **kwargs)
        self.fields["reason"] = forms.CharField(
            label=_("Why the count differs from the book"),
            help_text=_("Only when it differs."),
            required=False,
            max_length=300,
        )


class OfferForm(CloseForm):
    def __init__(self, currency: str, colleagues: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(currency, *args, **kwargs)
        self.fields["to"] = forms.TypedChoiceField(
            label=_("Who takes the desk over"), choices=[("", "–"), *colleagues], coerce=int
        )


class SignForm(forms.Form):
    pin = forms.CharField(
        label=gettext_lazy("PIN of who takes over"),
        max_length=12,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class PinForm(forms.Form):
    pin = forms.CharField(
        label=gettext_lazy("New PIN"),
        help_text=gettext_lazy("6 to 12 figures. With it you sign for a cash desk on a colleague’s screen."),
        max_length=12,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "new-password"}),
    )


def ask_of_the_rest(form: forms.Form, owed: int, currency: str) -> None:
    """In `clean`, of a form with `amount` and `ahead`: more than what is owed is taken only when somebody said that it is no change."""
    data = form.cleaned_data
    if data.get("amount", 0) <= owed:
        return
    form.fields["ahead"].widget = forms.CheckboxInput()
    if not data.get("ahead"):
        said = {"owed": money.shown(owed, currency)}
        form.add_error(
            "amount",
            _("%(owed)s is owed. Is the rest change? Then write %(owed)s here, and all that was given below. Or say that it stays.") % said,
        )  # fmt: skip


def ahead_field() -> forms.BooleanField:
    """Not seen before `ask_of_the_rest` asks."""
    return forms.BooleanField(
        label=_("The rest stays here, paid ahead"), required=False, widget=forms.HiddenInput, initial=False
    )


class TakeForm(OnceForm):
    """given: what the payer puts on the counter, to tell the change; it is not kept. owed: minor units, of the bill."""

    def __init__(self, currency: str, *args: Any, owed: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owed, self.currency = owed, currency
        self.fields["amount"] = MoneyField(label=_("Amount taken"), currency=currency)
        self.fields["given"] = MoneyField(label=_("Cash given, to tell the change"), currency=currency, required=False)
        self.fields["ahead"] = ahead_field()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        ask_of_the_rest(self, self.owed, self.currency)
        if data.get("given") and data.get("amount") and data["given"] < data["amount"]:
            self.add_error("given", _("That is less than the amount."))
        return data


class OutForm(OnceForm):
    def __init__(self, currency: str, accounts: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["do"] = forms.ChoiceField(
            label=_("What for"),
            choices=[
                ("outlay", _("Paid out for the town")),
                ("safe", _("Put into the safe")),
                ("supply", _("Change taken from the safe")),
            ],
        )
        self.fields["amount"] = MoneyField(label=_("Amount"), currency=currency)
        self.fields["expense"] = forms.TypedChoiceField(
            label=_("Account of expense"), choices=[("", "–"), *accounts], coerce=int, required=False, empty_value=None
        )
        self.fields["words"] = forms.CharField(label=_("What was paid"), max_length=200, required=False)
        self.fields["paid_to"] = forms.CharField(label=_("To whom"), max_length=120, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("do") == "outlay":
            for name, said in (("expense", _("Choose the account of expense.")), ("words", _("Say what was paid."))):
                if not data.get(name):
                    self.add_error(name, said)
        return data


class DepositForm(OnceForm):
    def __init__(self, currency: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(label=_("Amount brought to the bank"), currency=currency)
        self.fields["words"] = forms.CharField(label=_("Who brings it"), max_length=120, required=False)
