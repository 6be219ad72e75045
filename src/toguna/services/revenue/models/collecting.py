"""What collectors did in the field: whom they went to, what they took there, and where they stood."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.models.register import Taxed, Taxpayer


class Collector(models.Model):
    """An account that goes collecting, with a desk of its own in the ledger; zone: where its list begins; most: cash that it may carry
    before it must deposit, minor units, 0 for no limit; target: what a day should bring, 0 for none; passing: who owes in the book what
    sellers pay who are in no register."""

    account = models.BigIntegerField(unique=True)
    desk = models.OneToOneField("ledger.Desk", on_delete=models.PROTECT, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    most = models.BigIntegerField(default=0)
    target = models.BigIntegerField(default=0)
    passing = models.OneToOneField("ledger.Payer", null=True, on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "revenue_collector"


class Device(models.Model):
    """A telephone or tablet that a collector takes along. name: made by the device, once; skew: seconds that its clock is behind the
    town's; waiting, carried: records and minor units that it said it had not sent yet; cut: since when nothing is given to it."""

    collector = models.ForeignKey(Collector, on_delete=models.PROTECT, related_name="devices")
    name = models.UUIDField(unique=True)
    label = models.CharField(max_length=80, blank=True)
    heard = models.DateTimeField(null=True)
    skew = models.IntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    carried = models.BigIntegerField(default=0)
    cut = models.DateTimeField(null=True)
    why = models.CharField(max_length=120, blank=True)

    class Meta:
        db_table = "revenue_device"
        ordering = ["pk"]


class Visit(models.Model):
    """A collector stood before a taxed thing. Two clocks: `said` is the device's, `at` when the town heard of it; `done` is what both
    make likely, never before what the same device did earlier. seq: in which order the device did it."""

    class Outcome(models.TextChoices):
        PAID = "paid", _("paid")
        ABSENT = "absent", _("nobody there")
        LATER = "later", _("will pay later")
        REFUSED = "refused", _("refuses to pay")
        CLOSED = "closed", _("closed for good")
        CONTESTS = "contests", _("says that it is wrong")
        SEEN = "seen", _("counted")

    client_id = models.UUIDField(unique=True)
    collector = models.ForeignKey(Collector, on_delete=models.PROTECT, related_name="visits")
    taxed = models.ForeignKey(Taxed, null=True, on_delete=models.PROTECT, related_name="visits")
    taxpayer = models.ForeignKey(Taxpayer, null=True, on_delete=models.PROTECT, related_name="visits")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    note = models.CharField(max_length=300, blank=True)
    promised = models.DateField(null=True)
    point = models.PointField(srid=4326, null=True, spatial_index=False)
    accuracy = models.PositiveIntegerField(null=True)  # metres
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="visits", db_index=False)
    seq = models.PositiveIntegerField(null=True)
    said = models.DateTimeField(null=True)
    done = models.DateTimeField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_visit"
        indexes = [
            models.Index(fields=["device", "seq"], name="revenue_visit_seq"),
            models.Index(fields=["collector", "-at"], name="revenue_visit_collector"),
            models.Index(fields=["taxed", "-at"], name="revenue_visit_taxed"),
            GistIndex(fields=["point"], name="revenue_visit_point"),
        ]


class Collected(models.Model):
    """A payment that was taken in the field, and what is odd about it. metres: from where the taxed thing stands; word: what who
    looked at it found."""

    payment = models.OneToOneField("ledger.Payment", on_delete=models.PROTECT, related_name="+")
    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="collected")
    metres = models.PositiveIntegerField(null=True)
    odd = models.JSONField(default=list)  # ["far", "round", "clock", "fast", "night"]
    looked = models.DateTimeField(null=True)
    looked_by = models.BigIntegerField(null=True)
    word = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        db_table = "revenue_collected"
        indexes = [models.Index(fields=["-id"], condition=Q(looked=None) & ~Q(odd=[]), name="revenue_collected_odd")]


class Counted(models.Model):
    """Notes and coins that a collector counted on the device. pieces: {minor units of a piece: how many}; expected: what the device
    said there should be, its float and what it took."""

    client_id = models.UUIDField(unique=True)
    collector = models.ForeignKey(Collector, on_delete=models.PROTECT, related_name="counts")
    device = models.ForeignKey(Device, null=True, on_delete=models.PROTECT, related_name="+")
    pieces = models.JSONField()
    total = models.BigIntegerField()
    expected = models.BigIntegerField()
    said = models.DateTimeField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_counted"
        ordering = ["-pk"]
