"""Sorting at source: points of households, what they buy, and campaigns whose effect is measured."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.db.models import Q
from django.db.models.functions import Now

from toguna.kernel.text import WordsField
from toguna.services.waste.models.orders import Household
from toguna.services.waste.models.places import Material, WastePlace
from toguna.services.waste.models.weighing import Weighing


class SortingCampaign(models.Model):
    """In some districts, for some weeks: a message, more points. compared: the comparable districts that are left out on purpose, to
    know what would have happened without it; target: kilogrammes a household a week; times: percent of the usual points."""

    slug = models.SlugField(max_length=60, unique=True)
    titles = WordsField()
    texts = WordsField(blank=True)  # what households are told
    material = models.ForeignKey(Material, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    zones = models.ManyToManyField("territory.Zone", related_name="+", db_table="waste_campaign_zone")
    compared = models.ManyToManyField(
        "territory.Zone", related_name="+", blank=True, db_table="waste_campaign_compared"
    )
    since = models.DateField()
    until = models.DateField()
    target = models.DecimalField(max_digits=7, decimal_places=2, default=1)
    times = models.PositiveSmallIntegerField(default=100)
    told = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_campaign"
        ordering = ["-since", "slug"]
        constraints = [models.CheckConstraint(condition=Q(until__gte=models.F("since")), name="waste_campaign_days")]

    def __str__(self) -> str:
        return self.slug


class PointEntry(models.Model):
    """Points that a household was given or spent: only ever added. key: unique, so that whatever is sent again counts once; grammes:
    what was sorted, 0 when they were spent."""

    key = models.CharField(max_length=80, unique=True)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="entries", db_index=False)
    points = models.IntegerField()
    material = models.ForeignKey(Material, null=True, on_delete=models.PROTECT, related_name="+")
    grammes = models.PositiveIntegerField(default=0)
    place = models.ForeignKey(WastePlace, null=True, on_delete=models.PROTECT, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.PROTECT, related_name="+")
    weighing = models.OneToOneField(Weighing, null=True, on_delete=models.PROTECT, related_name="entry")
    campaign = models.ForeignKey(SortingCampaign, null=True, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_point_entry"
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=~Q(points=0) | Q(grammes__gt=0), name="waste_point_entry_real")]
        indexes = [
            models.Index(fields=["household", "-id"], name="waste_point_household"),
            models.Index(fields=["at", "zone"], name="waste_point_at"),
        ]


class Reward(models.Model):
    """What points buy at a partner shop. value: what the town owes the shop for one, minor units."""

    slug = models.SlugField(max_length=60, unique=True)
    titles = WordsField()
    points = models.PositiveIntegerField()
    value = models.PositiveIntegerField(default=0)
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "waste_reward"
        ordering = ["order", "points"]
        constraints = [models.CheckConstraint(condition=Q(points__gt=0), name="waste_reward_points")]

    def __str__(self) -> str:
        return self.slug


class Voucher(models.Model):
    """Points were changed into a code, good once, at any partner shop, until a day. entry: by which the points were spent; back: by
    which they came back, when nobody used it."""

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="vouchers")
    reward = models.ForeignKey(Reward, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField(PointEntry, on_delete=models.PROTECT, related_name="+")
    back = models.OneToOneField(PointEntry, null=True, on_delete=models.PROTECT, related_name="+")
    until = models.DateField()
    used = models.DateTimeField(null=True)
    shop = models.ForeignKey(WastePlace, null=True, on_delete=models.PROTECT, related_name="vouchers")
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_voucher"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(used=None) | Q(back=None), name="waste_voucher_used_or_back"),
            models.CheckConstraint(condition=Q(used=None) | Q(shop__isnull=False), name="waste_voucher_where"),
        ]
        indexes = [models.Index(fields=["until"], condition=Q(used=None, back=None), name="waste_voucher_open")]
