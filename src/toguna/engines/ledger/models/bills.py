"""What is owed: bills with their lines in order, plans to pay them, and the tariffs that they were made by."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.models.book import Account, Payer
from toguna.kernel.text import WordsField


class Tariff(models.Model):
    """A price as an act set it, from a day on. rule: see `pricing`. Never changed once it holds: another version begins on
    another day."""

    slug = models.SlugField(max_length=60)
    since = models.DateField()
    titles = WordsField()
    law = models.CharField(max_length=200, blank=True)  # the act and its article
    unit = models.CharField(max_length=40, blank=True)
    rule = models.JSONField()
    income = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    public = models.BooleanField(default=True)
    active = models.BooleanField(default=True)
    account = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_tariff"
        ordering = ["slug", "-since"]
        constraints = [models.UniqueConstraint(fields=["slug", "since"], name="ledger_tariff_once")]


class Bill(models.Model):
    """reference: at most ten letters and figures, to be said over a telephone and typed by a payment company; paid: what was
    apportioned to it, always the sum of its lines' `paid`; key: unique, so that a run issues each once."""

    class State(models.TextChoices):
        OPEN = "open", _("to be paid")
        PAID = "paid", _("paid")
        CANCELLED = "cancelled", _("cancelled")
        WRITTEN_OFF = "off", _("given up")

    reference = models.CharField(max_length=12, unique=True)
    key = models.CharField(max_length=120, unique=True)
    # Both are checked by a trigger, all rows of a statement at once: one by one, and be it nothing, costs a run a tenth more.
    payer = models.ForeignKey(Payer, on_delete=models.PROTECT, related_name="bills", db_constraint=False)
    tariff = models.ForeignKey(
        Tariff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    words = models.CharField(max_length=200, blank=True, db_default="")
    about_kind = models.CharField(max_length=20, blank=True, db_default="")
    about = models.CharField(max_length=40, blank=True, db_default="")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    paid = models.BigIntegerField(default=0, db_default=0)
    issued = models.DateField()
    due = models.DateField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN, db_default="open")

    class Meta:
        db_table = "ledger_bill"
        constraints = [models.CheckConstraint(condition=Q(paid__gte=0, paid__lte=F("amount")), name="ledger_bill_paid")]
        indexes = [
            models.Index(fields=["due"], name="ledger_bill_due", condition=Q(state="open")),
            models.Index(fields=["about_kind", "about"], name="ledger_bill_about", condition=~Q(about="")),
        ]

    @property
    def left(self) -> int:
        return self.amount - self.paid if self.state == self.State.OPEN else 0


class BillLine(models.Model):
    """In the order in which it explains itself. kind decides what is paid first (see `apportioning`)."""

    class Kind(models.TextChoices):
        PRINCIPAL = "principal", _("due")
        PENALTY = "penalty", _("penalty")
        FEE = "fee", _("costs")
        REBATE = "rebate", _("rebate")

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False)
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    words = models.CharField(max_length=200)
    income = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    amount = models.BigIntegerField()  # below zero for a rebate
    paid = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "ledger_bill_line"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["bill", "number"], name="ledger_bill_line_once")]
