"""What the town chooses: a category, who gets it, words that are used often. Texts have one field for each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import text, town
from toguna.services.reports import starter
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topics

WEEKDAYS = {
    1: gettext_lazy("Monday"),
    2: gettext_lazy("Tuesday"),
    3: gettext_lazy("Wednesday"),
    4: gettext_lazy("Thursday"),
    5: gettext_lazy("Friday"),
    6: gettext_lazy("Saturday"),
    7: gettext_lazy("Sunday"),
}
_TIME = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


def languages() -> list[tuple[str, str]]:
    """(code, its own name) of the town's languages."""
    known = dict(settings.LANGUAGES)
    return [
        (code, get_language_info(code)["name_local"] if code in known else code) for code in town.current().languages
    ]


class WordsForm(forms.Form):
    """`add_words("names", ...)` makes a field for each language; `words("names")` is then {language: what was written}."""

    def add_words(
        self, name: str, label: str, given: Mapping[str, str] | None, *, most: int, long: bool = False, hint: str = ""
    ) -> None:
        for code, language in languages():
            self.fields[f"{name}_{code}"] = forms.CharField(
                label=f"{label} ({language})",
                required=False,
                max_length=most,
                initial=(given or {}).get(code, ""),
                help_text=hint,
                widget=forms.Textarea(attrs={"rows": 3, "lang": code})
                if long
                else forms.TextInput(attrs={"lang": code}),
            )

    def words(self, name: str) -> dict[str, str]:
        given = {code: text.clean(self.cleaned_data.get(f"{name}_{code}", "")) for code, _language in languages()}
        return {code: words for code, words in given.items() if words}


def pictograms() -> list[tuple[str, str]]:
    """(pictogram, what it shows): those of the categories that a town starts with, which cover what people report."""
    rows = json.loads(starter.CATEGORIES.read_text("utf-8"))
    return [(row["icon"], text.pick(row["names"])) for row in rows]


def _categories() -> list[tuple[str, str]]:
    return [(str(t.pk), text.pick(t.names)) for t in topics()]


def _zones() -> list[tuple[str, str]]:
    return [(str(z.id), z.name) for z in territory.zones()]


def _topic(chosen: str) -> cases.Topic | None:
    return next((t for t in topics() if str(t.pk) == chosen), None)


