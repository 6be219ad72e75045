"""A tariff as a clerk fills it in: no code, one line for a band, one for a zone, one for an exemption."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.ledger.models import Account, Tariff
from toguna.engines.ledger.tariffs import pricing
from toguna.engines.ledger.tariffs.actions import Told
from toguna.engines.territory import api as territory
from toguna.kernel import money, text, town

_BAND = re.compile(r"^\s*(\*|[\d\s.,]+?)\s*:\s*(.+?)\s*$")


class TariffForm(forms.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("How the price is made"),
        choices=[
            ("flat", gettext_lazy("one price")),
            ("unit", gettext_lazy("so much for each unit")),
            ("band", gettext_lazy("one price for each band")),
            ("steps", gettext_lazy("each band's units at their own price")),
        ],
    )
    by = forms.CharField(
        label=gettext_lazy("What is measured"), required=False, max_length=20, help_text=gettext_lazy("Such as m2, kg, head. Not for one price.")
    )  # fmt: skip
    price = forms.CharField(
        label=gettext_lazy("Price"), required=False, max_length=20, help_text=gettext_lazy("Of the whole, or of one unit. Not for bands.")
    )  # fmt: skip
    bands = forms.CharField(
        label=gettext_lazy("Bands"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line: up to how many, a colon, the price. A star for all above. For example “10: 5000”."),
    )  # fmt: skip
    times = forms.CharField(
        label=gettext_lazy("Multiplied by"), required=False, max_length=20, help_text=gettext_lazy("Such as days or months.")
    )  # fmt: skip
    least = forms.CharField(label=gettext_lazy("At least"), required=False, max_length=20)
    most = forms.CharField(label=gettext_lazy("At most"), required=False, max_length=20)
    round = forms.CharField(label=gettext_lazy("Rounded to"), required=False, max_length=20)
    zones = forms.CharField(
        label=gettext_lazy("Districts with another price"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line: the district, a colon, its percentage. For example “Centre: 150”."),
    )  # fmt: skip
    exemptions = forms.CharField(
        label=gettext_lazy("Exemptions"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line: who, a colon, what percentage is taken off. For example “School: 100”."),
    )  # fmt: skip
    law = forms.CharField(label=gettext_lazy("The act that sets it, and its article"), max_length=200)
    income = forms.ChoiceField(label=gettext_lazy("Account of income"))
    since = forms.DateField(
        label=gettext_lazy("It holds from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    public = forms.BooleanField(label=gettext_lazy("Shown to everyone"), required=False)
    active = forms.BooleanField(label=gettext_lazy("In force"), required=False)

    def __init__(self, data: Any = None, *, row: Tariff | None = None) -> None:
        self.row = row
        super().__init__(data, initial=_initial(row))
        self.fields["income"].choices = [  # type: ignore[attr-defined]
            (one.code, f"{one.code} {text.pick(one.title)}")
            for one in Account.objects.filter(kind="income", active=True)
        ]
        titles = {}
        for code in town.current().languages:
            name = get_language_info(code)["name_translated"]
            label = _("Name, in %(language)s") % {"language": name}
            titles[f"title_{code}"] = forms.CharField(
                label=label, max_length=120, required=code == town.current().languages[0],
                initial=row.titles.get(code, "") if row else "",
            )  # fmt: skip
        self.fields = titles | self.fields

    def _money(self, name: str) -> int | None:
        typed = self.cleaned_data.get(name)
        if not typed:
            return None
        try:
            return money.read(typed)
        except money.NotMoney as error:
            raise ValidationError({name: _("Write an amount, such as 500.")}) from error

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        kind = said.get("kind")
        rule: dict[str, Any] = {"type": kind}
        if kind == "flat":
            rule["amount"] = self._money("price")
        else:
            rule["by"] = text.clean(said.get("by", ""))
            if kind == "unit":
                rule["price"] = self._money("price")
            else:
                rule["bands"] = _lines(said.get("bands", ""), "bands")
        if said.get("times"):
            rule["times"] = text.clean(said["times"])
        rule |= {name: found for name in ("least", "most", "round") if (found := self._money(name)) is not None}
        if zones := _zones(said.get("zones", "")):
            rule["zones"] = zones
        if exemptions := _exemptions(said.get("exemptions", "")):
            rule["exemptions"] = exemptions
        try:
            pricing.check(rule)
        except pricing.BadRule as error:
            raise ValidationError(str(error)) from error
        said["rule"] = rule
        if self.row is None and "since" in said and said["since"] < timezone.localdate():
            self.add_error("since", _("A new price begins today at the earliest."))
        return said

    @property
    def slug(self) -> str:
        return self.row.slug if self.row else slugify(self.titles[town.current().languages[0]])[:60] or "tariff"

    @property
    def titles(self) -> dict[str, str]:
        return {code: self.cleaned_data.get(f"title_{code}") or "" for code in town.current().languages}

    def told(self) -> Told:
        said = self.cleaned_data
        unit = " ".join(pricing.wanted(said["rule"]))
        return Told(self.titles, said["law"], unit, said["rule"], said["income"], said["public"], said["active"])


def _lines(typed: str, name: str) -> list[list[Any]]:
    found: list[list[Any]] = []
    for line in filter(str.strip, typed.splitlines()):
        match = _BAND.match(line)
        try:
            if match is None:
                raise money.NotMoney(line)
            upto = None if match[1].strip() == "*" else str(pricing.number(match[1], "bands"))
            found.append([upto, money.read(match[2])])
        except (money.NotMoney, pricing.Missing) as error:
            said = _("“%(line)s” is not a band: write “10: 5000”, or “*: 9000”.") % {"line": line[:40]}
            raise ValidationError({name: said}) from error
    return found


def _pairs(typed: str, name: str) -> list[tuple[str, int]]:
    found = []
    for line in filter(str.strip, typed.splitlines()):
        words, _colon, percent = line.rpartition(":")
        percent = percent.strip(" %")
        if not words.strip() or not percent.isdecimal() or len(percent) > 4:
            said = _("“%(line)s” has no percentage: write a name, a colon and a number.") % {"line": line[:40]}
            raise ValidationError({name: said})
        found.append((text.clean(words), int(percent)))
    return found


def _zones(typed: str) -> dict[str, int]:
    named = {text.fold(text.pick(zone.names)): zone.id for zone in territory.zones()} if typed.strip() else {}
    found = {}
    for words, percent in _pairs(typed, "zones"):
        zone = named.get(text.fold(words))
        if zone is None:
            raise ValidationError({"zones": _("There is no district “%(name)s”.") % {"name": words[:60]}})
        found[str(zone)] = percent
    return found


def _exemptions(typed: str) -> list[dict[str, Any]]:
    rows = _pairs(typed, "exemptions")
    return [{"code": slugify(words)[:40], "words": {"": words[:80]}, "percent": percent} for words, percent in rows]


def _initial(row: Tariff | None) -> dict[str, Any]:
    if row is None:
        return {"since": timezone.localdate(), "public": True, "active": True, "kind": "flat"}
    rule = row.rule
    named = {str(zone.id): text.pick(zone.names) for zone in territory.zones()} if rule.get("zones") else {}
    price = rule.get("amount", rule.get("price"))
    return {
        "kind": rule["type"], "by": rule.get("by", ""), "times": rule.get("times", ""), "price": _typed(price),
        "bands": "\n".join(f"{'*' if upto is None else upto}: {_typed(each)}" for upto, each in rule.get("bands") or []),
        "zones": "\n".join(f"{named.get(zone, zone)}: {percent}" for zone, percent in (rule.get("zones") or {}).items()),
        "exemptions": "\n".join(f"{_title(one)}: {one['percent']}" for one in rule.get("exemptions") or []),
        "law": row.law, "income": row.income.code, "since": max(row.since, timezone.localdate()), "public": row.public,
        "active": row.active, **{name: _typed(rule.get(name)) for name in ("least", "most", "round")},
    }  # fmt: skip


def _title(exemption: dict[str, Any]) -> str:
    return text.pick(exemption.get("words") or {"": exemption["code"]})


def _typed(amount: Any) -> str:
    """Minor units as a clerk types them."""
    if amount in (None, ""):
        return ""
    return format(Decimal(str(amount)).scaleb(-money.exponent(town.current().currency)), "f")


class TryForm(forms.Form):
    """What it would cost: a field for each measure, a choice for districts and exemptions where the rule has some."""

    def __init__(self, data: Any = None, *, row: Tariff, zones: Sequence[tuple[int, str]]) -> None:
        super().__init__(data)
        for name in pricing.wanted(row.rule):
            self.fields[f"m_{name}"] = forms.CharField(
                label=name, max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"})
            )
        if zones:
            self.fields["zone"] = forms.ChoiceField(
                label=_("District"), required=False, choices=[("", _("any")), *((str(pk), name) for pk, name in zones)]
            )
        if exemptions := row.rule.get("exemptions"):
            choices = [("", _("none")), *((one["code"], _title(one)) for one in exemptions)]
            self.fields["exemption"] = forms.ChoiceField(label=_("Exemption"), required=False, choices=choices)
