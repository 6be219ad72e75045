"""The kernel's own tables: the audit log, events, what reacted to them, periodic work, limits."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    system = models.BooleanField(default=False)
    action = models.CharField(max_length=80)
    subject = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        db_table = "kernel_audit"
        indexes = [
            BrinIndex(fields=["at"], name="kernel_audit_at"),
            models.Index(fields=["subject"], name="kernel_audit_subject"),
        ]


class EventRow(models.Model):
    at = models.DateTimeField(db_default=Now())
    name = models.CharField(max_length=120)
    payload = models.JSONField(encoder=DjangoJSONEncoder)

    class Meta:
        db_table = "kernel_event"
        indexes = [BrinIndex(fields=["at"], name="kernel_event_at")]


class ReactionDone(models.Model):
    """A reaction that has run: the row is written in the reaction's own transaction, so that it takes effect once."""

    event = models.BigIntegerField()
    reaction = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "kernel_reaction"
        constraints = [models.UniqueConstraint(fields=["event", "reaction"], name="kernel_reaction_once")]


class PeriodicRun(models.Model):
    name = models.CharField(max_length=120, primary_key=True)
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "kernel_periodic"


class LimitCount(models.Model):
    """How often one phone, device or account did one thing in one window of time. `key` is a hash."""

    key = models.CharField(max_length=64)
    window = models.DateTimeField()
    count = models.IntegerField(default=0)

    class Meta:
        db_table = "kernel_limit"
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="kernel_limit_once")]
