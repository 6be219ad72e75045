"""Connected scales and what they said. What is refused is kept too, with why."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.waste.models.orders import Household
from toguna.services.waste.models.places import Material, WastePlace


class Scale(models.Model):
    """A scale is a device of telemetry: its key, its signature, its clock and whether it was moved are judged there. place: where it
    stands; least, most: grammes that it can weigh; tariff: of the ledger, that asks for kg, "" where nothing is charged."""

    code = models.CharField(max_length=8, unique=True)
    name = models.CharField(max_length=80)
    place = models.ForeignKey(WastePlace, on_delete=models.PROTECT, related_name="scales")
    device = models.BigIntegerField(unique=True)
    least = models.PositiveIntegerField(default=100)
    most = models.PositiveIntegerField(default=150_000)
    tariff = models.SlugField(max_length=60, blank=True)
    material = models.ForeignKey(Material, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "waste_scale"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.code


class ScaleCount(models.Model):
    """A scale began to count anew (replaced, or reset), as somebody said who looked: from a moment of its clock on, its numbers are others."""

    scale = models.ForeignKey(Scale, on_delete=models.PROTECT, related_name="counts")
    since = models.DateTimeField()
    account = models.BigIntegerField(null=True)
    made = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_scale_count"
        ordering = ["since"]
        constraints = [models.UniqueConstraint(fields=["scale", "since"], name="waste_scale_count_one")]


class Weighing(models.Model):
    """A reading. number: the scale's own count, and series: how often that had begun anew by then; at: by its clock; why: of a refusal, "" when it was taken; refused: the row of telemetry
    that holds what came, word for word; household: whose card was shown; bill: what it charged."""

    class Why(models.TextChoices):
        NONE = "", _("taken")
        SIGNATURE = "signed", _("its signature is wrong: altered, or not from this scale")
        REPLAY = "replay", _("sent before, or out of order")
        RANGE = "range", _("beyond what this scale can weigh")
        MOVED = "moved", _("the scale is not where it should be")
        NOWHERE = "where", _("it does not say where it is")
        NUMBER = "number", _("it does not number its weighings")
        CLOCK = "clock", _("its clock is wrong")
        FORM = "form", _("it cannot be read")
        CARD = "card", _("nobody has this card")
        TARIFF = "tariff", _("no price holds on that day")
        OFF = "off", _("the scale is not in service")

    scale = models.ForeignKey(Scale, on_delete=models.PROTECT, related_name="weighings", db_index=False)
    number = models.BigIntegerField(null=True)
    series = models.PositiveSmallIntegerField(default=0, db_default=0)
    at = models.DateTimeField(null=True)
    received = models.DateTimeField(db_default=Now())
    grammes = models.BigIntegerField(null=True)
    material = models.ForeignKey(Material, null=True, on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey(Household, null=True, on_delete=models.SET_NULL, related_name="weighings")
    place = models.ForeignKey(WastePlace, on_delete=models.PROTECT, related_name="weighings")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    why = models.CharField(max_length=6, choices=Why.choices, blank=True, default=Why.NONE)
    refused = models.BigIntegerField(null=True)
    bill = models.ForeignKey("ledger.Bill", null=True, on_delete=models.PROTECT, related_name="+")
    price = models.BigIntegerField(default=0)

    class Meta:
        db_table = "waste_weighing"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["scale", "series", "number"], condition=Q(why=""), name="waste_weighing_once"
            ),
            models.CheckConstraint(
                condition=~Q(why="") | Q(grammes__gt=0, at__isnull=False, number__isnull=False),
                name="waste_weighing_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["scale", "-id"], name="waste_weighing_scale"),
            models.Index(fields=["household", "-at"], name="waste_weighing_household", condition=Q(household__isnull=False)),
            models.Index(fields=["at"], name="waste_weighing_at", condition=Q(why="")),
        ]  # fmt: skip
