"""What happens to bills and money after: plans, credit notes, what is given up or given back, orders, suspense, blocks of numbers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.models.bills import Bill
from toguna.engines.ledger.models.book import Entry, Payer
from toguna.engines.ledger.models.payments import Desk, Payment


class Suspense(models.Model):
    """Money that came, and of which nobody knows whose it is, or that was not as it was asked. reason: ours, for the desk; entry: with
    which somebody said what it was, None while it waits."""

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="suspense")
    reason = models.CharField(max_length=300)
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=300, blank=True, db_default="")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    resolved = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_suspense"
        indexes = [models.Index(fields=["at"], condition=Q(resolved=None), name="ledger_suspense_open")]


class Instalment(models.Model):
    """A part of a bill that is due on a day of its own. The parts of a plan sum to what was left when it was made."""

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    due = models.DateField()
    amount = models.BigIntegerField()
    upto = models.BigIntegerField()  # of the bill, paid when this and those before are

    class Meta:
        db_table = "ledger_instalment"
        ordering = ["bill", "number"]
        constraints = [models.UniqueConstraint(fields=["bill", "number"], name="ledger_instalment_once")]
        indexes = [models.Index(fields=["due"], name="ledger_instalment_due")]


class CreditNote(models.Model):
    """What a bill is less, with why; its own entry. Its number has no gap in a year."""

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="credits")
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    key = models.CharField(max_length=120, unique=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_credit_note"
        constraints = [models.UniqueConstraint(fields=["year", "number"], name="ledger_credit_number")]


class Wish(models.Model):
    """What one person asks and another approves: to give a bill up, or money back. Never the same person."""

    class Kind(models.TextChoices):
        WRITE_OFF = "off", _("give a bill up")
        REFUND = "refund", _("give money back")

    class State(models.TextChoices):
        ASKED = "asked", _("waits for approval")
        SENT = "sent", _("approved: the operator was asked")
        DONE = "done", _("approved and done")
        FAILED = "failed", _("approved, and the operator did not do it")
        REFUSED = "refused", _("refused")

    kind = models.CharField(max_length=6, choices=Kind.choices)
    state = models.CharField(max_length=7, choices=State.choices, default=State.ASKED)
    key = models.CharField(max_length=120, unique=True)
    bill = models.ForeignKey(Bill, null=True, on_delete=models.PROTECT, related_name="wishes")
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="wishes")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=300)
    # Of a refund: from which desk in cash, or back to the payment that a provider took.
    desk = models.ForeignKey(Desk, null=True, on_delete=models.PROTECT, related_name="+")
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="wishes")
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    asked_by = models.BigIntegerField()
    asked = models.DateTimeField(db_default=Now())
    decided_by = models.BigIntegerField(null=True)
    decided = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        db_table = "ledger_wish"
        ordering = ["-asked", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_wish_amount"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("asked_by")), name="ledger_wish_two_people"
            ),
        ]


class StandingOrder(models.Model):
    """A payer lets the town ask their telephone for what falls due, on a day of the month, never above a limit.

    key: of whoever asked for it, so that sent again it is the same; month: its first day, the last that was told or asked for; told:
    whether it was announced; tries: how often it was asked for in that month; next_try: when again; missed: months in a row that
    were not paid; why: with which it ended."""

    key = models.CharField(max_length=120, unique=True)
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="orders")
    way = models.CharField(max_length=20)
    phone = models.CharField(max_length=20)
    day = models.PositiveSmallIntegerField(default=5)
    most = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    since = models.DateField()
    until = models.DateField(null=True)
    ended = models.DateTimeField(null=True)
    why = models.CharField(max_length=120, blank=True, db_default="")
    language = models.CharField(max_length=2, default="fr")
    month = models.DateField(null=True)
    told = models.BooleanField(default=False)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateField(null=True)
    missed = models.PositiveSmallIntegerField(default=0)
    created = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    person = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_standing_order"
        indexes = [models.Index(fields=["phone"], condition=Q(ended=None), name="ledger_order_phone")]
        constraints = [
            models.CheckConstraint(condition=Q(most__gt=0, day__gte=1, day__lte=28), name="ledger_order_sound"),
            models.UniqueConstraint(fields=["payer"], condition=Q(ended=None), name="ledger_order_one"),
        ]


class Block(models.Model):
    """Numbers of receipts that a device took along before it lost the network. What it did not use is voided in plain sight."""

    desk = models.ForeignKey(Desk, on_delete=models.PROTECT, related_name="blocks")
    year = models.PositiveSmallIntegerField()
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    device = models.CharField(max_length=64)
    account = models.BigIntegerField(null=True)
    given = models.DateTimeField(db_default=Now())
    ended = models.DateTimeField(null=True)
    why = models.CharField(max_length=120, blank=True, db_default="")

    class Meta:
        db_table = "ledger_block"
        constraints = [models.UniqueConstraint(fields=["desk", "year", "first"], name="ledger_block_once")]
        indexes = [models.Index(fields=["desk", "year"], condition=Q(ended=None), name="ledger_block_open")]


class VoidNumber(models.Model):
    """A number that no payment has, and why."""

    desk = models.ForeignKey(Desk, on_delete=models.PROTECT, related_name="void_numbers")
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    why = models.CharField(max_length=120)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_void_number"
        constraints = [models.UniqueConstraint(fields=["desk", "year", "number"], name="ledger_void_number_once")]
