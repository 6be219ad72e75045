"""Equipment of the town: what it is, in what state, what it needs, what it burns and costs. Units: metres, minutes, millilitres, the
currency's minor units."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Asset(models.Model):
    """One piece of equipment. code: on its label; serial: number plate or serial number; unit: the part of the town hall that has it;
    tank: litres; device: of telemetry, that says where it goes; metres, minutes: of its meters, never going down; said_metres: what
    was last typed; tracked: until when the device's way is added for good; ahead: the metres of its way since then, which are in `metres`
    too and are looked at again, since positions may come late; public: stands in open data."""

    class Kind(models.TextChoices):
        VEHICLE = "vehicle", _("vehicle")
        MACHINE = "machine", _("site machine")
        PUMP = "pump", _("pump")
        GENERATOR = "generator", _("generator")
        BIN = "bin", _("bin, container")
        COMPUTER = "computer", _("computer")
        FURNITURE = "furniture", _("furniture")
        TOOL = "tool", _("tool")
        OTHER = "other", _("other equipment")

    class State(models.TextChoices):
        SERVICE = "service", _("in service")
        BROKEN = "broken", _("broken down")
        UPKEEP = "upkeep", _("in upkeep")
        RETIRED = "retired", _("retired")

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=120)
    serial = models.CharField(max_length=60, blank=True)
    maker = models.CharField(max_length=80, blank=True)
    unit = models.CharField(max_length=120, blank=True)
    where = models.CharField(max_length=200, blank=True)
    point = models.PointField(srid=4326, null=True, blank=True)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.SERVICE)
    since = models.DateTimeField(db_default=Now())  # in this state
    bought = models.DateField(null=True, blank=True)
    price = models.BigIntegerField(default=0)
    warranty = models.DateField(null=True, blank=True)
    tank = models.PositiveIntegerField(default=0)
    metres = models.BigIntegerField(default=0)
    said_metres = models.BigIntegerField(default=0)
    minutes = models.BigIntegerField(default=0)
    device = models.BigIntegerField(null=True, blank=True, unique=True)
    tracked = models.DateTimeField(null=True, blank=True)
    ahead = models.BigIntegerField(default=0)
    public = models.BooleanField(default=True)
    created = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "assets_asset"
        indexes = [models.Index(fields=["state", "kind"], name="assets_asset_state")]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.serial)))

    @property
    def km(self) -> int:
        return self.metres // 1000

    @property
    def hours(self) -> int:
        return self.minutes // 60


class Keeper(models.Model):
    """Who may speak for a piece of equipment from their telephone: its driver, its mechanic. Personal data."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="keepers", db_index=False)
    phone = models.CharField(max_length=20)

    class Meta:
        db_table = "assets_keeper"
        constraints = [models.UniqueConstraint(fields=["asset", "phone"], name="assets_keeper_once")]
        indexes = [models.Index(fields=["phone"], name="assets_keeper_phone")]


class StateChange(models.Model):
    """Append-only. Where it stood from `at` on."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="states", db_index=False)
    state = models.CharField(max_length=8, choices=Asset.State.choices)
    at = models.DateTimeField()
    why = models.CharField(max_length=200, blank=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "assets_state"
        indexes = [models.Index(fields=["asset", "at"], name="assets_state_of")]


class Reading(models.Model):
    """Append-only. What a meter was said to show."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="meters", db_index=False)
    at = models.DateTimeField(db_default=Now())
    metres = models.BigIntegerField(null=True)
    minutes = models.BigIntegerField(null=True)
    source = models.CharField(max_length=8)  # typed, fuel
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "assets_reading"
        indexes = [models.Index(fields=["asset", "at"], name="assets_reading_of")]


class Paper(models.Model):
    """A document that ends on a day: insurance, technical visit... renewed: another took its place. told: days before the end of which
    those who manage were told."""

    class Kind(models.TextChoices):
        INSURANCE = "insurance", _("insurance")
        VISIT = "visit", _("technical visit")
        LICENCE = "licence", _("licence, permit")
        CONTRACT = "contract", _("upkeep contract")
        OTHER = "other", _("other document")

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="papers")
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    number = models.CharField(max_length=80, blank=True)
    ends = models.DateField()
    renewed = models.BooleanField(default=False)
    told = ArrayField(models.SmallIntegerField(), default=list)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "assets_paper"
        indexes = [models.Index(fields=["ends"], condition=Q(renewed=False), name="assets_paper_due")]


