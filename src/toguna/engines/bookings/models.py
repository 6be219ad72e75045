"""Bookings: a share of something that can be had at a certain time. A counter of the town hall, a room, a workshop, a ride, a
pick-up of bulky waste at a door are all resources; what differs is their hours, how many at once, and what is asked."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


def feed_key() -> str:
    return get_random_string(24)


class Resource(models.Model):
    """What is booked, and when it can be. Hours are by the town's clock; nothing is written for an hour until it is taken."""

    slug = models.SlugField(max_length=60, unique=True)
    titles = WordsField()
    notes = WordsField(blank=True)  # where it is, what to bring
    icon = models.CharField(max_length=40, default="calendar")
    hours = models.JSONField(default=list, blank=True)  # [{"days": [1 (Monday)...7], "from": "08:00", "to": "12:00"}]
    # {"2026-12-25": {"hours": [["08:00", "12:00"]...]}}: these instead of the week's, none: closed. A day that kept what it
    # had before a change has its "minutes" and "capacity" too.
    exceptions = models.JSONField(default=dict, blank=True)
    minutes = models.PositiveSmallIntegerField(default=30)  # how long one slot is
    capacity = models.PositiveSmallIntegerField(default=1)  # how many at once: clerks at the counter, seats
    most_places = models.PositiveSmallIntegerField(default=1)  # in one booking
    ahead_days = models.PositiveSmallIntegerField(default=30)
    notice_minutes = models.PositiveIntegerField(default=60)  # not later than this before it begins
    hold_minutes = models.PositiveSmallIntegerField(default=15)  # kept for who is typing their name
    waiting_list = models.BooleanField(default=True)
    asks_place = models.BooleanField(default=False)  # the town comes to them: where?
    price = models.BigIntegerField(default=0)  # of one place, in the minor unit of the town's currency
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)
    feed_key = models.CharField(max_length=24, default=feed_key)

    class Meta:
        db_table = "bookings_resource"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


class Slot(models.Model):
    """One time of one resource that somebody has taken, or waits for. `taken` is changed by one statement that refuses to
    go beyond the capacity; the database refuses too."""

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="slots", db_index=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    capacity = models.PositiveSmallIntegerField()
    taken = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "bookings_slot"
        constraints = [
            models.UniqueConstraint(fields=["resource", "start"], name="bookings_slot_once"),
            models.CheckConstraint(condition=models.Q(taken__lte=models.F("capacity")), name="bookings_not_over"),
        ]
        indexes = [models.Index(fields=["start"], name="bookings_slot_start")]


class Booking(models.Model):
    """Somebody's share of a slot. `person` goes when it is old; what is counted stays."""

    class State(models.TextChoices):
        HELD = "held", _("Kept for a moment")
        WAITING = "waiting", _("On the waiting list")
        BOOKED = "booked", _("Booked")
        CAME = "came", _("Came")
        NO_SHOW = "no_show", _("Did not come")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Not kept")

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)  # made by whoever sends it: a replay changes nothing
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="bookings")
    state = models.CharField(max_length=10, choices=State.choices)
    places = models.PositiveSmallIntegerField(default=1)
    person = models.ForeignKey(
        "people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="bookings"
    )
    subject_kind = models.CharField(max_length=40, blank=True)  # what it is about: see `subjects.Subject`
    subject = models.CharField(max_length=80, blank=True)
    place = models.CharField(max_length=300, blank=True)
    price = models.BigIntegerField(default=0)  # of the whole, when it was booked
    expires = models.DateTimeField(null=True, blank=True)  # not confirmed with a name: until then
    language = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=12, default="web")
    created = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(db_default=Now())  # its hour or its state

    class Meta:
        db_table = "bookings_booking"
        indexes = [
            models.Index(fields=["expires"], name="bookings_expires", condition=models.Q(expires__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.code
