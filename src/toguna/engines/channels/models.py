"""Every message that leaves the town, from the moment it is decided."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """`key` says what the message is ("cases.moved:81:email"): asked for twice, it is one row and is sent once."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        SENT = "sent", _("sent")
        SHOWN = "shown", _("written to the server's log")  # no gateway for this medium: the IT person sees it there
        FAILED = "failed", _("failed")

    key = models.CharField(max_length=120, unique=True)
    medium = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    language = models.CharField(max_length=8, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    lane = models.SmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    tries = models.SmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(db_default=Now())
    sent = models.DateTimeField(null=True)

    class Meta:
        db_table = "channels_message"
        indexes = [models.Index(fields=["-created"], name="channels_message_created")]
