"""Small tables that dashboards read, whatever the size of what was counted."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Snapshot(models.Model):
    """A measure, in a zone of the finest level (null: in none), in a month."""

    measure = models.CharField(max_length=60)
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.CASCADE, db_index=False)
    month = models.DateField()
    numerator = models.FloatField()
    denominator = models.FloatField(default=0)

    class Meta:
        db_table = "indicators_snapshot"
        constraints = [
            models.UniqueConstraint(
                fields=["measure", "month", "zone"], nulls_distinct=False, name="indicators_snapshot_once"
            )
        ]


class Refreshed(models.Model):
    """When a measure was last counted."""

    measure = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "indicators_refreshed"
