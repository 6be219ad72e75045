"""What somebody says of a standing order."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.orders.actions import LAST_DAY
from toguna.engines.ledger.providers import asking, ways
from toguna.kernel import money


class OrderForm(forms.Form):
    """way: among those that ring or write; most: minor units; phones: those to choose from, none to type one."""

    way = forms.ChoiceField(label=_("Way to pay"), widget=forms.RadioSelect)
    phone = forms.CharField(
        label=_("Number of the telephone that pays"), max_length=30,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )  # fmt: skip
    day = forms.ChoiceField(
        label=_("Day of the month"), choices=[(day, str(day)) for day in range(1, LAST_DAY + 1)], initial=5
    )
    most = forms.CharField(
        label=_("At most in a month"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text=_("What is above this is never asked for."),
    )  # fmt: skip
    until = forms.DateField(
        label=_("Until (empty: until you end it)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(
        self, *args: Any, usable: list[ways.Way], currency: str, phones: list[tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self._currency = currency
        field = self.fields["way"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way.slug, way.title) for way in usable]
        if phones is not None:
            self.fields["phone"] = forms.ChoiceField(label=_("Number of the telephone that pays"), choices=phones)

    def clean_phone(self) -> str:
        return asking.typed_phone(self.cleaned_data["phone"])

    def clean_most(self) -> int:
        try:
            return money.read(self.cleaned_data["most"], self._currency)
        except money.NotMoney:
            raise ValidationError(_("Write the amount in figures, for example 5000.")) from None
