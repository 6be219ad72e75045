"""What payers and the desk fill in."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.kernel import money


class PayForm(forms.Form):
    """way: among those that are set up; amount: minor units."""

    way = forms.ChoiceField(label=_("Way to pay"), widget=forms.RadioSelect)
    phone = forms.CharField(
        label=_("Number of the telephone that pays"),
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    amount = forms.CharField(
        label=_("Amount to pay now"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, usable: list[ways.Way], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ways, self._currency = {way.slug: way for way in usable}, currency
        field = self.fields["way"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way.slug, way.title) for way in usable]
        hints = [str(_("For example %(number)s.")) % {"number": people.example_phone()}]
        if any(way.provider.how == "transfer" for way in usable):
            hints.append(str(_("Not needed for a bank transfer.")))
        self.fields["phone"].help_text = " ".join(hints)
        self.fields["phone"].required = all(way.provider.how == "push" for way in usable)

    def clean_amount(self) -> int:
        try:
            return money.read(self.cleaned_data["amount"], self._currency)
        except money.NotMoney:
            raise ValidationError(_("Write the amount in figures, for example 5000.")) from None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        way = self._ways.get(given.get("way", ""))
        if given.get("phone"):
            try:
                given["phone"] = people.normal_phone(given["phone"])
            except ValidationError as error:
                self.add_error("phone", error)
        elif way and way.provider.how == "push":
            self.add_error("phone", _("Say the number of the telephone that pays."))
        return given


class FileForm(forms.Form):
    way = forms.ChoiceField(label=_("Provider"))
    file = forms.FileField(
        label=_("Settlement file"), help_text=_("The CSV file of the provider’s portal, 20 MB at most.")
    )

    def __init__(self, *args: Any, usable: list[ways.Way], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["way"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(way.slug, way.title) for way in usable]
