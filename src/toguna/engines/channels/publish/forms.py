"""The form of a publication, in the languages of the town."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.gis.geos import MultiPolygon
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.models import Publication
from toguna.engines.channels.publish import subscribing
from toguna.engines.channels.publish.actions import Written
from toguna.engines.channels.ussd.sessions import LANGUAGES
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import town
from toguna.kernel.tasks import Lane
from toguna.kernel.text import pick

MEDIA = (
    ("sms", gettext_lazy("SMS")),
    ("email", gettext_lazy("Electronic mail")),
    ("push", gettext_lazy("Notice in the browser")),
    ("whatsapp", "WhatsApp"),
    ("telegram", "Telegram"),
    ("social", gettext_lazy("Social networks (Mastodon)")),
    ("web", gettext_lazy("The news on this site")),
)


def _subjects() -> list[tuple[str, str]]:
    named = [
        (f"{about}:{subject}", f"{title}: {words}")
        for about, title, choices in subscribing.offered()
        for subject, words in choices
    ]
    return [*named, (f"{subscribing.AREA}:*", _("The surroundings of a place that they chose"))]


def _teams() -> list[tuple[str, str]]:
    return sorted(((str(team.pk), pick(team.names)) for team in people.Team.objects.all()), key=lambda pair: pair[1])


class PublicationForm(forms.Form):
    by = forms.MultipleChoiceField(
        label=gettext_lazy("Sent by"), choices=MEDIA, widget=forms.CheckboxSelectMultiple, initial=["sms", "email"]
    )
    known = forms.BooleanField(label=gettext_lazy("Everybody whose number the town has"), required=False)
    subscribed = forms.MultipleChoiceField(
        label=gettext_lazy("Those who asked for news of"),
        choices=_subjects,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    zones = forms.MultipleChoiceField(
        label=gettext_lazy("Only in these districts"),
        help_text=gettext_lazy("None chosen: the whole town."),
        choices=lambda: [(str(z.id), z.name) for z in territory.districts()],
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )
    area = forms.CharField(
        label=gettext_lazy("Or only around"),
        help_text=gettext_lazy("A place and how far, for example: 13.9423, -8.8488, 800 m"),
        required=False,
        max_length=120,
    )
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Only who speaks"),
        choices=lambda: [(code, LANGUAGES.get(code, code)) for code in town.current().languages],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    teams = forms.MultipleChoiceField(
        label=gettext_lazy("Only who works in these teams"),
        choices=_teams,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 4}),
    )
    seen_days = forms.IntegerField(
        label=gettext_lazy("Only who wrote or called in the last days"), required=False, min_value=1, max_value=3650
    )
    alarm = forms.BooleanField(
        label=gettext_lazy("It is an alarm"),
        help_text=gettext_lazy("It goes before everything else, at any hour, also to who said STOP."),
        required=False,
    )
    most_parts = forms.IntegerField(label=gettext_lazy("SMS a person, at most"), min_value=1, max_value=4, initial=2)
    cap = forms.DecimalField(
        label=gettext_lazy("May cost at most"), required=False, min_value=0, max_digits=14, decimal_places=2
    )
    scheduled = forms.DateTimeField(
        label=gettext_lazy("Not before"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, publication: Publication | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words: dict[str, forms.Field] = {}
        for code in town.current().languages:
            name = LANGUAGES.get(code, code)
            words[f"title_{code}"] = forms.CharField(
                label=_("Title (%(language)s)") % {"language": name}, required=False, max_length=120
            )
            words[f"text_{code}"] = forms.CharField(
                label=_("Text (%(language)s)") % {"language": name},
                required=False,
                max_length=4000,
                widget=forms.Textarea(attrs={"rows": 4}),
            )
            words[f"sms_{code}"] = forms.CharField(
                label=_("SMS, in other words (%(language)s)") % {"language": name},
                help_text=_("Empty: the title and the text, cut to fit."),
                required=False,
                max_length=600,
                widget=forms.Textarea(attrs={"rows": 2}),
            )
        self.fields = {**words, **self.fields}
        if publication is not None and not self.is_bound:
            self.initial = _initial(publication)

    def clean_area(self) -> MultiPolygon | None:
        typed = self.cleaned_data["area"]
        if not typed:
            return None
        place, _sep, far = typed.rpartition(",")
        metres = "".join(c for c in far if c.isdigit())
        point = territory.read_point(place) if metres else None
        if point is None or not 0 < int(metres) <= 50_000:
            raise forms.ValidationError(_("Type a place and how far, for example: 13.9423, -8.8488, 800 m"))
        return territory.circle(point[0], point[1], int(metres))

    def written(self) -> Written:
        d = self.cleaned_data
        codes = town.current().languages
        audience: dict[str, Any] = {
            "known": d["known"],
            "subscribed": [chosen.partition(":")[::2] for chosen in d["subscribed"]],
            "zones": [int(z) for z in d["zones"]],
            "languages": d["languages"],
            "teams": [int(t) for t in d["teams"]],
        }
        if d["seen_days"]:
            audience["seen_days"] = d["seen_days"]
        if d["area"]:
            audience["around"] = self.data.get("area", "")
        when: datetime | None = d["scheduled"]
        return Written(
            titles={c: d[f"title_{c}"] for c in codes},
            texts={c: d[f"text_{c}"] for c in codes},
            shorts={"sms": {c: d[f"sms_{c}"] for c in codes}},
            media=d["by"],
            audience=audience,
            area=d["area"],
            lane=Lane.ALARM if d["alarm"] else Lane.CAMPAIGN,
            most_parts=d["most_parts"],
            cap=d["cap"],
            scheduled=when,
        )


def _initial(row: Publication) -> dict[str, Any]:
    audience = row.audience
    found: dict[str, Any] = {
        "by": row.media,
        "known": audience.get("known"),
        "subscribed": [":".join(pair) for pair in audience.get("subscribed", ())],
        "zones": [str(z) for z in audience.get("zones", ())],
        "languages": audience.get("languages", ()),
        "teams": [str(t) for t in audience.get("teams", ())],
        "seen_days": audience.get("seen_days"),
        "area": audience.get("around", ""),
        "alarm": row.lane >= Lane.ALARM,
        "most_parts": row.most_parts,
        "cap": row.cap,
        "scheduled": row.scheduled,
    }
    for code in town.current().languages:
        found[f"title_{code}"] = row.titles.get(code, "")
        found[f"text_{code}"] = row.texts.get(code, "")
        found[f"sms_{code}"] = (row.shorts.get("sms") or {}).get(code, "")
    return found
