"""The page of what the town spends, and of what collecting costs."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _gettext
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import costs
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.office import reads
from toguna.kernel import money, text, town
from toguna.kernel.web import Request, staff


class CostForm(forms.Form):
    kind = forms.ChoiceField(label=_("What for"))
    amount = forms.CharField(label=_("Amount"), max_length=30, widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    source = forms.ChoiceField(
        label=_("Out of which account"),
        help_text=_("What the statement of a bank says is written by the bank page, and cash by the desk that pays it out: not here once more."),
    )  # fmt: skip
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    words = forms.CharField(label=_("What was paid"), max_length=200)
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"day": timezone.localdate()})
        for name, rows in (("kind", costs.kinds()), ("source", costs.sources())):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(one.code, f"{one.code} {text.pick(one.title)}") for one in rows]

    def clean_amount(self) -> int:
        try:
            return money.read(self.cleaned_data["amount"], town.current().currency)
        except money.NotMoney:
            raise forms.ValidationError(_gettext("Write the amount in figures, for example 5000.")) from None


@staff(costs.WRITE)
def page(request: Request) -> HttpResponse:
    """What collecting costs this year, the last costs, a new one; POST do=back, entry=, reason= takes one back."""
    costs.open_accounts()
    back = request.POST.get("do") == "back"
    form = CostForm(request.POST if request.method == "POST" and not back else None)
    if back:
        typed = request.POST.get("entry", "")
        try:
            number = int(typed) if typed.isdecimal() and len(typed) < 19 else 0
            costs.take_back(number, reason=request.POST.get("reason", ""), by=request.actor)
            messages.success(request, _gettext("The cost is taken back."))
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect("desk-costs")
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            costs.enter(
                said["kind"], said["source"], said["amount"], day=said["day"], words=said["words"], key=f"cost:{said['client_id']}",
                by=request.actor,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _gettext("It is written in the book."))
            return redirect("desk-costs")
    year = timezone.localdate().year
    found = costs.of_collecting(year)
    values = {
        "form": form, "year": year, "found": found, "share": None if found.share is None else round(found.share, 1),
        "rows": reads.costs(),
    }  # fmt: skip
    return render(request, "ledger/book_costs.html", values, status=422 if form.errors else 200)
