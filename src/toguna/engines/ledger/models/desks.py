"""Who had which cash desk from when to when, what was counted, what went out of it other than as change."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Session(models.Model):
    """One cashier at one desk, from a counted float to a counted end.

    float, expected, counted: minor units; expected: what the book says the desk holds at the moment of the count; offered_to:
    the account that is to take the desk over, once the count is made; client_id: of the form that opened it."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        OFFERED = "offered", _("counted, waiting for who takes over")
        CLOSED = "closed", _("closed")

    desk = models.ForeignKey("ledger.Desk", on_delete=models.PROTECT, related_name="sessions")
    cashier = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.OPEN)
    currency = models.CharField(max_length=3)
    float = models.BigIntegerField()
    opened = models.DateTimeField(db_default=Now())
    client_id = models.UUIDField(unique=True)
    expected = models.BigIntegerField(null=True)
    counted = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    closed = models.DateTimeField(null=True)
    offered_to = models.BigIntegerField(null=True)
    after = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="before")
    signed = models.CharField(max_length=5, blank=True)  # how who took over signed: "login" or "pin"

    class Meta:
        db_table = "ledger_cash_session"
        constraints = [
            models.UniqueConstraint(fields=["desk"], condition=~Q(state="closed"), name="ledger_session_one_a_desk"),
            models.UniqueConstraint(
                fields=["cashier"], condition=~Q(state="closed"), name="ledger_session_one_a_person"
            ),
            models.CheckConstraint(condition=Q(float__gte=0), name="ledger_session_float"),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(closed__isnull=False, counted__isnull=False, expected__isnull=False),
                name="ledger_session_closed_counted",
            ),
        ]
        indexes = [models.Index(fields=["desk", "-opened"], name="ledger_session_desk")]

    @property
    def variance(self) -> int | None:
        """What was counted beyond what the book says: below zero when something lacks."""
        return None if self.counted is None or self.expected is None else self.counted - self.expected


class Count(models.Model):
    """Notes and coins as they were counted. pieces: {minor units of one piece: how many}."""

    class Kind(models.TextChoices):
        OPENING = "opening", _("float")
        MIDDLE = "middle", _("check during the day")
        CLOSING = "closing", _("closing")

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="counts")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    pieces = models.JSONField()
    total = models.BigIntegerField()
    expected = models.BigIntegerField()
    account = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_cash_count"
        ordering = ["pk"]


class Voucher(models.Model):
    """Cash that left a desk, or came to it, other than by a payment: an outlay, a deposit, a supply of change.

    number: without gaps by desk and year; amount: minor units, above zero; deposit: the deposit it was part of."""

    class Kind(models.TextChoices):
        OUTLAY = "outlay", _("paid out")
        DEPOSIT = "deposit", _("brought to the bank")
        SAFE = "safe", _("put into the safe")
        SUPPLY = "supply", _("taken from the safe")

    desk = models.ForeignKey("ledger.Desk", null=True, on_delete=models.PROTECT, related_name="vouchers")
    session = models.ForeignKey(Session, null=True, on_delete=models.PROTECT, related_name="vouchers")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    words = models.CharField(max_length=200)
    paid_to = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=12, unique=True)  # short, for the bank and the telephone
    entry = models.OneToOneField("ledger.Entry", on_delete=models.PROTECT, related_name="+")
    account = models.BigIntegerField()
    client_id = models.UUIDField(unique=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_cash_voucher"
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["desk", "year", "number"], nulls_distinct=False, name="ledger_voucher_number"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_voucher_amount"),
        ]


class VoucherCounter(models.Model):
    """The last number given to a voucher, by desk (none: the safe's) and year."""

    desk = models.ForeignKey("ledger.Desk", null=True, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        db_table = "ledger_voucher_counter"
        constraints = [
            models.UniqueConstraint(fields=["desk", "year"], nulls_distinct=False, name="ledger_voucher_counter_one")
        ]


class CashPin(models.Model):
    """The PIN with which a cashier signs on a colleague's screen; set only in the cashier's own session."""

    account = models.BigIntegerField(primary_key=True)
    secret = models.CharField(max_length=128)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ledger_cash_pin"


class Print(models.Model):
    """A receipt that was printed, and by whom: 0 is the first, each after it a duplicate."""

    payment = models.ForeignKey("ledger.Payment", on_delete=models.PROTECT, related_name="prints")
    number = models.PositiveSmallIntegerField()
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_receipt_print"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["payment", "number"], name="ledger_print_number")]
