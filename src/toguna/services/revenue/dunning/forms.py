from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from toguna.kernel import money, text
from toguna.services.revenue.dunning.actions import Told
from toguna.services.revenue.models import Base, DunningStep


class StepForm(forms.Form):
    base = forms.ModelChoiceField(
        label=_("Of which bills"), queryset=Base.objects.filter(active=True), required=False, empty_label=_("All")
    )
    after = forms.IntegerField(
        label=_("Days after it was due"), min_value=-60, max_value=3000, help_text=_("Below zero for days before.")
    )
    way = forms.ChoiceField(label=_("How"), choices=DunningStep.Way.choices)
    least = forms.CharField(label=_("Not for less than"), required=False, max_length=20)
    cost = forms.CharField(label=_("What one costs the town"), required=False, max_length=20)
    penalty = forms.IntegerField(
        label=_("Penalty, in percent of what is left"), required=False, min_value=0, max_value=100
    )
    law = forms.CharField(label=_("The act that allows it, and its article"), required=False, max_length=200)
    active = forms.BooleanField(label=_("In force"), required=False, initial=True)

    def __init__(self, data: Any = None, *, step: DunningStep | None = None) -> None:
        initial = {}
        if step is not None:
            initial = {
                name: getattr(step, name)
                for name in ("base", "after", "way", "least", "cost", "penalty", "law", "active")
            }
        super().__init__(data, initial=initial)
        self.fields["base"].label_from_instance = lambda base: text.pick(base.titles)  # type: ignore[attr-defined]

    def _money(self, name: str) -> int:
        typed = self.cleaned_data.get(name) or "0"
        try:
            return money.read(typed)
        except money.NotMoney as error:
            raise ValidationError(_g("Write an amount, such as 500.")) from error

    def clean_least(self) -> int:
        return self._money("least")

    def clean_cost(self) -> int:
        return self._money("cost")

    def told(self) -> Told:
        said = self.cleaned_data
        return Told(
            said["base"], said["after"], said["way"], said["least"], said["cost"], said["penalty"] or 0, said["law"], said["active"]
        )  # fmt: skip
