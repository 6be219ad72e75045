"""The form of a procedure, in the languages of the town."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.kernel import money, text, town
from toguna.services.procedures.actions import Told
from toguna.services.procedures.life import EVENTS
from toguna.services.procedures.models import Procedure

WORDS = ("names", "summary", "who", "bring", "where", "cost_words", "law", "words", "quiz")
ICONS = ("person", "team", "copy", "home", "building", "market", "calendar", "map", "pin", "bus", "edit", "other")


class ProcedureForm(forms.Form):
    event = forms.ChoiceField(
        label=gettext_lazy("For which moment of life"), choices=[(e.name, e.title) for e in EVENTS]
    )
    icon = forms.ChoiceField(label=gettext_lazy("Pictogram"), choices=[(name, name) for name in ICONS], required=False)
    cost = forms.CharField(label=gettext_lazy("Cost"), required=False, help_text=gettext_lazy("Nothing: it is free."))
    booking = forms.ChoiceField(
        label=gettext_lazy("Appointment"), choices=lambda: [("", "–"), *((r.slug, text.pick(r.titles)) for r in bookings.resources())],
        required=False, help_text=gettext_lazy("The counter where one can come for it, by appointment."),
    )  # fmt: skip
    days = forms.IntegerField(label=gettext_lazy("Working days"), min_value=0, max_value=365)
    order = forms.IntegerField(label=gettext_lazy("Place in the list"), min_value=0, max_value=9999)
    active = forms.BooleanField(label=gettext_lazy("Shown to everyone"), required=False)

    def __init__(self, data: Any = None, *, procedure: Procedure | None) -> None:
        super().__init__(data)
        row = procedure or Procedure()
        self.initial = {
            "event": row.event or "papers", "icon": row.icon, "days": row.days, "order": row.order, "active": row.active,
            "booking": row.booking, "cost": money.shown(row.cost, plain=True) if row.cost else "",
        }  # fmt: skip
        titles = {
            "names": (_("Name"), 150, False, ""),
            "summary": (_("What it is for"), 400, True, ""),
            "who": (_("For whom"), 400, True, ""),
            "bring": (_("What to bring"), 2000, True, _("One thing on each line, in the same order in each language.")),
            "where": (_("Where"), 300, False, _("Nothing: the counter, this site and the telephone.")),
            "cost_words": (_("More about the cost"), 300, False, ""),
            "law": (_("The rule"), 300, False, _("The act that it rests on.")),
            "words": (_("Other words that people use for it"), 300, False, _("With spaces between.")),
            "quiz": (_("Is it for me?"), 2000, True, _("On each line a question, the right answer (yes or no) and what to do otherwise, with | between.")),
        }  # fmt: skip
        for code in town.current().languages:
            language = get_language_info(code)["name_local"] if code in ("fr", "pt", "en") else code
            for name in WORDS:
                label, most, long, hint = titles[name]
                widget = (
                    forms.Textarea(attrs={"rows": 4, "lang": code}) if long else forms.TextInput(attrs={"lang": code})
                )
                self.fields[f"{name}_{code}"] = forms.CharField(
                    label=f"{label} ({language})", required=False, max_length=most, widget=widget, help_text=hint,
                    initial=self._shown(row, name, code),
                )  # fmt: skip

    @staticmethod
    def _shown(row: Procedure, name: str, code: str) -> str:
        if name == "bring":
            return "\n".join(words.get(code, "") for words in row.bring)
        if name == "words":
            return " ".join(row.words.get(code, []))
        if name == "quiz":
            yes, no = _("yes"), _("no")
            return "\n".join(
                f"{q['ask'].get(code, '')} | {yes if q['need'] == 'yes' else no} | {q['otherwise'].get(code, '')}"
                for q in row.quiz
            )
        return str(getattr(row, name).get(code, ""))

    def clean_cost(self) -> int:
        typed = self.cleaned_data["cost"].strip()
        try:
            return money.read(typed) if typed else 0
        except money.NotMoney:
            raise ValidationError(_("Write an amount in figures, such as 1 500.")) from None

    def _by_language(self, name: str) -> dict[str, str]:
        given = {code: text.clean(self.cleaned_data.get(f"{name}_{code}", "")) for code in town.current().languages}
        return {code: words for code, words in given.items() if words}

    def _lines(self, name: str) -> list[dict[str, str]]:
        """What was written line by line in each language, put together by its place."""
        written = {
            code: [line.strip() for line in words.splitlines()] for code, words in self._by_language(name).items()
        }
        rows = [dict(zip(written, line, strict=True)) for line in zip_longest(*written.values(), fillvalue="")]
        return [row for row in ({code: words for code, words in row.items() if words} for row in rows) if row]

    def told(self) -> Told:
        """What was written. Raises ValidationError."""
        given = self.cleaned_data
        quiz: list[dict[str, Any]] = []
        for row in self._lines("quiz"):
            parts = {code: [part.strip() for part in line.split("|")] for code, line in row.items()}
            if any(len(found) != 3 for found in parts.values()):
                raise ValidationError(_("“Is it for me?”: write question | yes or no | what to do otherwise."))
            needs = {text.fold(found[1]) for found in parts.values()}
            if not needs <= {"yes", "no", "oui", "non", "sim", "nao"}:
                raise ValidationError(_("“Is it for me?”: the right answer is yes or no."))
            need = "yes" if needs & {"yes", "oui", "sim"} else "no"
            ask = {code: found[0] for code, found in parts.items()}
            quiz.append({"ask": ask, "need": need, "otherwise": {code: found[2] for code, found in parts.items()}})
        return Told(
            **{name: self._by_language(name) for name in ("names", "summary", "who", "where", "law", "cost_words")},
            bring=self._lines("bring"), event=given["event"], icon=given["icon"], cost=given["cost"], days=given["days"],
            booking=given["booking"], active=given["active"], order=given["order"], quiz=quiz,
            words={code: words.split()[:20] for code, words in self._by_language("words").items()},
        )  # fmt: skip
