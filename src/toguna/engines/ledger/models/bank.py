"""The bank's statements, and what each of their lines was to us."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Bank(models.Model):
    """An account of the town at a bank. mapping: {meaning: heading} of its CSV; asset: its account in the book."""

    name = models.CharField(max_length=80)
    number = models.CharField(max_length=40, unique=True)  # IBAN or RIB, without spaces
    currency = models.CharField(max_length=3)
    asset = models.ForeignKey("ledger.Account", on_delete=models.PROTECT, related_name="banks")
    mapping = models.JSONField(default=dict)
    day_first = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_bank"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class BankStatement(models.Model):
    """A statement, once: the same identity again, or the same bytes, is the same row. opening, closing: minor units."""

    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="statements")
    identity = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    since = models.DateField()
    until = models.DateField()
    opening = models.BigIntegerField(null=True)
    closing = models.BigIntegerField(null=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_bank_statement"
        ordering = ["-until", "-pk"]
        constraints = [models.UniqueConstraint(fields=["bank", "identity"], name="ledger_statement_once")]


class BankLine(models.Model):
    """A movement. amount: minor units, what came in above zero; entry: what was posted for it."""

    class State(models.TextChoices):
        MATCHED = "matched", _("matched")
        SUSPENSE = "suspense", _("nobody knows yet what it is")
        RESOLVED = "resolved", _("resolved by hand")

    class Found(models.TextChoices):
        DEPOSIT = "deposit", _("cash that we brought")
        TRANSFER = "transfer", _("transfer of a payer")
        SETTLEMENT = "settlement", _("a provider of payments paid what it had collected")
        FEE = "fee", _("fees of the bank")
        OTHER = "other", _("other")

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines")
    bank = models.ForeignKey(Bank, on_delete=models.PROTECT, related_name="lines")
    bank_ref = models.CharField(max_length=80)
    day = models.DateField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=200, blank=True)
    words = models.CharField(max_length=300, blank=True)
    party = models.CharField(max_length=140, blank=True)
    state = models.CharField(max_length=8, choices=State.choices)
    found = models.CharField(max_length=10, choices=Found.choices, blank=True)
    entry = models.ForeignKey("ledger.Entry", on_delete=models.PROTECT, related_name="+")
    voucher = models.OneToOneField("ledger.Voucher", null=True, on_delete=models.PROTECT, related_name="bank_line")
    resolution = models.ForeignKey("ledger.Entry", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    resolved_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_bank_line"
        ordering = ["day", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["bank", "bank_ref"], name="ledger_bank_line_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_bank_line_amount"),
        ]
        indexes = [
            models.Index(fields=["bank", "day"], condition=Q(state="suspense"), name="ledger_bank_line_suspense")
        ]
