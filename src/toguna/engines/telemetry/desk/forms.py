"""What is filled in about devices, decoders and rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from toguna.engines.telemetry.devices import decoding
from toguna.engines.telemetry.models import AlarmRule, Decoder, Device, Policy, Quantity
from toguna.engines.telemetry.models.rules import Level
from toguna.engines.telemetry.rules import conditions
from toguna.engines.telemetry.rules.days import MOST_EVERY, Span
from toguna.engines.telemetry.rules.reacting import AlarmReaction
from toguna.engines.territory import api as territory
from toguna.kernel import access, registry, text, town
from toguna.kernel.access import Actor

NOTHING = [("", "–")]


def zone_choices(allowed: frozenset[int] | None) -> list[tuple[Any, str]]:
    return [(z.id, text.pick(z.names)) for z in territory.zones() if allowed is None or z.id in allowed]


class DeviceForm(forms.ModelForm):  # type: ignore[type-arg]
    """allowed: the zones of whoever fills it in; None: the whole town."""

    class Meta:
        model = Device
        fields = [
            "code", "name", "kind", "door", "zone", "service", "decoder", "signed", "phone", "every", "lat", "lon", "stays",
            "fastest", "public",
        ]  # fmt: skip
        labels = {
            "code": gettext_lazy("What it calls itself"),
            "name": gettext_lazy("Name"),
            "kind": gettext_lazy("What it is"),
            "door": gettext_lazy("How it sends"),
            "zone": gettext_lazy("Zone"),
            "service": gettext_lazy("Service that it works for"),
            "decoder": gettext_lazy("How it is read"),
            "signed": gettext_lazy("Each message must be signed"),
            "phone": gettext_lazy("Its own phone number"),
            "every": gettext_lazy("Seconds between two messages"),
            "lat": gettext_lazy("Latitude of its place"),
            "lon": gettext_lazy("Longitude of its place"),
            "stays": gettext_lazy("Metres that it may be away from there"),
            "fastest": gettext_lazy("Greatest speed, km/h"),
            "public": gettext_lazy("Anyone may read what it measures"),
        }
        help_texts = {
            "code": gettext_lazy("IMEI, DevEUI, or a short name of letters, figures, dots and dashes."),
            "service": gettext_lazy("Bins and trucks: chosen on the page of the bin, or of the truck."),
            "phone": gettext_lazy("For one that reports by SMS, with the country's code: +223..."),
            "stays": gettext_lazy(
                "For one that must not be moved, such as a scale. It says where it is in each message, or is not believed."
            ),
        }

    def __init__(self, *args: Any, allowed: frozenset[int] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = zone_choices(allowed)
        self.fields["zone"] = forms.TypedChoiceField(
            label=_("Zone"), choices=choices if allowed is not None else [*NOTHING, *choices], coerce=int, empty_value=None,
            required=allowed is not None,
        )  # fmt: skip
        self.fields["decoder"].empty_label = _("by itself: our own JSON, or its network server's")  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["code"].disabled = True

    def clean_phone(self) -> str:
        return "".join(str(self.cleaned_data["phone"] or "").split())

    def told(self) -> dict[str, Any]:
        """For `register.Told`."""
        data = self.cleaned_data
        found = {name: data[name] for name in self.Meta.fields if name not in ("code", "door", "decoder")}
        found["ref"] = self.instance.ref  # said by the service that has it: see `register.stand`
        return {**found, "decoder": data["decoder"].pk if data["decoder"] else None, "fastest": data["fastest"] or 160}


class DecoderForm(forms.Form):
    slug = forms.SlugField(label=gettext_lazy("Short name"), max_length=60)
    name = forms.CharField(label=gettext_lazy("Make and model"), max_length=120)
    fields_ = forms.CharField(
        label=gettext_lazy("What is what, as JSON"),
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text=gettext_lazy("See docs/telemetry.md. For example:")
        + ' [{"byte": 0, "size": 2, "quantity": "distance", "scale": 0.1}]',
    )
    sample = forms.CharField(
        label=gettext_lazy("Something that it sent, to try"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("JSON, or bytes in hexadecimal."),
    )  # fmt: skip

    def __init__(self, *args: Any, row: Decoder | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is not None:
            self.fields["slug"].disabled = True

    def clean_fields_(self) -> list[dict[str, Any]]:
        try:
            found = decoding.check(json.loads(self.cleaned_data["fields_"]))
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(str(error)) from error
        known = {*Quantity.objects.values_list("code", flat=True), *decoding.OWN}
        unknown = sorted({row["quantity"] for row in found} - known)
        if unknown:
            raise forms.ValidationError(
                ngettext("There is no quantity %(names)s.", "There are no quantities %(names)s.", len(unknown))
                % {"names": ", ".join(unknown)}
            )
        return found

    def tried(self) -> dict[str, float] | None:
        """What the sample gives, once the form is valid; None when there is no sample."""
        sample = self.cleaned_data.get("sample", "").strip()
        if not sample:
            return None
        rows = self.cleaned_data["fields_"]
        try:
            return decoding.from_json(rows, json.loads(sample))
        except ValueError:
            try:
                return decoding.from_bytes(rows, bytes.fromhex(sample))
            except ValueError:
                return {}


@dataclass(frozen=True)
class Kind:
    """What a rule may watch for, as who makes one chooses it first; fields: of the form, its own."""

    name: str
    title: Any
    example: Any
    icon: str
    fields: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "threshold", gettext_lazy("a value is too high or too low"), gettext_lazy("A bin is nearly full, a tank is nearly empty."),
            "warn", ("quantity", "above", "below", "clear", "minutes"),
        ),
        Kind(
            "silence", gettext_lazy("nothing comes any more"), gettext_lazy("A device is broken, stolen or without power."), "clock",
            ("minutes",),
        ),
        Kind(
            "rate", gettext_lazy("a value changes too fast"), gettext_lazy("Fuel is taken from a tank, a river rises."), "figures",
            ("quantity", "above", "below"),
        ),
        Kind(
            "geofence", gettext_lazy("it leaves a zone, or enters one"), gettext_lazy("A truck leaves the town."), "zone",
            ("zones", "side"),
        ),
        Kind(
            "json", gettext_lazy("several of these together (JSON)"), gettext_lazy("All of them at once, or any of them: see docs/telemetry.md."),
            "layers", ("spec",),
        ),
    )
}  # fmt: skip


ONLY_NOT = [*NOTHING, ("only", gettext_lazy("only on these")), ("not", gettext_lazy("not on these"))]


class RuleForm(forms.Form):
    """One simple condition in its own fields, or any in JSON."""

    TIMES = ("days", "start", "end", "holidays", "dates", "not_dates", "market", "every", "since")

    title = forms.CharField(label=gettext_lazy("Name of the rule"), max_length=120)
    level = forms.TypedChoiceField(label=gettext_lazy("Level"), choices=Level.choices, coerce=int, initial=2)
    quantity = forms.ChoiceField(label=gettext_lazy("Quantity"))
    above = forms.FloatField(label=gettext_lazy("Above"), required=False)
    below = forms.FloatField(label=gettext_lazy("Below"), required=False)
    clear = forms.FloatField(label=gettext_lazy("It ends at"), required=False)
    minutes = forms.FloatField(
        label=gettext_lazy("Minutes that it lasts before"), required=False, min_value=0, max_value=100_000
    )
    zones = forms.TypedMultipleChoiceField(label=gettext_lazy("Zones"), coerce=int)
    side = forms.ChoiceField(
        label=gettext_lazy("It is"),
        choices=[("outside", gettext_lazy("outside")), ("inside", gettext_lazy("inside"))],
    )
    spec = forms.CharField(
        label=gettext_lazy("Conditions as JSON"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
    days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Only on these days"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(1, gettext_lazy("Monday")), (2, gettext_lazy("Tuesday")), (3, gettext_lazy("Wednesday")), (4, gettext_lazy("Thursday")), (5, gettext_lazy("Friday")), (6, gettext_lazy("Saturday")), (7, gettext_lazy("Sunday"))],
    )  # fmt: skip
    start = forms.TimeField(
        label=gettext_lazy("From, o’clock"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    end = forms.TimeField(
        label=gettext_lazy("To, o’clock"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    holidays = forms.ChoiceField(label=gettext_lazy("Public holidays"), required=False, choices=ONLY_NOT)
    dates = forms.CharField(
        label=gettext_lazy("Only on these dates"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "24/12 of each year, 24/12/2026 once, 01/06..15/10 from a day to a day; commas between."
        ),
    )
    not_dates = forms.CharField(label=gettext_lazy("Not on these dates"), required=False, max_length=500)
    market = forms.ChoiceField(label=gettext_lazy("Market days"), required=False, choices=ONLY_NOT)
    every = forms.IntegerField(
        label=gettext_lazy("The market comes each … days"), required=False, min_value=2, max_value=MOST_EVERY
    )
    since = forms.DateField(
        label=gettext_lazy("A day of the market"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("The others are counted from it, before and after."),
    )
    service = forms.CharField(label=gettext_lazy("Only devices of this service"), required=False, max_length=30)
    kind = forms.ChoiceField(
        label=gettext_lazy("Only devices that are"), required=False, choices=[*NOTHING, *Device.Kind.choices]
    )
    zone = forms.TypedChoiceField(
        label=gettext_lazy("Only devices of this zone"), coerce=int, empty_value=None, required=False
    )
    escalate = forms.IntegerField(
        label=gettext_lazy("Minutes after which it goes up a level when nobody deals with it"),
        required=False,
        min_value=1,
        max_value=10_000,
    )
    notify = forms.CharField(
        label=gettext_lazy("Who hears of it"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("Phone numbers with the country's code, e-mails, with commas between."),
    )
    notify_up = forms.CharField(
        label=gettext_lazy("Who hears when it goes up a level"), required=False, max_length=500, help_text=gettext_lazy("Empty: the same.")
    )  # fmt: skip

    def __init__(
        self, *args: Any, condition: str, actor: Actor, allowed: frozenset[int] | None = None, **kwargs: Any
    ) -> None:
        """condition: of KINDS."""
        super().__init__(*args, **kwargs)
        self.condition = KINDS[condition]
        others = {name for kind in KINDS.values() for name in kind.fields}.difference(self.condition.fields)
        for name in (*others, *(self.TIMES if condition == "json" else ())):  # JSON says by itself when it watches
            del self.fields[name]
        if condition == "silence":
            self.fields["minutes"] = forms.FloatField(
                label=_("Minutes without a message"), min_value=1, max_value=100_000, initial=60
            )
        if condition == "threshold":
            self.fields["above"].help_text = _("Above or below: one of the two.")
        if condition == "rate":
            self.fields["above"].help_text = _("Per hour: above, below, or both.")
            self.fields["below"].help_text = _("A fall with a minus.")
        self.reactions = [
            one for one in registry.declared(AlarmReaction) if access.can(actor, one.permission, anywhere=True)
        ]
        for one in self.reactions:
            self.fields[f"does_{one.name}"] = forms.ChoiceField(
                label=str(one.title), required=False, choices=[*NOTHING, *one.choices()]
            )
        names = [(q.code, text.pick(q.names)) for q in Quantity.objects.all()]
        for name, choices in (
            ("quantity", [*NOTHING, (conditions.SPEED, _("Speed")), *names]),
            ("zones", zone_choices(None)),
        ):
            if name in self.fields:
                self.fields[name].choices = choices  # type: ignore[attr-defined]
        reach = zone_choices(allowed)
        self.fields["zone"].choices = reach if allowed is not None else [*NOTHING, *reach]  # type: ignore[attr-defined]

    @property
    def folded(self) -> bool:
        """Whether nothing is said of when it watches: these fields lie folded away."""
        return not any(self[name].value() or self[name].errors for name in self.TIMES)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        if wrong := list(self._wrong(data)):
            raise forms.ValidationError(dict(wrong))
        try:
            data["made"] = conditions.parse(self._spec(data)).spec()
        except (conditions.BadCondition, ValueError, RecursionError) as error:
            raise forms.ValidationError(
                {self.condition.fields[-1]: _("This is no condition yet: %(why)s") % {"why": error}}
            ) from error
        return data

    def _wrong(self, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """(field, what is wrong) of what is right field by field and not together."""
        above, below, clear = data.get("above"), data.get("below"), data.get("clear")
        if self.condition.name == "threshold" and (above is None) == (below is None):
            yield "above", _("Above or below: one of the two.")
        elif clear is not None and (clear > above if above is not None else clear < below):
            yield "clear", _("It cannot end at a value at which it begins.")
        if self.condition.name == "rate" and above is below is None:
            yield "above", _("Per hour: above, below, or both.")
        if self.condition.name == "json":
            return
        if data["end"] is not None and data["end"] == (data["start"] or time()):
            yield "end", _("No time lies between these hours.")
        if not bool(data["market"]) == (data["every"] is not None) == (data["since"] is not None):
            yield (
                "market",
                _(
                    "A market needs all three: how many days lie between, one of its days, and whether only these are meant or all others."
                ),
            )

    def _spec(self, data: dict[str, Any]) -> Any:
        if self.condition.name == "json":
            return json.loads(data["spec"])
        own = {name: data[name] for name in self.condition.fields if data[name] not in (None, "")}
        if "side" in own:
            own["when"] = own.pop("side")
        found: dict[str, Any] = {"kind": self.condition.name, **own}
        calendar = self._calendar(data)
        if data["days"] or data["start"] or data["end"] or calendar:
            found = {"kind": "during", "of": found, "days": data["days"] or [1, 2, 3, 4, 5, 6, 7], **calendar}
            if data["start"]:
                found["from"] = f"{data['start']:%H:%M}"
            if data["end"]:
                found["to"] = f"{data['end']:%H:%M}"
        return found

    def _calendar(self, data: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        if data["holidays"]:
            found.setdefault(data["holidays"], {})["holidays"] = True
        for side, typed in (("only", data["dates"]), ("not", data["not_dates"])):
            if typed:
                found.setdefault(side, {})["dates"] = typed
        if data["market"]:
            found.setdefault(data["market"], {})["market"] = {
                "every": data["every"],
                "since": f"{data['since']:%Y-%m-%d}",
            }
        return found

    def clean_dates(self) -> list[str]:
        return self._dates("dates")

    def clean_not_dates(self) -> list[str]:
        return self._dates("not_dates")

    def _dates(self, name: str) -> list[str]:
        try:
            return [_span(part) for part in self.cleaned_data[name].split(",") if part.strip()]
        except ValueError as error:
            raise forms.ValidationError(
                _("“%(typed)s” is no date such as 24/12, 24/12/2026 or 01/06..15/10.") % {"typed": error}
            ) from error

    def clean_notify(self) -> list[str]:
        return self._addresses("notify")

    def clean_notify_up(self) -> list[str]:
        return self._addresses("notify_up")

    def _addresses(self, name: str) -> list[str]:
        found = ["".join(part.split()) for part in self.cleaned_data[name].split(",") if part.strip()]
        for one in found:
            if "@" not in one and not (one.startswith("+") and one[1:].isdecimal() and 8 <= len(one) <= 16):
                raise forms.ValidationError(_("“%(typed)s” is neither a phone number nor an e-mail.") % {"typed": one})
        return found

    def values(self, row: AlarmRule | None) -> dict[str, Any]:
        """For `actions.save_rule`."""
        data = self.cleaned_data
        titles = dict(row.titles) if row is not None else {}
        titles[town.current().languages[0]] = data["title"]
        does = dict(row.does) if row is not None else {}  # what somebody else may choose stays
        does |= {one.name: data[f"does_{one.name}"] for one in self.reactions}
        return {
            "titles": titles, "spec": data["made"], "level": data["level"], "service": data["service"], "kind": data["kind"],
            "zone": data["zone"], "escalate": data["escalate"], "notify": data["notify"], "notify_up": data["notify_up"],
            "does": {name: chosen for name, chosen in does.items() if chosen},
        }  # fmt: skip


class KeepForm(forms.Form):
    """For how many days readings and positions are kept, in the tables, in files, as hours."""

    reading_raw_days = forms.IntegerField(label=gettext_lazy("Readings: days in the database"), max_value=3650)
    reading_file_days = forms.IntegerField(
        label=gettext_lazy("Readings: days until their files are deleted"), max_value=36_500
    )
    reading_hour_days = forms.IntegerField(
        label=gettext_lazy("Hourly means: days until they are deleted"), max_value=36_500
    )
    position_raw_days = forms.IntegerField(label=gettext_lazy("Positions: days in the database"), max_value=3650)
    position_file_days = forms.IntegerField(
        label=gettext_lazy("Positions: days until their files are deleted"), max_value=36_500
    )

    @classmethod
    def kept(cls) -> dict[str, int]:
        """What the fields show first."""
        rows = {row.table: row for row in Policy.objects.all()}
        return {
            name: getattr(rows[table], field)
            for name in cls.base_fields for table, _line, field in [name.partition("_")] if table in rows
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for table in ("reading", "position"):
            raw, file = data.get(f"{table}_raw_days"), data.get(f"{table}_file_days")
            if raw is not None and raw < Policy.LEAST:
                self.add_error(
                    f"{table}_raw_days",
                    ngettext("At least %(n)s day: what comes now is written there.", "At least %(n)s days: what comes now is written there.", Policy.LEAST)
                    % {"n": Policy.LEAST},
                )  # fmt: skip
            elif raw is not None and file is not None and file < raw:
                self.add_error(
                    f"{table}_file_days", _("Files are made of what leaves the database: not fewer days than there.")
                )
        if (hours := data.get("reading_hour_days")) is not None and hours < (data.get("reading_raw_days") or 0):
            self.add_error("reading_hour_days", _("Not fewer days than in the database."))
        return data

    def days(self) -> dict[str, dict[str, int]]:
        """For `register.keep_for`."""
        found: dict[str, dict[str, int]] = {}
        for name, value in self.cleaned_data.items():
            table, _line, field = name.partition("_")
            found.setdefault(table, {})[field] = value
        return found


_DATES = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", re.ASCII)


def _span(typed: str) -> str:
    """ "01/06..15/10" as conditions write it: "06-01..10-15". Raises ValueError with what was typed."""
    parts = []
    for day in typed.split(".."):
        if (match := _DATES.fullmatch(day.strip())) is None:
            raise ValueError(typed.strip())
        parts.append(f"{match[3]}-" * bool(match[3]) + f"{int(match[2]):02}-{int(match[1]):02}")
    try:
        return str(Span.read("..".join(parts)))
    except ValueError as error:
        raise ValueError(typed.strip()) from error


def _typed(spans: list[str]) -> str:
    """And back."""
    return ", ".join("..".join("/".join(reversed(day.split("-"))) for day in span.split("..")) for span in spans)


def _calendar(spec: dict[str, Any]) -> dict[str, Any]:
    """What a condition says of the calendar, as the form shows it."""
    found: dict[str, Any] = {}
    for side, dates in (("only", "dates"), ("not", "not_dates")):
        said = spec.get(side, {})
        found[dates] = _typed(said.get("dates", []))
        found |= {name: side for name in ("holidays", "market") if name in said} | said.get("market", {})
    return found


def initial(row: AlarmRule) -> dict[str, Any]:
    """A rule as the form shows it: what does not fit its fields is JSON."""
    spec = dict(row.spec)
    found: dict[str, Any] = {
        "title": text.pick(row.titles), "level": row.level, "service": row.service, "kind": row.kind, "zone": row.zone,
        "escalate": row.escalate, "notify": ", ".join(row.notify),
        "notify_up": ", ".join(row.notify_up), **{f"does_{name}": chosen for name, chosen in row.does.items()},
        "spec": json.dumps(spec, ensure_ascii=False, indent=1), "condition": "json",
    }  # fmt: skip
    inner, when = spec, {}
    if spec.get("kind") == "during" and isinstance(spec.get("of"), dict):
        inner = spec["of"]
        when = {
            "days": spec.get("days"),
            "start": spec.get("from"),
            "end": spec.get("to") if spec.get("to") != "24:00" else "",
            **_calendar(spec),
        }
    twice = spec.get("only", {}).keys() & spec.get("not", {}).keys() - {"dates"}
    if not twice and (
        inner.get("kind") in ("threshold", "silence", "rate")
        or (inner.get("kind") == "geofence" and inner.get("zones"))
    ):
        names = ("quantity", "above", "below", "clear", "minutes", "zones")
        return {
            **found,
            **when,
            "condition": inner["kind"],
            "side": inner.get("when"),
            **{n: inner[n] for n in names if n in inner},
        }
    return found
