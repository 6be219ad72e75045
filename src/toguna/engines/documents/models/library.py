"""Acts of the town and regulations: their words in versions that nothing changes, what one does to another, what it cites."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    DELIBERATION = "deliberation", _("Deliberation")
    BYLAW = "bylaw", _("By-law")
    DECISION = "decision", _("Decision")
    REGULATION = "regulation", _("Regulation")
    DECREE = "decree", _("Decree")


class Act(models.Model):
    """One act. number: as it is compared, no zeros in front ("14", "14-bis"), "" until it is published without one of its own.

    published: since when everyone reads it, None: a draft; effective: since when it binds; repealed: since when it does not.
    subject and the text are those of its latest `Version`; indexed: the day whose text the search knows.
    """

    kind = models.CharField(max_length=16, choices=Kind.choices)
    year = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=20, blank=True)
    language = models.CharField(max_length=2, default="fr")
    body = models.CharField(max_length=120)
    subject = models.CharField(max_length=300)
    signed = models.DateField()
    published = models.DateField(null=True)
    effective = models.DateField(null=True)
    repealed = models.DateField(null=True)
    first = models.PositiveSmallIntegerField(null=True)  # the version that was published; those before it are drafts
    indexed = models.DateField(null=True)
    client_id = models.UUIDField(unique=True, null=True)
    created = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "documents_act"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "year", "number"], condition=~models.Q(number=""), name="documents_act_number"
            ),
            models.CheckConstraint(
                condition=models.Q(published=None) | ~models.Q(number=""), name="documents_act_published_has_number"
            ),
        ]
        indexes = [models.Index(fields=["-published", "-id"], name="documents_act_recent")]

    def __str__(self) -> str:
        return self.title

    @property
    def padded(self) -> str:
        """The number as it is written: "014", "014-bis"."""
        head, dash, tail = self.number.partition("-")
        return f"{head:0>3}{dash}{tail}" if self.number else ""

    @property
    def reference(self) -> str:
        """ "2023-014"; "2023-…" while it has no number."""
        return f"{self.year}-{self.padded or '…'}"

    @property
    def title(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"

    @property
    def subject_key(self) -> str:
        """What it is called in the index of texts and in the audit log."""
        return f"documents.act:{self.pk}"

    def binding(self, day: date) -> bool:
        """Whether it was in force on that day."""
        return self.effective is not None and self.effective <= day and (self.repealed is None or day < self.repealed)


class ActVersion(models.Model):
    """The words of an act as they stood from then on: every save of a draft, and every correction, is one more.

    text: see `structure.Text.to_json`; note: why it was corrected. The database refuses to change or delete a row of an act
    that is published (see the migration)."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="versions")
    n = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=300)
    text = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "documents_act_version"
        constraints = [models.UniqueConstraint(fields=["act", "n"], name="documents_act_version_once")]
        ordering = ["act", "n"]


class Verb(models.TextChoices):
    REPLACE = "replace", _("replaces the article")
    ADD = "add", _("adds an article")
    REMOVE = "remove", _("removes the article")
    REPEAL = "repeal", _("repeals the whole act")


class ActChange(models.Model):
    """What an act does to another, from a day on (None: from when it binds itself). article: "" for the whole act; for `add`
    the new article's number, put in after `after` ("": at the end)."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="changes")
    target = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="changed_by")
    verb = models.CharField(max_length=8, choices=Verb.choices)
    article = models.CharField(max_length=20, blank=True)
    after = models.CharField(max_length=20, blank=True)
    heading = models.CharField(max_length=200, blank=True)
    words = models.TextField(blank=True)
    since = models.DateField(null=True)

    class Meta:
        db_table = "documents_act_change"
        indexes = [models.Index(fields=["since"], name="documents_act_change_since")]


class ActCitation(models.Model):
    """That an act names another by its number: kept by what it says, so that it leads there once the other is in the library."""

    act = models.ForeignKey(Act, on_delete=models.CASCADE, related_name="citations")
    kind = models.CharField(max_length=16)
    year = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=20)

    class Meta:
        db_table = "documents_act_citation"
        constraints = [
            models.UniqueConstraint(fields=["act", "kind", "year", "number"], name="documents_act_citation_once")
        ]
        indexes = [models.Index(fields=["kind", "year", "number"], name="documents_act_cited")]
