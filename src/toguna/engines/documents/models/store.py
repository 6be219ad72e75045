"""Files that the town keeps: what was brought, in versions that nothing overwrites, and how long each kind is kept."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Then(models.TextChoices):
    DESTROY = "destroy", _("Destroy")
    ARCHIVE = "archive", _("Hand to the archives")


class FileKind(models.Model):
    """A line of the classification plan. keep_years: counted from File.since, None for ever; then: what is done after."""

    name = models.SlugField(max_length=40, unique=True)
    title = WordsField()
    keep_years = models.PositiveSmallIntegerField(null=True)
    then = models.CharField(max_length=8, choices=Then.choices, default=Then.ARCHIVE)

    class Meta:
        db_table = "documents_file_kind"
        ordering = ["name"]


class FileState(models.TextChoices):
    WAITING = "waiting", _("Waits for the virus check")
    CLEAN = "clean", _("Checked")
    REFUSED = "refused", _("Refused by the virus check")


class File(models.Model):
    """One document. subject_name, subject_id: what it belongs to ("cases.case", 12), ("", 0) for nothing yet; person: who
    brought it; since: the day from which its years count; held: since when a legal hold keeps it from every disposal."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.ForeignKey(FileKind, null=True, on_delete=models.PROTECT, related_name="files")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=FileState.choices)
    subject_name = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(default=0)
    language = models.CharField(max_length=2, blank=True)
    text = models.TextField(blank=True)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.BigIntegerField(null=True)
    since = models.DateField()
    at = models.DateTimeField(db_default=Now())
    held = models.DateTimeField(null=True)
    hold_reason = models.CharField(max_length=300, blank=True)
    archived = models.DateTimeField(null=True)
    client_id = models.UUIDField(unique=True, null=True)

    class Meta:
        db_table = "documents_file"
        indexes = [
            models.Index(fields=["subject_name", "subject_id"], name="documents_file_subject"),
            models.Index(fields=["-at", "-id"], name="documents_file_recent"),
            models.Index(fields=["kind", "since"], name="documents_file_since"),
            GinIndex(fields=["title"], opclasses=["gin_trgm_ops"], name="documents_file_title"),
        ]

    @property
    def latest(self) -> FileVersion:
        return self.versions.order_by("-number")[0]

    @property
    def subject(self) -> tuple[str, int]:
        return self.subject_name, self.subject_id

    @property
    def subject_key(self) -> str:
        return f"documents.file:{self.pk}"


class FileVersion(models.Model):
    """What a document was at a time. sha256 names its content on disk; type: what the content is, whatever its name says;
    size: bytes; pages: of a PDF, else 1."""

    file = models.ForeignKey(File, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    type = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    pages = models.PositiveIntegerField(default=1)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "documents_file_version"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="documents_file_version_once")]


class Disposal(models.Model):
    """The certificate of a file destroyed. It says which content and why, and nothing of anybody."""

    public_id = models.UUIDField()
    sha256s = models.JSONField()
    kind = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=300)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "documents_disposal"
        ordering = ["-at"]
