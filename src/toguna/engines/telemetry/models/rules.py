"""Rules, how each stands for each device, and the alarms that came of them."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Level(models.IntegerChoices):
    NOTICE = 1, _("notice")
    WARNING = 2, _("warning")
    EMERGENCY = 3, _("emergency")


@pghistory.track()
class AlarmRule(models.Model):
    """spec: the condition, see `rules.conditions`; declared: by a service, whose words and condition these are; on: it watches.

    service, kind, devices: which devices it watches ("" and []: all); zone: null, the whole town; escalate: minutes without an
    acknowledgement after which an alarm goes up one level; notify: addresses (phones, e-mails) that hear of it; notify_up: those that
    hear when it goes up ([]: the same); does: {name of an `AlarmReaction`: which of its choices}."""

    name = models.SlugField(unique=True, max_length=60)
    titles = WordsField(default=dict)
    spec = models.JSONField()
    level = models.SmallIntegerField(choices=Level.choices, default=Level.WARNING)
    on = models.BooleanField(default=False)
    declared = models.BooleanField(default=False)
    service = models.CharField(max_length=30, blank=True)
    kind = models.CharField(max_length=10, blank=True)
    devices = models.JSONField(default=list, blank=True)
    zone = models.BigIntegerField(null=True, blank=True)
    escalate = models.PositiveIntegerField(null=True, blank=True)
    notify = models.JSONField(default=list, blank=True)
    notify_up = models.JSONField(default=list, blank=True, db_default=[])
    does = models.JSONField(default=dict, blank=True, db_default={})
    made = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "telemetry_rule"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RuleState(models.Model):
    """state: what the condition remembers of a device between two readings; on: the alarm stands."""

    rule = models.ForeignKey(AlarmRule, on_delete=models.CASCADE)
    device = models.ForeignKey("telemetry.Device", on_delete=models.CASCADE)
    state = models.JSONField(default=dict)
    on = models.BooleanField(default=False)

    class Meta:
        db_table = "telemetry_rule_state"
        constraints = [models.UniqueConstraint(fields=["device", "rule"], name="telemetry_rule_state_one")]


class Alarm(models.Model):
    """One of a rule and a device, from when it was raised until it clears. raised, cleared: the device's own time."""

    rule = models.ForeignKey(AlarmRule, on_delete=models.CASCADE)
    device = models.ForeignKey("telemetry.Device", on_delete=models.CASCADE)
    level = models.SmallIntegerField(choices=Level.choices)
    value = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    raised = models.DateTimeField()
    cleared = models.DateTimeField(null=True)
    made = models.DateTimeField(db_default=Now())
    acknowledged = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)  # who acknowledged it
    note = models.CharField(max_length=300, blank=True)
    escalated = models.DateTimeField(null=True)  # when it last went up

    class Meta:
        db_table = "telemetry_alarm"
        constraints = [
            models.UniqueConstraint(fields=["rule", "device"], condition=Q(cleared=None), name="telemetry_alarm_open")
        ]
        indexes = [models.Index(fields=["-raised"], name="telemetry_alarm_raised")]
