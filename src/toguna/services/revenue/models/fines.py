"""Infractions found on site: their kinds, the books of numbers, the tickets, what is contested, the vehicles that are held."""

from __future__ import annotations

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField
from toguna.services.revenue.models.register import Taxpayer


class Infraction(models.Model):
    """A kind of infraction. tariff: the slug of the ledger's, of one price or by bands; days: to pay, and to contest, and after which it
    is more by `more` percent (0: never), and after which it goes on to `then`; law, more_law: the act and its article."""

    class Then(models.TextChoices):
        DUNNING = "dunning", _("reminders by plan")
        COURT = "court", _("the court")

    slug = models.SlugField(max_length=60, unique=True)
    titles = WordsField()
    law = models.CharField(max_length=200)
    tariff = models.SlugField(max_length=60)
    pay_days = models.PositiveSmallIntegerField(default=15)
    contest_days = models.PositiveSmallIntegerField(default=30)
    more = models.PositiveSmallIntegerField(default=0)
    more_days = models.PositiveSmallIntegerField(default=45)
    more_law = models.CharField(max_length=200, blank=True)
    then = models.CharField(max_length=7, choices=Then.choices, default=Then.COURT)
    then_days = models.PositiveSmallIntegerField(default=90)
    impound = models.BooleanField(default=False)
    icon = models.CharField(max_length=40, default="warn")
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "revenue_infraction"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


class TicketBook(models.Model):
    """A book of numbers that an officer's device takes along. checks: three letters for each number, so that none is guessed; ended:
    since when none comes of it any more, why."""

    prefix = models.CharField(max_length=4, unique=True)
    checks = models.JSONField()
    account = models.BigIntegerField()
    device = models.UUIDField()
    given = models.DateTimeField(db_default=Now())
    ended = models.DateTimeField(null=True)
    why = models.CharField(max_length=120, blank=True)

    class Meta:
        db_table = "revenue_ticket_book"
        ordering = ["-pk"]
        constraints = [
            # A device has one open book of an account: asked twice, it is the same.
            models.UniqueConstraint(fields=["account", "device"], condition=Q(ended=None), name="revenue_ticket_book_one")
        ]  # fmt: skip


class VoidTicket(models.Model):
    """A number of a book that became no ticket, in plain sight."""

    book = models.ForeignKey(TicketBook, on_delete=models.PROTECT, related_name="voids", db_index=False)
    leaf = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=200)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_ticket_void"
        constraints = [models.UniqueConstraint(fields=["book", "leaf"], name="revenue_ticket_void_once")]


class Vehicle(models.Model):
    """A plate that the town has written up; payer: who owes in the book what nobody else is known to owe for it."""

    plate = models.CharField(max_length=20, unique=True)
    payer = models.OneToOneField("ledger.Payer", on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "revenue_vehicle"


class Ticket(models.Model):
    """An infraction that was found. number: "K3FT07XYZ", book, leaf, three letters. Two clocks: `said` is the device's, `at` when the town
    believes that it happened. law, words, amount and the days are as they held then: what changes later changes no ticket. printed: the
    amount that the paper says, where a device printed one; more_on: the day from which it is `more` percent more; went: to whom it went on."""

    class State(models.TextChoices):
        OPEN = "open", _("stands")
        REDUCED = "reduced", _("reduced")
        CANCELLED = "cancelled", _("cancelled")

    client_id = models.UUIDField(unique=True)
    book = models.ForeignKey(TicketBook, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    leaf = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=12, unique=True)
    infraction = models.ForeignKey(Infraction, on_delete=models.PROTECT, related_name="tickets")
    words = models.CharField(max_length=200)
    law = models.CharField(max_length=200)
    measure = models.CharField(max_length=20, blank=True)
    plate = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    taxpayer = models.ForeignKey(Taxpayer, null=True, on_delete=models.PROTECT, related_name="tickets")
    point = models.PointField(srid=4326, null=True, spatial_index=False)
    accuracy = models.PositiveIntegerField(null=True)  # metres
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    place = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    account = models.BigIntegerField()
    said = models.DateTimeField(null=True)
    at = models.DateTimeField()
    heard = models.DateTimeField(db_default=Now())
    bill = models.OneToOneField("ledger.Bill", on_delete=models.PROTECT, related_name="+")
    printed = models.BigIntegerField(null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    due = models.DateField()
    contest_until = models.DateField()
    more = models.PositiveSmallIntegerField(default=0)
    more_law = models.CharField(max_length=200, blank=True)
    more_on = models.DateField(null=True)
    then = models.CharField(max_length=7, choices=Infraction.Then.choices)
    then_on = models.DateField()
    reminded = models.DateTimeField(null=True)
    raised = models.DateTimeField(null=True)
    went = models.CharField(max_length=7, choices=Infraction.Then.choices, blank=True)
    went_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_ticket"
        constraints = [models.UniqueConstraint(fields=["book", "leaf"], name="revenue_ticket_leaf")]
        indexes = [
            models.Index(fields=["plate", "-at"], name="revenue_ticket_plate", condition=~Q(plate="")),
            models.Index(fields=["-at"], name="revenue_ticket_at"),
            models.Index(fields=["then_on"], name="revenue_ticket_goes_on", condition=Q(went="")),
            GistIndex(fields=["point"], name="revenue_ticket_point"),
        ]


class TicketPhoto(models.Model):
    """A photo of a ticket, or what somebody sent with what they contest. shown: somebody looked and let the person of the ticket see it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="photos")
    contest = models.ForeignKey("TicketContest", null=True, on_delete=models.PROTECT, related_name="photos")
    client_id = models.UUIDField(unique=True)
    file = models.UUIDField(unique=True)
    shown = models.BooleanField(default=False)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "revenue_ticket_photo"
        ordering = ["pk"]


class TicketContest(models.Model):
    """They say that a ticket is wrong: while it waits nothing becomes more. One waits at a time."""

    class State(models.TextChoices):
        OPEN = "open", _("waits for an answer")
        UPHELD = "upheld", _("the ticket stands")
        REDUCED = "reduced", _("reduced")
        CANCELLED = "cancelled", _("cancelled")

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="contests")
    client_id = models.UUIDField(unique=True)
    reason = models.TextField()
    phone = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=500, blank=True)
    decided = models.DateTimeField(null=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_ticket_contest"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["ticket"], condition=Q(state="open"), name="revenue_ticket_contest_one")
        ]


class Impound(models.Model):
    """A vehicle that the town holds. It leaves when what it owes is paid. place: where it stands; tariff: the slug of the daily fee's;
    payer: who is billed for the days."""

    client_id = models.UUIDField(unique=True)
    ticket = models.ForeignKey(Ticket, null=True, on_delete=models.PROTECT, related_name="impounds")
    plate = models.CharField(max_length=20)
    words = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=120)
    payer = models.ForeignKey("ledger.Payer", on_delete=models.PROTECT, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    since = models.DateTimeField()
    account = models.BigIntegerField()
    released = models.DateTimeField(null=True)
    released_to = models.CharField(max_length=200, blank=True)
    released_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "revenue_impound"
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(fields=["plate"], condition=Q(released=None), name="revenue_impound_one")
        ]


class ImpoundFee(models.Model):
    """What was billed for the days up to and with `upto`."""

    impound = models.ForeignKey(Impound, on_delete=models.PROTECT, related_name="fees", db_index=False)
    upto = models.DateField()
    bill = models.OneToOneField("ledger.Bill", on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "revenue_impound_fee"
        ordering = ["upto"]
        constraints = [models.UniqueConstraint(fields=["impound", "upto"], name="revenue_impound_fee_once")]
