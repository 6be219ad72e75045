"""What is kept of the past: hours, files of old days, for how long; and how far each spool was loaded."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now


class Hour(models.Model):
    """An hour of one quantity of one device, kept when its readings are gone."""

    device = models.ForeignKey("telemetry.Device", on_delete=models.CASCADE, db_index=False)
    quantity = models.ForeignKey("telemetry.Quantity", on_delete=models.PROTECT, db_index=False)
    hour = models.DateTimeField()
    n = models.IntegerField()
    mean = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    last = models.FloatField()

    class Meta:
        db_table = "telemetry_hour"
        constraints = [models.UniqueConstraint(fields=["device", "quantity", "hour"], name="telemetry_hour_one")]
        indexes = [BrinIndex(fields=["hour"], name="telemetry_hour_brin")]


class Policy(models.Model):
    """For how long, in days: raw in the database, then in files, then as hours. table: "reading" or "position"."""

    LEAST = 2  # days in the database: today and yesterday are loaded without looking whether they are there

    table = models.CharField(max_length=10, primary_key=True)
    raw_days = models.PositiveIntegerField(default=35)
    file_days = models.PositiveIntegerField(default=1095)
    hour_days = models.PositiveIntegerField(default=3650)

    class Meta:
        db_table = "telemetry_policy"


class Archive(models.Model):
    """A day that left the database: a Parquet file in the home folder's readings/. Without a digest: it left its table, and is being
    written."""

    table = models.CharField(max_length=10)
    day = models.DateField()
    file = models.CharField(max_length=80)
    rows = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    made = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "telemetry_archive"
        constraints = [models.UniqueConstraint(fields=["table", "day"], name="telemetry_archive_day")]


class SpoolMark(models.Model):
    """How far a file of the spool is in the tables, written in the transaction that brought it there: never twice."""

    file = models.CharField(max_length=80, primary_key=True)
    offset = models.BigIntegerField()

    class Meta:
        db_table = "telemetry_spool_mark"