class UpkeepPlan(models.Model):
    """What is to be done again: every so many days, km or hours, whichever comes first. last_*: when it was done last."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="plans")
    title = models.CharField(max_length=120)
    every_days = models.PositiveIntegerField(null=True, blank=True)
    every_km = models.PositiveIntegerField(null=True, blank=True)
    every_hours = models.PositiveIntegerField(null=True, blank=True)
    last_day = models.DateField()
    last_metres = models.BigIntegerField(default=0)
    last_minutes = models.BigIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "assets_plan"


class WorkOrder(models.Model):
    """Work on a piece of equipment. stops: it cannot be used until it is done. source, ref: where it comes from: a plan, a breakdown said by its driver, a
    service ("waste.round:12"), a report. parts: what its parts cost; minutes: of labour; other: what else was paid."""

    class State(models.TextChoices):
        OPEN = "open", _("to do")
        TAKEN = "taken", _("in hand")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("given up")

    class Source(models.TextChoices):
        HAND = "hand", _("by hand")
        PLAN = "plan", _("upkeep plan")
        DRIVER = "driver", _("said by its driver")
        REPORT = "report", _("a report")
        SERVICE = "service", _("another service")

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="orders")
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    repeats = ArrayField(models.UUIDField(), default=list)  # client_id of each breakdown to which it was the answer
    plan = models.ForeignKey(UpkeepPlan, null=True, blank=True, on_delete=models.SET_NULL, related_name="orders")
    title = models.CharField(max_length=160)
    words = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    stops = models.BooleanField(default=False)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.HAND)
    ref = models.CharField(max_length=60, blank=True)
    account = models.BigIntegerField(null=True)
    taken_by = models.BigIntegerField(null=True)
    opened = models.DateTimeField(db_default=Now())
    taken = models.DateTimeField(null=True)
    closed = models.DateTimeField(null=True)
    minutes = models.PositiveIntegerField(default=0)
    parts = models.BigIntegerField(default=0)
    other = models.BigIntegerField(default=0)
    done_words = models.TextField(blank=True)

    class Meta:
        db_table = "assets_order"
        constraints = [
            models.UniqueConstraint(
                fields=["plan"], condition=Q(state__in=("open", "taken")), name="assets_order_plan_once"
            )
        ]
        indexes = [models.Index(fields=["opened"], condition=Q(state__in=("open", "taken")), name="assets_order_open")]

    @property
    def cost(self) -> int:
        return self.parts + self.other

    @property
    def live(self) -> bool:
        return self.state in (self.State.OPEN, self.State.TAKEN)


class Part(models.Model):
    """A spare part in the store. stock: the sum of its moves, which the database keeps from going under nothing; low: warn from there; price: of one, when
    it was last bought."""

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=120)
    measure = models.CharField(max_length=20, blank=True)
    place = models.CharField(max_length=80, blank=True)
    stock = models.IntegerField(default=0)
    low = models.PositiveIntegerField(default=0)
    price = models.BigIntegerField(default=0)

    class Meta:
        db_table = "assets_part"
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(stock__gte=0), name="assets_part_not_under")]

    def __str__(self) -> str:
        return self.name


class PartMove(models.Model):
    """Append-only. change: came in (+), went out (-); after: what was then there; price: of one."""

    class Kind(models.TextChoices):
        IN = "in", _("came in")
        OUT = "out", _("went out")
        COUNT = "count", _("stock-taking")

    part = models.ForeignKey(Part, on_delete=models.PROTECT, related_name="moves")
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    change = models.IntegerField()
    after = models.IntegerField()
    price = models.BigIntegerField(default=0)
    order = models.ForeignKey(WorkOrder, null=True, blank=True, on_delete=models.PROTECT, related_name="moves")
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "assets_part_move"


class Fill(models.Model):
    """Fuel that was put in. full: until the tank was full, so that what was burned since it last was is known; odd: what is strange about it (see `fuel`); struck: it was a mistake, and counts no more."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="fills", db_index=False)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    at = models.DateTimeField()
    volume = models.PositiveIntegerField()
    price = models.BigIntegerField(default=0)
    metres = models.BigIntegerField(null=True)
    full = models.BooleanField(default=True)
    odd = ArrayField(models.CharField(max_length=8), default=list)
    seen = models.BooleanField(default=False)  # what is strange was looked at
    struck = models.BooleanField(default=False)
    channel = models.CharField(max_length=8, default="web")
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "assets_fill"
        indexes = [models.Index(fields=["asset", "at"], name="assets_fill_of")]

    @property
    def litres(self) -> float:
        return self.volume / 1000