class TopicForm(WordsForm):
    icon = forms.ChoiceField(label=gettext_lazy("Pictogram"), widget=forms.RadioSelect)
    parent = forms.ChoiceField(label=gettext_lazy("Part of"), required=False)
    layer = forms.ChoiceField(
        label=gettext_lazy("Things to pick on the map"),
        required=False,
        help_text=gettext_lazy("The very lamp or bin can then be pointed at. None: only the place is asked."),
    )
    days = forms.IntegerField(label=gettext_lazy("Days until the deadline"))
    near_m = forms.IntegerField(
        label=gettext_lazy("Same problem within (metres)"),
        help_text=gettext_lazy("Open reports that near are offered, so that nobody reports twice. 0: never."),
    )
    reopen_days = forms.IntegerField(
        label=gettext_lazy("Days in which “it is not solved” opens it again"),
    )
    ask_days = forms.IntegerField(
        label=gettext_lazy("Days until the person is asked whether it is solved"), help_text=gettext_lazy("0: never.")
    )
    keep_days = forms.IntegerField(
        label=gettext_lazy("Days that a closed report is kept whole"),
        help_text=gettext_lazy("Then names, words, photos and the exact place go; what is counted stays."),
    )
    public = forms.BooleanField(
        label=gettext_lazy("Reports are public"),
        required=False,
        help_text=gettext_lazy(
            "If not, only the town hall and whoever sent them can read them. Reports that are there stay as they are."
        ),
    )

    def __init__(self, *args: Any, topic: cases.Topic | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = topic or cases.Topic(icon="other")
        self.add_words("names", _("Name"), row.names, most=80)
        self.add_words("help", _("Help, above the form"), row.help, most=500, long=True)
        self.add_words(
            "stop", _("Stop message"), row.stop, most=1000, long=True,
            hint=_("If it is not the town's business: who to call instead. Nothing can then be sent."),
        )  # fmt: skip
        icons = pictograms()
        if row.icon not in dict(icons):
            icons.append((row.icon, row.icon))
        choices: dict[str, list[tuple[str, Any]]] = {
            "icon": icons,
            "parent": [("", _("No other category")), *(c for c in _categories() if c[0] != str(row.pk))],
            "layer": [("", _("None")), *((layer.slug, layer.name) for layer in territory.public_layers())],
        }
        if row.layer and row.layer not in dict(choices["layer"]):
            choices["layer"].append((row.layer, row.layer))
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]
        self.initial = {name: getattr(row, name) for name in ("icon", "layer", *cases.TOPIC_NUMBERS, "public")}
        self.initial["parent"] = str(row.parent_id or "")
        for name, (least, most) in cases.TOPIC_NUMBERS.items():
            field = self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, help_text=self.fields[name].help_text, min_value=least, max_value=most
            )
            field.widget.attrs["inputmode"] = "numeric"
        codes = [code for code, _language in languages()]
        self.order_fields(
            [f"names_{c}" for c in codes] + ["icon"] + [f"help_{c}" for c in codes] + [f"stop_{c}" for c in codes]
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not self.words("names"):
            self.add_error(f"names_{languages()[0][0]}", _("Give it a name in one language at least."))
        return values

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        plain = {name: given[name] for name in ("icon", "layer", *cases.TOPIC_NUMBERS, "public")}
        return {
            **plain, **{name: self.words(name) for name in ("names", "help", "stop")},
            "parent": int(given["parent"]) if given["parent"] else None,
        }  # fmt: skip


class RuleForm(forms.Form):
    topic = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    zone = forms.ChoiceField(label=gettext_lazy("Zone"), required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"),
        help_text=gettext_lazy("None ticked: every day."),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    start = forms.TimeField(label=gettext_lazy("From what hour"), required=False, widget=_TIME)
    end = forms.TimeField(
        label=gettext_lazy("Until what hour"),
        required=False,
        widget=_TIME,
        help_text=gettext_lazy("Earlier than the beginning: until the next morning."),
    )
    team = forms.ChoiceField(label=gettext_lazy("Team"))

    def __init__(self, *args: Any, rule: cases.Rule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(str(t.pk), text.pick(t.names)) for t in people.Team.objects.order_by("slug")]
        choices = {
            "topic": [("", _("Any category")), *_categories()],
            "zone": [("", _("The whole town")), *_zones()],
            "team": [("", _("Choose a team")), *teams],
        }
        for name, values in choices.items():
            self.fields[name].choices = values  # type: ignore[attr-defined]
        if rule is not None:
            self.initial = {
                "topic": str(rule.topic_id or ""), "zone": str(rule.zone_id or ""), "team": str(rule.team_id),
                "weekdays": rule.weekdays, "start": rule.start, "end": rule.end,
            }  # fmt: skip

    def wanted(self) -> cases.WhoGets:
        given = self.cleaned_data
        return cases.WhoGets(
            team=int(given["team"]), topic=_topic(given["topic"]), zone=int(given["zone"]) if given["zone"] else None,
            weekdays=given["weekdays"], start=given["start"], end=given["end"],
        )  # fmt: skip


class TrialForm(forms.Form):
    """Who would get it? `zones` after validation: from the smallest to the widest."""

    topic = forms.ChoiceField(label=gettext_lazy("Category"))
    zone = forms.ChoiceField(label=gettext_lazy("District"), required=False)
    position = forms.CharField(
        label=gettext_lazy("Or a position"), required=False, max_length=200,
        help_text=gettext_lazy("Coordinates, a plus code, or a link from a map."),
    )  # fmt: skip
    at = forms.DateTimeField(
        label=gettext_lazy("When"),
        required=False,
        help_text=gettext_lazy("Empty: now."),
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topic"].choices = _categories()  # type: ignore[attr-defined]
        districts = [(str(z.id), z.name) for z in territory.districts()]
        self.fields["zone"].choices = [("", _("Choose a district")), *districts]  # type: ignore[attr-defined]
        self.zones: tuple[int, ...] = ()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if typed := values.get("position"):
            point = territory.read_point(typed)
            where = territory.place(*point) if point else None
            if where is None or not where.inside:
                self.add_error(
                    "position", _("This position is not in the town, or cannot be read. Type it as 13.9423, -8.8488.")
                )
            else:
                self.zones = where.zones
        elif values.get("zone"):
            self.zones = territory.chain(int(values["zone"]))
        return values

    def chosen(self) -> cases.Topic:
        found = _topic(self.cleaned_data["topic"])
        if found is None:
            raise ValidationError(_("This category is not there any more."))
        return found


class TemplateForm(WordsForm):
    topic = forms.ChoiceField(label=gettext_lazy("Category"), required=False)
    transition = forms.ChoiceField(label=gettext_lazy("Offered with"), required=False)
    active = forms.BooleanField(label=gettext_lazy("In use"), required=False)
    order = forms.IntegerField(label=gettext_lazy("Place in the list"), min_value=0, max_value=9999)

    def __init__(self, *args: Any, row: cases.ReplyTemplate | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = row or cases.ReplyTemplate()
        self.add_words("titles", _("Title"), known.titles, most=80)
        self.add_words("texts", _("Words"), known.texts, most=2000, long=True)
        moves = [(t.name, t.verb) for t in REPORT.transitions if not t.reporter]
        self.fields["topic"].choices = [("", _("Any category")), *_categories()]  # type: ignore[attr-defined]
        self.fields["transition"].choices = [("", _("Any answer")), *moves]  # type: ignore[attr-defined]
        self.initial = {
            "topic": str(known.topic_id or ""), "transition": known.transition, "active": known.active, "order": known.order,
        }  # fmt: skip
        codes = [code for code, _language in languages()]
        self.order_fields([f"titles_{c}" for c in codes] + [f"texts_{c}" for c in codes])

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "titles": self.words("titles"), "texts": self.words("texts"), "topic": _topic(given["topic"]),
            "transition": given["transition"], "active": given["active"], "order": given["order"],
        }  # fmt: skip
