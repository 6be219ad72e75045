"""What was paid: where, by whom, for what, and the receipt whose numbers have no gap."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.models.bills import Bill
from toguna.engines.ledger.models.book import Account, Entry, Payer


class Desk(models.Model):
    """A place where money is taken: a counter, a collector, a device, a kiosk, the town's own site. prefix: of its receipts."""

    class Kind(models.TextChoices):
        COUNTER = "counter", _("counter")
        COLLECTOR = "collector", _("collector")
        DEVICE = "device", _("device")
        KIOSK = "kiosk", _("kiosk")
        ONLINE = "online", _("online")

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.COUNTER)
    prefix = models.CharField(max_length=8, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="desks")
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_desk"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ReceiptCounter(models.Model):
    """The last number given at a desk in a year. Its row is what a payment locks, last of all."""

    desk = models.ForeignKey(Desk, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "ledger_receipt_counter"
        constraints = [models.UniqueConstraint(fields=["desk", "year"], name="ledger_receipt_counter_once")]


class Payment(models.Model):
    """amount: minor units, as it came; method: "cash", "mtn", "wave"...; number: of its receipt at that desk in that year;
    void: why it was taken back, "" when it was not."""

    key = models.CharField(max_length=120, unique=True)
    desk = models.ForeignKey(Desk, on_delete=models.PROTECT, related_name="payments", db_index=False)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    payer = models.ForeignKey(Payer, null=True, on_delete=models.PROTECT, related_name="payments")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, blank=True, db_default="")  # what the other side calls it
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="payment")
    at = models.DateTimeField()
    taken = models.DateTimeField(db_default=Now())  # when the book heard of it: an offline device says it later
    account = models.BigIntegerField(null=True)
    printed = models.CharField(
        max_length=30, blank=True, db_default=""
    )  # what the paper says, where two devices said the same
    said_at = models.DateTimeField(null=True)  # what a device's clock said, where it cannot be
    void = models.CharField(max_length=300, blank=True, db_default="")
    voided_by = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "ledger_payment"
        constraints = [
            models.UniqueConstraint(fields=["desk", "year", "number"], name="ledger_payment_number"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_payment_amount"),
        ]
        indexes = [models.Index(fields=["desk", "-at"], name="ledger_payment_desk")]


class Share(models.Model):
    """What of a payment went to a line of a bill; without a bill, what stays with its payer as an advance."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="shares")
    bill = models.ForeignKey(Bill, null=True, on_delete=models.PROTECT, related_name="shares")
    number = models.PositiveSmallIntegerField(null=True)  # of the bill's line
    amount = models.BigIntegerField()

    class Meta:
        db_table = "ledger_share"
