"""What is filled in about the bank."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger.bank import table
from toguna.engines.ledger.bank.port import LARGEST

MEANINGS: dict[str, Any] = {
    "day": gettext_lazy("Day"),
    "amount": gettext_lazy("Amount, below zero for what went out"),
    "credit": gettext_lazy("What came in"),
    "debit": gettext_lazy("What went out"),
    "reference": gettext_lazy("Words of the payer"),
    "words": gettext_lazy("Words of the bank"),
    "party": gettext_lazy("Who paid or was paid"),
    "bank_ref": gettext_lazy("Number that the bank gives the line"),
    "balance": gettext_lazy("Balance after the line"),
}


class BankForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the bank"), max_length=80)
    number = forms.CharField(label=gettext_lazy("Account number (IBAN or RIB)"), max_length=50)
    month_first = forms.BooleanField(label=gettext_lazy("Its tables write the month before the day"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for meaning in table.MEANINGS:
            self.fields[f"m_{meaning}"] = forms.CharField(label=MEANINGS[meaning], max_length=80, required=False)

    def columns(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("m_")]

    def plain(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if not field.name.startswith("m_")]

    def mapping(self) -> dict[str, str]:
        return {name[2:]: value for name, value in self.cleaned_data.items() if name.startswith("m_") and value}


class StatementForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Statement of the bank"),
        help_text=gettext_lazy("CAMT.053 (XML) or a table (CSV), 20 MB at most. Brought twice it counts once."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xml,.csv,.txt,text/xml,text/csv"}),
    )

    def clean_file(self) -> Any:
        given = self.cleaned_data["file"]
        if given.size > LARGEST:
            raise forms.ValidationError(_("The file is too large: ask the bank for a statement of fewer days."))
        return given


class ResolveForm(forms.Form):
    bill = forms.CharField(label=gettext_lazy("Reference of the bill that it pays"), max_length=30, required=False)

    def __init__(self, accounts: list[tuple[int, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"] = forms.TypedChoiceField(
            label=_("Or the account that it belongs to"),
            choices=[("", "–"), *accounts],
            coerce=int,
            required=False,
            empty_value=None,
        )
        self.fields["note"] = forms.CharField(label=_("What it was, in a few words"), max_length=200, required=False)
