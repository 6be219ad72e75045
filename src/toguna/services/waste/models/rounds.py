"""Trucks, rounds, and how full bins are. Units: litres, kilograms, metres, the currency's minor units."""

from __future__ import annotations

import uuid

import pghistory
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.waste.models.places import WastePlace


class Depot(models.Model):
    """Where trucks sleep."""

    name = models.CharField(max_length=80, unique=True)
    point = models.PointField(srid=4326, spatial_index=False)

    class Meta:
        db_table = "waste_depot"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Truck(models.Model):
    """A vehicle with its crew. begins, ends: of its day; pause_*: when the crew's rest may begin, and its minutes; burns: millilitres
    of fuel a kilometre; gross: kilograms with all its load; height: centimetres (none: as of most trucks of the kind); quarters: those that its crew knows, none: all; driver: the account that has its page; device: of telemetry,
    that says where it is; asset: of the register of equipment."""

    class Mode(models.TextChoices):
        TRUCK = "truck", _("truck")
        TRICYCLE = "tricycle", _("tricycle")
        CART = "cart", _("cart")

    plate = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=60, blank=True)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.TRUCK)
    depot = models.ForeignKey(Depot, on_delete=models.PROTECT, related_name="trucks")
    volume = models.PositiveIntegerField()
    weight = models.PositiveIntegerField()
    begins = models.TimeField()
    ends = models.TimeField()
    pause_from = models.TimeField(null=True, blank=True)
    pause_until = models.TimeField(null=True, blank=True)
    pause_minutes = models.PositiveSmallIntegerField(default=0)
    cost_km = models.PositiveIntegerField(default=0)
    cost_hour = models.PositiveIntegerField(default=0)
    cost_day = models.PositiveIntegerField(default=0)
    burns = models.PositiveSmallIntegerField(default=0)
    gross = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveSmallIntegerField(null=True, blank=True)
    quarters = models.ManyToManyField("territory.Zone", blank=True, related_name="+", db_table="waste_truck_quarter")
    driver = models.BigIntegerField(null=True, blank=True)
    device = models.BigIntegerField(null=True, blank=True, unique=True)
    asset = models.BigIntegerField(null=True, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "waste_truck"
        ordering = ["plate"]

    def __str__(self) -> str:
        return self.plate


class PresentRound(models.Model):
    """A round as it is driven without a plan: a truck, the days of the week (1 Monday), its places in their order. Plans are compared
    with it."""

    truck = models.ForeignKey(Truck, on_delete=models.CASCADE, related_name="present")
    days = ArrayField(models.SmallIntegerField())
    places = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "waste_present_round"


class Fill(models.Model):
    """How full a bin was found: percent of its capacity, more than 100 when it overflows. emptied: it was then emptied."""

    class Source(models.TextChoices):
        SENSOR = "sensor", _("sensor")
        DRIVER = "driver", _("driver")
        PERSON = "person", _("resident")

    place = models.ForeignKey(WastePlace, on_delete=models.CASCADE, related_name="fills", db_index=False)
    at = models.DateTimeField()
    level = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=6, choices=Source.choices)
    emptied = models.BooleanField(default=False, db_default=False)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)

    class Meta:
        db_table = "waste_fill"
        indexes = [
            models.Index(fields=["place", "at"], name="waste_fill_place"),
            models.Index(fields=["place", "at"], condition=Q(emptied=True), name="waste_fill_emptied"),
            BrinIndex(fields=["at"], name="waste_fill_at"),
        ]


class Forecast(models.Model):
    """What is expected of a bin. level: percent at `computed`; rate: percent a day; error: days, the mean distance between the day
    forecast and the day found, on its own visits and, the fewer they are, on those of its quarter; visits: that it was learned from."""

    place = models.OneToOneField(WastePlace, primary_key=True, on_delete=models.CASCADE, related_name="forecast")
    computed = models.DateTimeField()
    level = models.FloatField()
    rate = models.FloatField()
    full = models.DateTimeField()
    error = models.FloatField()
    visits = models.PositiveIntegerField()

    class Meta:
        db_table = "waste_forecast"
        indexes = [models.Index(fields=["full"], name="waste_forecast_full")]


