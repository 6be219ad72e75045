"""Payments asked of providers, what was said about them word for word, and the providers' own files."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PaymentRequest(models.Model):
    """One payment asked of a provider (or one that came by itself: `arrived`), or one given back (`back_of`).

    correlation: made before anything leaves, the same for every attempt; code: for people and for providers that take no
    UUID; way: a table of `[payments]`; amount: minor units; theirs: what the provider calls it; transaction: its number of
    the payment; secret: what a genuine callback repeats; heard: the amount that only a callback tells; order: the standing order that
    asks; wish: the refund that gives back; busy_until: a call is under way; next_poll: when the provider is to be asked next, None
    when nothing more is to be asked."""

    class State(models.TextChoices):
        NEW = "new", _("waiting to be sent")
        SENDING = "sending", _("being sent")
        PENDING = "pending", _("waiting for the payer")
        SUCCEEDED = "succeeded", _("paid")
        SUSPENDED = "suspended", _("paid, but not as it was asked")
        FAILED = "failed", _("not paid")
        EXPIRED = "expired", _("not confirmed in time")
        UNKNOWN = "unknown", _("not known")

    PAID = (State.SUCCEEDED, State.SUSPENDED)

    correlation = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=12, unique=True)
    way = models.CharField(max_length=20)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    phone = models.CharField(max_length=20, blank=True)
    bills = ArrayField(models.BigIntegerField(), default=list)
    reference = models.CharField(max_length=80, blank=True)  # what somebody typed, of money that came by itself
    arrived = models.BooleanField(default=False)
    back_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="given_back")
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    attempt = models.PositiveSmallIntegerField(default=1)
    theirs = models.CharField(max_length=120, blank=True)
    link = models.CharField(max_length=500, blank=True)
    secret = models.CharField(max_length=200, blank=True)
    transaction = models.CharField(max_length=120, blank=True)
    heard = models.BigIntegerField(null=True)
    hinted = models.BooleanField(default=False)
    trouble = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=2, default="fr")
    created = models.DateTimeField(db_default=Now())
    expires = models.DateTimeField()
    busy_until = models.DateTimeField(null=True)
    next_poll = models.DateTimeField(null=True)
    polls = models.PositiveSmallIntegerField(default=0)
    paid = models.BigIntegerField(null=True)
    paid_currency = models.CharField(max_length=3, blank=True)
    paid_at = models.DateTimeField(null=True)
    payment = models.ForeignKey("ledger.Payment", null=True, on_delete=models.PROTECT, related_name="+")
    suspense = models.ForeignKey("ledger.Suspense", null=True, on_delete=models.PROTECT, related_name="+")
    settled = models.DateTimeField(null=True)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    order = models.ForeignKey(
        "ledger.StandingOrder", null=True, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    wish = models.ForeignKey(
        "ledger.Wish", null=True, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    account = models.BigIntegerField(null=True)
    client_id = models.UUIDField(unique=True, null=True)

    class Meta:
        db_table = "ledger_payment_request"
        constraints = [
            models.UniqueConstraint(fields=["way", "theirs"], condition=~Q(theirs=""), name="ledger_request_theirs"),
            models.UniqueConstraint(
                fields=["way", "transaction"], condition=~Q(transaction=""), name="ledger_request_transaction"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_request_amount"),
        ]
        indexes = [
            models.Index(fields=["next_poll"], condition=Q(next_poll__isnull=False), name="ledger_request_due"),
            models.Index(fields=["way", "paid_at"], name="ledger_request_paid"),
            models.Index(fields=["-created"], name="ledger_request_recent"),
            models.Index(fields=["phone"], condition=~Q(phone=""), name="ledger_request_phone"),
            models.Index(fields=["order"], condition=Q(order__isnull=False), name="ledger_request_order"),
            models.Index(fields=["wish"], condition=Q(wish__isnull=False), name="ledger_request_wish"),
        ]

    def __str__(self) -> str:
        return self.code


class RawBody(models.Model):
    """What was said, word for word, without keys and tokens. inward: they called us; genuine: None where nothing says so."""

    request = models.ForeignKey(PaymentRequest, null=True, on_delete=models.CASCADE, related_name="bodies")
    way = models.CharField(max_length=20)
    inward = models.BooleanField()
    line = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    genuine = models.BooleanField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_raw_body"
        ordering = ["pk"]
        indexes = [models.Index(fields=["at"], name="ledger_raw_body_at")]


class SettlementFile(models.Model):
    """A provider's own account of a day. It is read once: the same bytes again give the same row."""

    way = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    text = models.TextField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_settlement_file"
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["way", "sha256"], name="ledger_settlement_once")]


class SettlementLine(models.Model):
    """A line of a file, and what it was to us."""

    class Outcome(models.TextChoices):
        MATCHED = "matched", _("in our book, the same")
        TAKEN = "taken", _("was not in our book: taken now")
        SUSPENSE = "suspense", _("nobody knows what it pays: kept in suspense")
        DIFFERS = "differs", _("another amount in our book")
        BACK = "back", _("given back")
        STRANGE = "strange", _("went out, and we did not ask for it")

    file = models.ForeignKey(SettlementFile, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    transaction = models.CharField(max_length=80)
    reference = models.CharField(max_length=80, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    fee = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True)
    request = models.ForeignKey(PaymentRequest, null=True, on_delete=models.PROTECT, related_name="lines")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)

    class Meta:
        db_table = "ledger_settlement_line"
        ordering = ["file", "number"]
        indexes = [models.Index(fields=["transaction"], name="ledger_settlement_number")]
