from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _gettext
from django.utils.translation import gettext_lazy as _

from toguna.engines.territory import api as territory
from toguna.kernel import text
from toguna.services.revenue.campaigns import markets
from toguna.services.revenue.models import Base


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _bases() -> list[tuple[int, str]]:
    return [(one.pk, text.pick(one.titles)) for one in Base.objects.filter(active=True)]


def _places() -> list[tuple[Any, Any]]:
    """ "" for the whole town, "12" for a district, "m45" for a market."""
    found: list[tuple[Any, Any]] = [
        ("", _gettext("The whole town")),
        (_gettext("Districts"), [(str(one.id), str(one)) for one in territory.districts()]),
        (_gettext("Markets"), [(f"m{pk}", name) for pk, name in markets.named().items()]),
    ]
    return [one for one in found if one[1]]


def place(chosen: str) -> dict[str, int]:
    """{"zone" or "market": its number}, of what was chosen among `_places`; {} for the whole town."""
    if not chosen:
        return {}
    return {"market": int(chosen[1:])} if chosen.startswith("m") else {"zone": int(chosen)}


class CampaignForm(forms.Form):
    base = forms.ChoiceField(label=_("What is billed"))
    place = forms.ChoiceField(label=_("Where"), required=False)
    label = forms.CharField(
        label=_("Period"), max_length=60, help_text=_("As it stands on the bills: 2026, or November 2026.")
    )
    day = forms.DateField(label=_("By the tariff of"), widget=_day())
    due = forms.DateField(label=_("To be paid before"), widget=_day())
    times = forms.DecimalField(
        label=_("How many months or days"), required=False, min_value=0, max_value=366, help_text=_("Where the tariff is by month or by day.")
    )  # fmt: skip
    notices = forms.BooleanField(label=_("Print notices, by district"), required=False, initial=True)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"day": timezone.localdate()})
        self.fields["base"].choices = _bases()  # type: ignore[attr-defined]
        self.fields["place"].choices = _places()  # type: ignore[attr-defined]


class NowForm(forms.Form):
    """One thing is billed now: as the last campaign of its kind did, unless something else is said."""

    label = forms.CharField(
        label=_("Period"), max_length=60, help_text=_("As it stands on the bills: 2026, or November 2026.")
    )
    day = forms.DateField(label=_("By the tariff of"), widget=_day())
    due = forms.DateField(label=_("To be paid before"), widget=_day())
    times = forms.DecimalField(
        label=_("How many months or days"), required=False, min_value=0, max_value=366, help_text=_("Where the tariff is by month or by day.")
    )  # fmt: skip


class TrialForm(forms.Form):
    base = forms.ChoiceField(label=_("What is billed"))
    place = forms.ChoiceField(label=_("Where"), required=False)
    day = forms.DateField(label=_("By the tariff of"), widget=_day())
    times = forms.DecimalField(
        label=_("How many months or days"), required=False, min_value=0, max_value=366, help_text=_("Where the tariff is by month or by day.")
    )  # fmt: skip
    other = forms.DateField(
        label=_("Against the tariff of"), required=False, help_text=_("Another day: a tariff that is written, and does not hold yet."), widget=_day()
    )  # fmt: skip
    percent = forms.IntegerField(
        label=_("Or every price at so many percent"), required=False, min_value=0, max_value=1000, help_text=_("110 is a tenth more.")
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"day": timezone.localdate(), "percent": 110})
        self.fields["base"].choices = _bases()  # type: ignore[attr-defined]
        self.fields["place"].choices = _places()  # type: ignore[attr-defined]