class Call(models.Model):
    """Waste to fetch where there is no bin: a wild dump or a full bin that somebody reported (case), put on the next round."""

    class State(models.TextChoices):
        OPEN = "open", _("to fetch")
        DONE = "done", _("fetched")
        ENDED = "ended", _("no longer to fetch")

    case = models.BigIntegerField(unique=True, null=True)
    point = models.PointField(srid=4326, spatial_index=False)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=120)
    volume = models.PositiveIntegerField()
    weight = models.PositiveIntegerField()
    state = models.CharField(max_length=5, choices=State.choices, default=State.OPEN, db_default="open")
    opened = models.DateTimeField(db_default=Now())
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "waste_call"
        indexes = [models.Index(fields=["opened"], condition=Q(state="open"), name="waste_call_open")]


class DayPlan(models.Model):
    """The rounds of a day, or a trial of them. asked: what they were made with ({"without": [truck], "dumps": [place], "seconds": n}; "only": [place]:
    the dumps that are left since a change; "whole": it is played from its first hour; "then": "tell" its heads, or "give" it to the crews, when it was made by itself);
    figures: of the plan and of the present rounds; by_roads: False when distances are as the crow flies; version: how often it was
    changed during the day."""

    class State(models.TextChoices):
        ASKED = "asked", _("being made")
        READY = "ready", _("ready")
        PUBLISHED = "published", _("given to the crews")
        FAILED = "failed", _("could not be made")

    day = models.DateField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    asked = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    by_roads = models.BooleanField(default=True)
    says = models.CharField(max_length=200, blank=True)
    version = models.PositiveSmallIntegerField(default=0)
    # A change that is being made: {"number": of the asking, "words": "", "asked": moment, "account",
    # "calls": to fetch besides}.
    changing = models.JSONField(null=True)
    created = models.DateTimeField(db_default=Now())
    published = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)

    @property
    def trial(self) -> bool:
        """Made to compare: without some trucks, or with some dumps only."""
        return bool(self.asked.get("without") or self.asked.get("dumps"))

    class Meta:
        db_table = "waste_day_plan"
        ordering = ["-day", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["day"], condition=Q(state="published"), name="waste_one_plan_a_day")
        ]


class EveningPlan(models.Model):
    """When the rounds of tomorrow are planned by themselves: one row, or none while nobody has chosen. hour: of the evening, None:
    never; gives: they are given to the crews at once."""

    hour = models.PositiveSmallIntegerField(null=True, blank=True, default=18)
    gives = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "waste_evening_plan"


class PlanChange(models.Model):
    """What was changed in the rounds of a day after crews had them. moved: stops that changed truck; left: that found no room."""

    plan = models.ForeignKey(DayPlan, on_delete=models.CASCADE, related_name="changes")
    version = models.PositiveSmallIntegerField()
    at = models.DateTimeField(db_default=Now())
    words = models.CharField(max_length=200)
    moved = models.PositiveSmallIntegerField()
    left = models.PositiveSmallIntegerField()
    took = models.FloatField()
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_plan_change"
        constraints = [models.UniqueConstraint(fields=["plan", "version"], name="waste_change_once")]


