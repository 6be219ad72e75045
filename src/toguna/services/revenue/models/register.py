"""The municipal register: who is taxed, and for what."""

from __future__ import annotations

import uuid

import pghistory
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


def _history() -> tuple[pghistory.RowEvent, ...]:
    """A row of history for each change, written by the statement, not row by row: a table that is brought costs a third."""
    return pghistory.InsertEvent(level=pghistory.Statement), pghistory.UpdateEvent(level=pghistory.Statement)


class Base(models.Model):
    """A kind of thing that is taxed: stalls, licences, signs, houses. tariff: the slug of the ledger's; asks: what is measured, in the
    order in which a collector is asked ([{"name": "m2", "titles": {...}}]); every: how often it is billed."""

    class Every(models.TextChoices):
        DAY = "day", _("every day")
        MONTH = "month", _("every month")
        YEAR = "year", _("every year")
        ONCE = "once", _("once")

    class Place(models.TextChoices):
        PARCEL = "parcel", _("a parcel")
        BUILDING = "building", _("a building")
        STALL = "stall", _("a place in a market")
        VEHICLE = "vehicle", _("a vehicle")
        POINT = "point", _("a point")

    slug = models.SlugField(max_length=60, unique=True)
    titles = WordsField()
    tariff = models.SlugField(max_length=60)
    asks = models.JSONField(default=list, blank=True)
    every = models.CharField(max_length=5, choices=Every.choices, default=Every.YEAR)
    place = models.CharField(max_length=8, choices=Place.choices, default=Place.POINT)
    icon = models.CharField(max_length=40, default="market")
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "revenue_base"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


@pghistory.track(*_history())
class Taxpayer(models.Model):
    """A person or a business that the town bills. number: "R2K7M4TP", printed on notices and plates; folded: the name as it is compared;
    person: whose telephone may ask for it; erased: the name is gone, the figures stay."""

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        BUSINESS = "business", _("business")

    number = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(max_length=200, blank=True)
    folded = models.CharField(max_length=200, blank=True, db_default="")
    trade = models.CharField(max_length=120, blank=True, db_default="")
    phone = models.CharField(max_length=20, blank=True, db_default="")
    email = models.EmailField(blank=True, db_default="")
    tax_number = models.CharField(max_length=40, blank=True, db_default="")  # NIF, NINEA, TIN: of the state
    address = models.CharField(max_length=200, blank=True, db_default="")
    language = models.CharField(max_length=2, blank=True, db_default="")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    payer = models.OneToOneField("ledger.Payer", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    active = models.BooleanField(default=True, db_default=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged")
    created = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    erased = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_taxpayer"
        constraints = [
            models.CheckConstraint(
                condition=Q(active=True) | Q(merged_into__isnull=False) | Q(erased__isnull=False),
                name="revenue_taxpayer_gone",
            )
        ]
        indexes = [
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="revenue_taxpayer_name"),
            models.Index(fields=["phone"], condition=~Q(phone=""), name="revenue_taxpayer_phone"),
            models.Index(fields=["tax_number"], condition=~Q(tax_number=""), name="revenue_taxpayer_nif"),
            GistIndex(fields=["point"], name="revenue_taxpayer_point"),
        ]

    def __str__(self) -> str:
        return self.number


@pghistory.track(*_history())
class Taxed(models.Model):
    """One thing that is taxed. code: on its plate and in its QR; measures: {"m2": "12.5"}; street: the feature that it lies on, to walk
    street by street; seen: when a collector last stood before it; state: declared until the town has seen it."""

    class State(models.TextChoices):
        DECLARED = "declared", _("declared, not seen yet")
        SEEN = "seen", _("seen by the town")
        GONE = "gone", _("no longer there")

    code = models.CharField(max_length=12, unique=True)
    base = models.ForeignKey(Base, on_delete=models.PROTECT, related_name="taxed")
    words = models.CharField(max_length=120, blank=True, db_default="")  # "Stall 12, row C"
    plate = models.CharField(max_length=20, blank=True, db_default="")
    measures = models.JSONField(default=dict)
    exemption = models.CharField(max_length=40, blank=True, db_default="")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    street = models.BigIntegerField(null=True, blank=True)
    street_name = models.CharField(max_length=200, blank=True, db_default="")
    feature = models.BigIntegerField(null=True, blank=True)  # the parcel or building of the map
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DECLARED, db_default="declared")
    seen = models.DateTimeField(null=True, blank=True)
    photo = models.CharField(max_length=80, blank=True, db_default="")  # its name in the folder of photos
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    created = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_taxed"
        indexes = [
            models.Index(fields=["base", "zone"], name="revenue_taxed_base"),
            models.Index(fields=["street"], condition=Q(street__isnull=False), name="revenue_taxed_street"),
            models.Index(fields=["plate"], condition=~Q(plate=""), name="revenue_taxed_plate"),
            GistIndex(fields=["point"], name="revenue_taxed_point"),
        ]

    def __str__(self) -> str:
        return self.code


