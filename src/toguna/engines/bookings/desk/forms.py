"""What the desk fills in: somebody's appointment; what can be booked, with its hours as people write them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.bookings import hours
from toguna.engines.bookings.models import Resource
from toguna.engines.people import api as people
from toguna.kernel import money, text, town

NUMBERS = ("minutes", "capacity", "most_places", "ahead_days", "notice_minutes")


class ForForm(forms.Form):
    """An appointment taken at the counter or on the telephone."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=150)
    contact = forms.CharField(label=gettext_lazy("Phone number or e-mail"), max_length=254, required=False)
    place = forms.CharField(label=gettext_lazy("Where we come"), max_length=300)

    def __init__(self, data: Any, *, resource: Resource, served: people.Serving | None) -> None:
        super().__init__(data)
        if served is not None:
            del self.fields["name"], self.fields["contact"]
        if not resource.asks_place:
            del self.fields["place"]

    def clean_contact(self) -> tuple[str, str]:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else ("", "")


class ResourceForm(forms.Form):
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes for each appointment"), min_value=5, max_value=hours.LONGEST
    )
    capacity = forms.IntegerField(
        label=gettext_lazy("Places at the same time"), min_value=1, max_value=10_000,
        help_text=gettext_lazy("How many clerks, seats or households at once."),
    )  # fmt: skip
    most_places = forms.IntegerField(
        label=gettext_lazy("Places in one booking, at most"), min_value=1, max_value=10_000
    )
    ahead_days = forms.IntegerField(label=gettext_lazy("How many days ahead"), min_value=1, max_value=366)
    notice_minutes = forms.IntegerField(
        label=gettext_lazy("How many minutes before, at the latest"), min_value=0, max_value=43_200
    )
    price = forms.CharField(
        label=gettext_lazy("Price of one place"), required=False, max_length=30, help_text=gettext_lazy("Nothing: it is free.")
    )  # fmt: skip
    waiting_list = forms.BooleanField(label=gettext_lazy("A waiting list when it is full"), required=False)
    asks_place = forms.BooleanField(label=gettext_lazy("We come to people: ask where"), required=False)
    active = forms.BooleanField(label=gettext_lazy("Offered to everyone"), required=False)

    def __init__(self, data: Any, *, row: Resource | None) -> None:
        super().__init__(data)
        had = row or Resource()
        first: dict[str, forms.Field] = {}
        for code in town.current().languages:
            named = get_language_info(code)["name_local"] if code in ("fr", "pt", "en") else code
            first[f"title_{code}"] = forms.CharField(
                label=" ".join([_("What is booked"), f"({named})"]), max_length=80, required=False, initial=had.titles.get(code, ""),
                widget=forms.TextInput(attrs={"lang": code}),
            )  # fmt: skip
        for code in town.current().languages:
            named = get_language_info(code)["name_local"] if code in ("fr", "pt", "en") else code
            first[f"note_{code}"] = forms.CharField(
                label=" ".join([_("Where to come, what to bring"), f"({named})"]), max_length=300, required=False,
                initial=had.notes.get(code, ""), widget=forms.TextInput(attrs={"lang": code}),
            )  # fmt: skip
        for number in range(1, 8):
            first[f"day_{number}"] = forms.CharField(
                label=str(WEEKDAYS[number - 1]).capitalize(), required=False, max_length=80,
                initial=hours.shown(hours.of_weekday(had, number)),
                help_text=_("Hours, such as 8:00-12:00, 14:00-16:00. Empty: closed.") if number == 1 else "",
            )  # fmt: skip
        self.fields = {**first, **self.fields}
        for name in (*NUMBERS, "waiting_list", "asks_place", "active"):
            self.fields[name].initial = getattr(had, name)
        self.fields["price"].initial = money.shown(had.price, plain=True) if had.price else ""
        self.kept = {"icon": had.icon, "order": had.order}

    def clean_price(self) -> int:
        typed = self.cleaned_data["price"].strip()
        try:
            return money.read(typed) if typed else 0
        except money.NotMoney:
            raise ValidationError(_("Write an amount in figures, such as 1 500.")) from None

    def clean(self) -> dict[str, Any]:
        for number in range(1, 8):
            name = f"day_{number}"
            try:
                self.cleaned_data[name] = hours.read(self.cleaned_data.get(name, ""))
            except hours.WrongHours:
                self.add_error(name, _("Write hours as 8:00-12:00, 14:00-16:00."))
        return self.cleaned_data

    def told(self) -> dict[str, Any]:
        """What `setup.save_resource` takes."""
        given = self.cleaned_data

        def words(name: str) -> dict[str, str]:
            found = {code: text.clean(given.get(f"{name}_{code}", "")) for code in town.current().languages}
            return {code: said for code, said in found.items() if said}

        names = (*NUMBERS, "price", "waiting_list", "asks_place", "active")
        week = hours.week({number: given[f"day_{number}"] for number in range(1, 8)})
        return {
            "titles": words("title"), "notes": words("note"), "hours": week, **self.kept, **{n: given[n] for n in names},
        }  # fmt: skip
