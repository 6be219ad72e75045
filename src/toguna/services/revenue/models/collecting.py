"""What collectors did in the field: whom they went to, what they took there, and where they stood."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.models.register import Taxed, Taxpayer


class Collector(models.Model):
    """An account that goes collecting, with a desk of its own in the ledger; zone: where its list begins; most: cash that it may carry
    before it must deposit, minor units, 0 for no limit."""

    account = models.BigIntegerField(unique=True)
    desk = models.OneToOneField("ledger.Desk", on_delete=models.PROTECT, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    most = models.BigIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "revenue_collector"


class Visit(models.Model):
    """A collector stood before a taxed thing. Two clocks: `said` is the device's, `at` when the town heard of it."""

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
    said = models.DateTimeField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_visit"
        indexes = [
            models.Index(fields=["collector", "-at"], name="revenue_visit_collector"),
            models.Index(fields=["taxed", "-at"], name="revenue_visit_taxed"),
            GistIndex(fields=["point"], name="revenue_visit_point"),
        ]


class Collected(models.Model):
    """A payment that was taken in the field, and what is odd about it. metres: from where the taxed thing stands."""

    payment = models.OneToOneField("ledger.Payment", on_delete=models.PROTECT, related_name="+")
    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="collected")
    metres = models.PositiveIntegerField(null=True)
    odd = models.JSONField(default=list)  # ["far", "round", "clock", "fast", "night"]
    looked = models.DateTimeField(null=True)
    looked_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_collected"