class Round(models.Model):
    """A truck's day in a plan. line: its way, [[lon, lat], ...]; spot: where the driver's telephone last was, {"lon", "lat", "at"}."""

    class State(models.TextChoices):
        PLANNED = "planned", _("not begun")
        STARTED = "started", _("under way")
        ENDED = "ended", _("back at the depot")
        BROKEN = "broken", _("broken down")

    GOING = (State.PLANNED, State.STARTED)

    plan = models.ForeignKey(DayPlan, on_delete=models.CASCADE, related_name="rounds")
    truck = models.ForeignKey(Truck, on_delete=models.PROTECT, related_name="rounds")
    state = models.CharField(max_length=7, choices=State.choices, default=State.PLANNED)
    departs = models.DateTimeField()
    returns = models.DateTimeField()
    metres = models.PositiveIntegerField()
    line = models.JSONField(default=list)
    spot = models.JSONField(null=True)
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)

    class Meta:
        db_table = "waste_round"
        constraints = [models.UniqueConstraint(fields=["plan", "truck"], name="waste_round_once")]

    @property
    def km(self) -> float:
        return round(self.metres / 1000, 1)


class Visit(models.Model):
    """One thing to do in a round. why: the reason that it is there today (a code of `stops.WORTH`), facts: of that reason; level:
    percent found; volume, weight: on board after it, as planned."""

    class Kind(models.TextChoices):
        STOP = "stop", _("stop")
        DUMP = "dump", _("emptying")
        PAUSE = "pause", _("rest")

    class State(models.TextChoices):
        PLANNED = "planned", _("to do")
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="visits", db_index=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=5, choices=Kind.choices)
    place = models.ForeignKey(WastePlace, null=True, on_delete=models.CASCADE, related_name="visits")
    call = models.ForeignKey(Call, null=True, on_delete=models.CASCADE, related_name="visits")
    arrives = models.DateTimeField()
    leaves = models.DateTimeField()
    metres = models.PositiveIntegerField()
    takes = models.PositiveIntegerField(default=0)  # litres: as expected; once it is done, as found
    takes_kg = models.PositiveIntegerField(default=0)
    volume = models.PositiveIntegerField()
    weight = models.PositiveIntegerField()
    why = models.CharField(max_length=12, blank=True)
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=7, choices=State.choices, default=State.PLANNED)
    at = models.DateTimeField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    reason = models.CharField(max_length=12, blank=True)
    words = models.CharField(max_length=300, blank=True)
    record = models.UUIDField(null=True)

    class Meta:
        db_table = "waste_visit"
        ordering = ["number"]
        indexes = [models.Index(fields=["round", "number"], name="waste_visit_round")]


class DriverRecord(models.Model):
    """What a driver's telephone said, once: a replay finds it here. result: what was answered."""

    client_id = models.UUIDField(primary_key=True)
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="records")
    said = models.JSONField()
    result = models.CharField(max_length=8)
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_driver_record"


class LeftOut(models.Model):
    """A stop that was due and is in no round, with the reason (`problem.Why`)."""

    plan = models.ForeignKey(DayPlan, on_delete=models.CASCADE, related_name="left")
    place = models.ForeignKey(WastePlace, null=True, on_delete=models.CASCADE, related_name="+")
    call = models.ForeignKey(Call, null=True, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=12)
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "waste_left_out"


class Nearing(models.Model):
    """Who wants a message when the truck is near a place. address: as conversations know it, a telephone or a chat; told: the day of the last one."""

    address = models.CharField(max_length=254)
    language = models.CharField(max_length=8, blank=True)
    place = models.ForeignKey(WastePlace, on_delete=models.CASCADE, related_name="nearing")
    told = models.DateField(null=True)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_nearing"
        constraints = [models.UniqueConstraint(fields=["address", "place"], name="waste_nearing_once")]


class ForecastTrial(models.Model):
    """How a method of forecasting did on the last visits. error, bias: days; near: share within a day (see `forecasting.Trial`)."""

    day = models.DateField()
    method = models.CharField(max_length=8)
    error = models.FloatField()
    near = models.FloatField()
    bias = models.FloatField()
    visits = models.PositiveIntegerField()

    class Meta:
        db_table = "waste_forecast_trial"
        constraints = [models.UniqueConstraint(fields=["day", "method"], name="waste_trial_once")]
