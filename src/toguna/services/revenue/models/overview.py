"""What is owed and paid by street, counted from time to time, so that maps and pages of a large town are quick."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from toguna.services.revenue.models.register import Base


class Standing(models.Model):
    """One kind of taxed thing in one street of one zone. things, unpaid: how many there are, and of how many something is late; payers:
    who share them; potential: what the tariff gives for a year; billed, paid: of the bills since January of last year; late: what is past
    its day, of all bills; minor units. lon, lat: their middle."""

    base = models.ForeignKey(Base, on_delete=models.CASCADE, related_name="+", db_index=False)
    zone = models.BigIntegerField(null=True)
    street = models.BigIntegerField(null=True)
    street_name = models.CharField(max_length=200, blank=True)
    things = models.PositiveIntegerField()
    payers = models.PositiveIntegerField()
    unpaid = models.PositiveIntegerField()
    potential = models.BigIntegerField()
    billed = models.BigIntegerField()
    paid = models.BigIntegerField()
    late = models.BigIntegerField()
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_standing"
        indexes = [models.Index(fields=["street"], name="revenue_standing_street")]
