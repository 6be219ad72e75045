"""Reminders by plan: who is told what, how, how many days after it was due, and what it cost."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.models.register import Base


class DunningStep(models.Model):
    """base: only of bills for it, none for all. after: days after the day on which it was due, below zero for before; cost: of one,
    minor units; penalty: percent of what is left that is added, with its law."""

    class Way(models.TextChoices):
        SMS = "sms", _("SMS")
        EMAIL = "email", _("e-mail")
        LETTER = "letter", _("letter")
        VISIT = "visit", _("visit of a collector")
        NOTICE = "notice", _("seizure notice")

    base = models.ForeignKey(Base, null=True, blank=True, on_delete=models.CASCADE, related_name="steps")
    after = models.SmallIntegerField()
    way = models.CharField(max_length=6, choices=Way.choices)
    least = models.BigIntegerField(default=0)  # not for less than this, minor units
    cost = models.BigIntegerField(default=0)
    penalty = models.PositiveSmallIntegerField(default=0)
    law = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "revenue_dunning_step"
        ordering = ["after", "pk"]


class Reminded(models.Model):
    """A step was done for a bill, once. left: what was owed then; done: when it really left (a letter printed, a visit made); batch: the
    letter's file; approved: by whom a seizure notice was, when."""

    step = models.ForeignKey(DunningStep, on_delete=models.PROTECT, related_name="done")
    bill = models.ForeignKey("ledger.Bill", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    left = models.BigIntegerField()
    done = models.DateTimeField(null=True)
    batch = models.ForeignKey("LetterBatch", null=True, on_delete=models.SET_NULL, related_name="letters")
    approved = models.DateTimeField(null=True)
    approved_by = models.BigIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        db_table = "revenue_reminded"
        constraints = [models.UniqueConstraint(fields=["step", "bill"], name="revenue_reminded_once")]
        indexes = [
            models.Index(fields=["bill"], name="revenue_reminded_bill"),
            models.Index(fields=["step"], name="revenue_reminded_waits", condition=models.Q(done=None)),
        ]


class LetterBatch(models.Model):
    """Letters that are printed together. key: of whoever asked, so that a form sent twice makes one."""

    step = models.ForeignKey(DunningStep, on_delete=models.PROTECT, related_name="batches")
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    key = models.UUIDField(unique=True)
    letters_count = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "revenue_letter_batch"
        ordering = ["-pk"]
