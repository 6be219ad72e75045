"""Where waste is brought, kept, weighed, bought: one register of places, and the materials that each takes."""

from __future__ import annotations

import uuid
from typing import Any

import pghistory
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Material(models.Model):
    """A stream of waste: household waste, plastic, metal... words: other names by which people ask for it by SMS ("bidon", "sachet");
    density: kilogrammes in a cubic metre; points: for a kilogramme that a household sorts and brings, 0 for none."""

    slug = models.SlugField(max_length=40, unique=True)
    names = WordsField()
    words = models.JSONField(default=list, blank=True)
    icon = models.CharField(max_length=40, default="waste-pile")
    density = models.PositiveSmallIntegerField(default=200)
    sorted = models.BooleanField(default=True)  # has a value apart; False for what is mixed
    points = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "waste_material"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


@pghistory.track()
class WastePlace(models.Model):
    """A place of the register. code: on its label and in its QR; capacity: litres, 0 where it is not known; street: the feature of the
    map that it stands on; hours: when it is open to people (to trucks too, of a dump or station), as of a resource of bookings, none:
    always; served: when a truck may come to a bin, none: at any hour; device: of telemetry, that tells how full it is."""

    class Kind(models.TextChoices):
        BIN = "bin", _("bin")
        POINT = "point", _("collection point")
        STATION = "station", _("transfer station")
        DUMP = "dump", _("dump")
        SORTING = "sorting", _("sorting point")
        REWARD = "reward", _("partner shop")
        BUYER = "buyer", _("buyer")
        RESELLER = "reseller", _("reseller")

    class State(models.TextChoices):
        OPEN = "open", _("in use")
        BROKEN = "broken", _("out of order")
        CLOSED = "closed", _("closed")

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN, db_default="open")
    materials = models.ManyToManyField(Material, through="Taken", related_name="places")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    point = models.PointField(srid=4326, spatial_index=False)
    street = models.BigIntegerField(null=True, blank=True)
    where = models.CharField(max_length=200, blank=True, db_default="")  # in words: "behind the market"
    capacity = models.PositiveIntegerField(default=0, db_default=0)
    hours = models.JSONField(default=list, blank=True)  # [{"days": [1 (Monday)...7], "from": "08:00", "to": "12:00"}]
    served = models.JSONField(default=list, blank=True, db_default=[])
    phone = models.CharField(max_length=20, blank=True, db_default="")  # of who keeps it: a shop, a buyer
    payer = models.ForeignKey(
        "ledger.Payer", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # to whom the town owes
    public = models.BooleanField(default=True, db_default=True)
    device = models.BigIntegerField(null=True, blank=True)
    created = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_place"
        ordering = ["name", "pk"]
        indexes = [
            GistIndex(fields=["point"], name="waste_place_point"),
            models.Index(fields=["kind", "zone"], condition=~Q(state="closed"), name="waste_place_kind"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["device"], condition=Q(device__isnull=False), name="waste_place_one_device")
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def truck_hours(self) -> Any:
        """When a truck may come, as `hours`."""
        return self.hours if self.kind in (self.Kind.DUMP, self.Kind.STATION) else self.served


class Taken(models.Model):
    """A place takes a material. price: what it pays for a kilogramme, minor units, None where it pays nothing; since: of that price."""

    place = models.ForeignKey(WastePlace, on_delete=models.CASCADE, related_name="taken", db_index=False)
    material = models.ForeignKey(Material, on_delete=models.PROTECT, related_name="taken")
    price = models.PositiveIntegerField(null=True, blank=True)
    since = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "waste_taken"
        constraints = [models.UniqueConstraint(fields=["place", "material"], name="waste_taken_once")]


class PlaceSaid(models.Model):
    """Somebody who stood before a place said something of it, mostly that it is full. client_id: made by their phone, so that what is
    sent again is one; done: when a round, or somebody, has dealt with it."""

    class What(models.TextChoices):
        FULL = "full", _("It is full")
        BROKEN = "broken", _("It is broken")
        DIRTY = "dirty", _("There is waste around it")
        GONE = "gone", _("It is no longer there")

    client_id = models.UUIDField(unique=True)
    place = models.ForeignKey(WastePlace, on_delete=models.CASCADE, related_name="said", db_index=False)
    what = models.CharField(max_length=6, choices=What.choices)
    channel = models.CharField(max_length=12, default="web")
    at = models.DateTimeField(db_default=Now())
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "waste_place_said"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["place", "-at"], name="waste_said_place"),
            models.Index(fields=["at"], condition=Q(done=None), name="waste_said_open"),
        ]
