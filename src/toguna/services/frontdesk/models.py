"""What the counter and the call centre keep: who came with what, who is to be called back, what to say, which exchange rings."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Call(models.Model):
    """Somebody at the counter or on the telephone, from the first ring to the wrap-up."""

    class Door(models.TextChoices):
        PHONE = "phone", _("By telephone")
        COUNTER = "counter", _("At the counter")

    class Reason(models.TextChoices):
        QUESTION = "question", _("A question")
        REQUEST = "request", _("A request or a report")
        FOLLOW = "follow", _("News of an earlier request")
        PAPERS = "papers", _("Papers and certificates")
        PAYMENT = "payment", _("A payment or a bill")
        COMPLAINT = "complaint", _("A complaint about the town hall")
        OTHER = "other", _("Something else")

    class Outcome(models.TextChoices):
        ANSWERED = "answered", _("Answered at once")
        OPENED = "opened", _("A request was opened")
        PASSED = "passed", _("Sent to another office")
        CALL_BACK = "call-back", _("To be called back")
        CUT = "cut", _("Cut off, or nobody spoke")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4)  # made by the form: sent twice, it is one call
    door = models.CharField(max_length=8, choices=Door.choices, default=Door.PHONE)
    number = models.CharField(max_length=20, blank=True)  # E.164; "": hidden, or at the counter
    extension = models.CharField(max_length=40, blank=True)  # which telephone rang
    reference = models.CharField(max_length=120, blank=True)  # what the exchange calls it
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    mandate = models.ForeignKey("people.Mandate", null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.BigIntegerField(null=True)  # who served
    rang = models.DateTimeField(null=True, blank=True)
    answered = models.DateTimeField(null=True, blank=True)
    hung_up = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    minutes = models.SmallIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(db_default=Now())
    wrapped = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "frontdesk_call"
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=~models.Q(reference=""), name="frontdesk_call_reference"
            )
        ]
        indexes = [
            models.Index(fields=["-created"], name="frontdesk_call_created"),
            models.Index(fields=["person", "-created"], name="frontdesk_call_person"),
        ]


class CallBack(models.Model):
    """Somebody whom the town promised to call."""

    class Priority(models.IntegerChoices):
        URGENT = 0, _("Urgent")
        USUAL = 5, _("Usual")
        LATER = 9, _("When there is time")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4)
    number = models.CharField(max_length=20)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=300)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.USUAL)
    due = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)  # nobody answered
    created = models.DateTimeField(db_default=Now())
    created_by = models.BigIntegerField(null=True)
    done = models.DateTimeField(null=True, blank=True)
    done_by = models.BigIntegerField(null=True)

    class Meta:
        db_table = "frontdesk_call_back"
        indexes = [
            models.Index(fields=["priority", "due"], name="frontdesk_back_due", condition=models.Q(done__isnull=True))
        ]


class Script(models.Model):
    """What to say and ask, step by step, in each language. `steps`: {language: [words of a step, ...]}."""

    slug = models.SlugField(unique=True, max_length=40)
    titles = WordsField()
    steps = models.JSONField(default=dict)
    order = models.SmallIntegerField(default=100)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "frontdesk_script"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug

    def lines(self, wanted: list[str]) -> list[str]:
        """Its steps in the first of these languages in which there are some."""
        found: dict[str, Any] = self.steps
        return next((found[code] for code in [*wanted, *found] if found.get(code)), [])


class Exchange(models.Model):
    """A telephone exchange (Asterisk, FreePBX...) that may say who calls. Its secret is shown once and kept as a digest."""

    slug = models.SlugField(unique=True, max_length=40)
    digest = models.CharField(max_length=64)
    hint = models.CharField(max_length=8)  # the end of the secret, to tell which one it is
    heard = models.DateTimeField(null=True, blank=True)  # when it last said something
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "frontdesk_exchange"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug
