"""The form of a route: what all have, and what its kind asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.gateway.media import Medium
from toguna.engines.channels.models import Route
from toguna.engines.people import api as people
from toguna.kernel import registry, town


def kinds() -> list[Medium]:
    """Those that routes are made of."""
    return [medium for medium in registry.declared(Medium) if not medium.alone]


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]
    prefixes = forms.CharField(
        label=gettext_lazy("Numbers that begin with"),
        help_text=gettext_lazy("With + and the country, separated by spaces: +22370 +2239. Empty: any number."),
        required=False,
        max_length=400,
    )

    class Meta:
        model = Route
        fields = ("slug", "prefixes", "order", "rate", "price", "daily_cap", "enabled")
        labels = {
            "slug": gettext_lazy("Name"),
            "order": gettext_lazy("Order"),
            "rate": gettext_lazy("SMS a second"),
            "price": gettext_lazy("Price of one SMS"),
            "daily_cap": gettext_lazy("Money a day at most"),
            "enabled": gettext_lazy("In use"),
        }
        help_texts = {
            "slug": gettext_lazy("Letters, digits and dashes: orange-mali."),
            "order": gettext_lazy("Where several fit, the lowest is taken; the next when it is down."),
            "rate": gettext_lazy("What the contract allows."),
            "daily_cap": gettext_lazy("Empty: no limit. Then the next route is taken, or messages wait."),
        }

    def __init__(self, *args: Any, kind: Medium, **more: Any) -> None:
        super().__init__(*args, **more)
        self.kind = kind
        self.initial["prefixes"] = " ".join(self.instance.prefixes)
        for setting in kind.settings:
            kept = self.instance.settings.get(setting.name, setting.default)
            there = setting.secret and bool(kept)
            self.fields[f"of_{setting.name}"] = forms.CharField(
                label=setting.title,
                required=setting.required and not there,
                initial="" if setting.secret else kept,
                max_length=2000,
                help_text=_("It is kept; write it only to change it.") if there else "",
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}) if setting.secret else forms.TextInput,
            )
        self.fields["price"].help_text = town.current().currency

    def clean_prefixes(self) -> list[str]:
        found = str(self.cleaned_data["prefixes"]).replace(",", " ").split()
        for prefix in found:
            if not (prefix.startswith("+") and prefix[1:].isascii() and prefix[1:].isdigit() and len(prefix) <= 8):
                raise forms.ValidationError(
                    _("%(given)s is no beginning of a number: write it as +22370.") % {"given": prefix}
                )
        return found

    def clean_rate(self) -> float:
        rate = float(self.cleaned_data["rate"])
        if not 0.01 <= rate <= 10_000:
            raise forms.ValidationError(_("Between 0.01 and 10,000."))
        return rate

    def given(self) -> dict[str, str]:
        """The settings that were written; a secret left empty is not among them."""
        return {
            s.name: str(self.cleaned_data[f"of_{s.name}"]).strip()
            for s in self.kind.settings
            if not (s.secret and not self.cleaned_data[f"of_{s.name}"])
        }


class TryForm(forms.Form):
    phone = forms.CharField(label=gettext_lazy("Your phone number"), max_length=30)

    def clean_phone(self) -> str:
        return people.normal_phone(str(self.cleaned_data["phone"]))