class Part(models.Model):
    """Who pays of a taxed thing, and for how many parts of it: heirs who share a house, or one who has all."""

    taxed = models.ForeignKey(Taxed, on_delete=models.CASCADE, related_name="parts", db_index=False)
    taxpayer = models.ForeignKey(Taxpayer, on_delete=models.PROTECT, related_name="parts")
    weight = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        db_table = "revenue_part"
        constraints = [
            models.UniqueConstraint(fields=["taxed", "taxpayer"], name="revenue_part_once"),
            models.CheckConstraint(condition=Q(weight__gt=0), name="revenue_part_weight"),
        ]


class NotSame(models.Model):
    """Two taxpayers that a clerk looked at, and who are not the same. one < other."""

    one = models.ForeignKey(Taxpayer, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Taxpayer, on_delete=models.CASCADE, related_name="+")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_not_same"
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="revenue_not_same_once")]


class Alike(models.Model):
    """Two taxpayers who may be the same, kept by `doubles.look`. one < other; score: of a hundred."""

    one = models.ForeignKey(Taxpayer, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Taxpayer, on_delete=models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "revenue_alike"
        constraints = [models.UniqueConstraint(fields=["one", "other"], name="revenue_alike_once")]
        indexes = [models.Index(fields=["-score", "one", "other"], name="revenue_alike_surest")]


class ToCompare(models.Model):
    """A taxpayer who is new or was changed, and has not been compared with the others since; written by a trigger. One may stand
    there several times: whoever writes waits for nobody."""

    taxpayer = models.BigIntegerField()

    class Meta:
        db_table = "revenue_to_compare"


class ImportRun(models.Model):
    """A table that was brought. columns: {meaning: heading}; the same bytes for the same base are the same run. share: how far the
    worker is, of a hundred; counts: {"lines", "problems", "doubles", "taxpayers", "taxed"}."""

    class State(models.TextChoices):
        NEW = "new", _("columns to be chosen")
        READING = "reading", _("being read")
        READ = "read", _("read, to be looked at")
        BRINGING = "bringing", _("being brought in")
        DONE = "done", _("brought in")

    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    base = models.ForeignKey(Base, on_delete=models.PROTECT, related_name="+")
    columns = models.JSONField(default=dict)
    headings = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    share = models.PositiveSmallIntegerField(default=0)
    counts = models.JSONField(default=dict)
    problem = models.CharField(max_length=300, blank=True, default="")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_import"
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["base", "sha256"], name="revenue_import_once")]


class ImportRow(models.Model):
    """values: {meaning: as read}; problem: why it cannot be brought; same: who it may be already; decision: what a clerk said of it."""

    class Decision(models.TextChoices):
        OPEN = "", _("not decided")
        NEW = "new", _("somebody new")
        SAME = "same", _("the one that is there")
        SKIP = "skip", _("not brought")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()  # the line of the file
    values = models.JSONField()
    problem = models.CharField(max_length=200, blank=True)
    same = models.ForeignKey(Taxpayer, null=True, on_delete=models.SET_NULL, related_name="+")
    score = models.PositiveSmallIntegerField(default=0)  # of a hundred
    decision = models.CharField(max_length=4, choices=Decision.choices, blank=True, default="")
    made = models.ForeignKey(Taxed, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "revenue_import_row"
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="revenue_import_row_once")]


class Objection(models.Model):
    """A taxpayer says that what is taxed, or a bill, is wrong. While it is open no reminder goes out for it."""

    class State(models.TextChoices):
        OPEN = "open", _("to be answered")
        AGREED = "agreed", _("agreed")
        REFUSED = "refused", _("refused")

    code = models.CharField(max_length=12, unique=True)
    taxpayer = models.ForeignKey(Taxpayer, on_delete=models.PROTECT, related_name="objections")
    taxed = models.ForeignKey(Taxed, null=True, on_delete=models.PROTECT, related_name="objections")
    bill = models.ForeignKey("ledger.Bill", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=2000)
    state = models.CharField(max_length=7, choices=State.choices, default=State.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    channel = models.CharField(max_length=10, blank=True)
    client_id = models.UUIDField(unique=True)
    at = models.DateTimeField(db_default=Now())
    decided = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_objection"
        ordering = ["-pk"]
        indexes = [models.Index(fields=["at"], condition=Q(state="open"), name="revenue_objection_open")]


class PlanWish(models.Model):
    """A taxpayer asks to pay a bill in parts, one a month; the service agrees, and the ledger has the plan."""

    class State(models.TextChoices):
        OPEN = "open", _("to be answered")
        AGREED = "agreed", _("agreed")
        REFUSED = "refused", _("refused")

    taxpayer = models.ForeignKey(Taxpayer, on_delete=models.PROTECT, related_name="plans")
    bill = models.ForeignKey("ledger.Bill", on_delete=models.PROTECT, related_name="+")
    months = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.OPEN)
    answer = models.CharField(max_length=500, blank=True)
    channel = models.CharField(max_length=10, blank=True)
    client_id = models.UUIDField(unique=True)
    at = models.DateTimeField(db_default=Now())
    decided = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_plan_wish"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["bill"], condition=Q(state="open"), name="revenue_plan_wish_one"),
            models.CheckConstraint(condition=Q(months__gte=2, months__lte=36), name="revenue_plan_wish_months"),
        ]
