"""The book: entries of which the lines sum to zero, for ever. The database itself refuses to change one (see the first migration)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Account(models.Model):
    """One per kind of thing, never one per taxpayer: who owes is a dimension of the line. code: ours; syscohada, m14: of the
    public charts, for what is handed to the treasury."""

    class Kind(models.TextChoices):
        ASSET = "asset", _("What the town has")
        LIABILITY = "liability", _("What the town owes")
        EQUITY = "equity", _("What was there before")
        INCOME = "income", _("What comes in")
        EXPENSE = "expense", _("What goes out")

    code = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    title = WordsField()
    syscohada = models.CharField(max_length=12, blank=True)
    m14 = models.CharField(max_length=12, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_account"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Period(models.Model):
    """A span of days of the book, both included. closed: since when nothing is written in it any more; the database refuses."""

    since = models.DateField(unique=True)
    until = models.DateField(unique=True)
    closed = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_period"
        ordering = ["since"]
        constraints = [models.CheckConstraint(condition=Q(until__gte=models.F("since")), name="ledger_period_order")]


class Payer(models.Model):
    """Who owes or pays: a person of the town, a household, a business. name: emptied when the person is erased and nothing is owed;
    joined: the one that they turned out to be, who was never joined to another (see `joined`)."""

    name = models.CharField(max_length=200, blank=True)
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(db_default=Now())
    joined = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "ledger_payer"
        indexes = [models.Index(fields=["joined"], name="ledger_payer_joined", condition=Q(joined__isnull=False))]

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"


class Entry(models.Model):
    """One thing that happened to money. key: unique, so that whatever is sent again is written once; day: to which it counts;
    lines: how many it has, all written by one statement; reverses: the entry that it takes back, once."""

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    day = models.DateField()
    at = models.DateTimeField(db_default=Now())
    currency = models.CharField(max_length=3)
    lines_count = models.PositiveSmallIntegerField()
    account = models.BigIntegerField(null=True)  # who wrote it
    about_kind = models.CharField(max_length=20, blank=True, db_default="")
    about = models.CharField(max_length=40, blank=True, db_default="")
    words = models.CharField(max_length=300, blank=True, db_default="")
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="reversed_by", db_constraint=False
    )

    class Meta:
        db_table = "ledger_entry"
        indexes = [models.Index(fields=["day", "id"], name="ledger_entry_day")]


class Line(models.Model):
    """amount: minor units, above zero for debit. payer, bill, desk: dimensions. day: of its entry, to sum without a join. Entry,
    account and payer are checked by the trigger that checks the balance, all rows at once: a third of the time of a run."""

    entry = models.ForeignKey(
        Entry, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    number = models.PositiveSmallIntegerField()
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    day = models.DateField()
    amount = models.BigIntegerField()
    payer = models.ForeignKey(
        Payer, null=True, on_delete=models.PROTECT, related_name="lines", db_index=False, db_constraint=False
    )
    bill = models.BigIntegerField(null=True)
    desk = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_line"
        constraints = [
            models.UniqueConstraint(fields=["entry", "number"], name="ledger_line_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_line_not_zero"),
        ]
        indexes = [
            models.Index(fields=["account", "id"], name="ledger_line_account", include=["amount", "day"]),
            models.Index(
                fields=["payer", "account"],
                name="ledger_line_payer",
                include=["amount"],
                condition=Q(payer__isnull=False),
            ),
            models.Index(fields=["bill"], name="ledger_line_bill", condition=Q(bill__isnull=False)),
        ]


class Total(models.Model):
    """What an account moved on a day, of the lines up to `Mark`: a balance is these and the few lines since."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    debit = models.BigIntegerField(default=0)
    credit = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ledger_total"
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="ledger_total_once")]


class Mark(models.Model):
    """Up to which line the totals go. One row."""

    upto = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ledger_mark"
