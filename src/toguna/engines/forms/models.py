"""Forms, their versions, and what people answer. A version that was published is never changed: a new one follows it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from toguna.kernel.text import WordsField


class Form(models.Model):
    """`service`: who uses it ("procedures"); what comes in through it becomes what that service makes of it."""

    slug = models.SlugField(max_length=64, unique=True)
    titles = WordsField()
    service = models.CharField(max_length=40)
    active = models.BooleanField(default=True)  # offered to new people; what is under way goes on
    field = models.BooleanField(default=False)  # offered to the town's people in ODK Collect and the field app
    current = models.ForeignKey("FormVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    draft = models.JSONField(null=True, blank=True)  # the definition that somebody works on
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "forms_form"

    def __str__(self) -> str:
        return self.slug


class FormVersion(models.Model):
    """One published definition, for ever."""

    form = models.ForeignKey(Form, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=32)  # grows: "2026112301"
    definition = models.JSONField()
    xform = models.TextField(blank=True)  # made at publication; hash is its MD5, as OpenRosa wants it
    hash = models.CharField(max_length=32, blank=True)
    published = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    carried = models.BooleanField(default=False)  # it is on telephones, though its form is offered in the field no more

    class Meta:
        db_table = "forms_version"
        constraints = [models.UniqueConstraint(fields=["form", "version"], name="forms_version_once")]


class Filling(models.Model):
    """One person's answers, from the first word to the end. `subject` is what it is for or became: ("case", "123")."""

    class State(models.TextChoices):
        DRAFT = "draft"
        COMPLETE = "complete"

    code = models.CharField(max_length=8, unique=True)  # with which a draft is taken up again
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    version = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="fillings", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    values = models.JSONField(default=dict)
    seen = models.JSONField(default=list)  # the pages that were passed
    facts = models.JSONField(default=dict)  # what it was opened with and may not be changed by who fills it in
    language = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=12, default="web")
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    account = models.BigIntegerField(null=True)  # the clerk, the mediator or the surveyor who typed
    subject_kind = models.CharField(max_length=20, blank=True)
    subject = models.CharField(max_length=40, blank=True)
    revision = models.IntegerField(default=0)  # one more at each saving: two windows do not overwrite one another
    started = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())
    completed = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "forms_filling"
        indexes = [
            models.Index(fields=["version", "-id"], name="forms_filling_version"),
            models.Index(
                fields=["subject_kind", "subject"], name="forms_filling_subject", condition=~models.Q(subject="")
            ),
            models.Index(fields=["updated"], name="forms_filling_drafts", condition=models.Q(state="draft")),
        ]


class FieldKey(models.Model):
    """An account's password for ODK Collect, which knows HTTP digest only: what is kept opens this and nothing else, and is
    made anew or taken back on the account's own page. ha1: MD5 of "username:realm:password" (RFC 7616)."""

    account = models.BigIntegerField(unique=True)
    username = models.CharField(max_length=254, unique=True)
    ha1 = models.CharField(max_length=32)
    made = models.DateTimeField(db_default=Now())
    used = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "forms_field_key"


class DraftStep(models.Model):
    """A form's draft as it was before somebody changed it: what "undo" brings back. done: a verb of the builder; said: what
    it was done to, in words."""

    form = models.ForeignKey(Form, on_delete=models.CASCADE, related_name="steps")
    before = models.JSONField(null=True)
    after = models.CharField(max_length=16)  # the revision that it made: undone only while nothing else was written
    done = models.CharField(max_length=20)
    said = models.CharField(max_length=200, blank=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "forms_draft_step"
        indexes = [models.Index(fields=["form", "-id"], name="forms_draft_step_form")]
