"""Papers that the town issues, and its register books. What is written in a book is only ever added to."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class PaperTemplate(models.Model):
    """What a paper says, one row for each version. fields: [{"name", "label": {lang: words}, "kind": "text"|"date"|"lines",
    "needed": bool, "shown": "no"|"masked"|"yes"}]; shown: what the public check page says of it; words: {lang: text with
    {name} where a fact goes}, a paragraph between empty lines; prefix: before its numbers ("CR" in CR-2026-00012)."""

    name = models.SlugField(max_length=40)
    version = models.PositiveSmallIntegerField()
    title = WordsField()
    words = WordsField()
    head = WordsField(blank=True)
    foot = WordsField(blank=True)
    fields = models.JSONField(default=list)
    prefix = models.CharField(max_length=8)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "documents_paper_template"
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="documents_paper_template_once")]


class Counter(models.Model):
    """The last number given, for a template and a year."""

    template = models.SlugField(max_length=40)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "documents_paper_counter"
        constraints = [models.UniqueConstraint(fields=["template", "year"], name="documents_paper_counter_once")]


class Issued(models.Model):
    """One paper. number: without gaps for its template and year; sha256: of the signed PDF; facts: what it says of whom,
    emptied when the person is erased; person: whom it is about; subject: "cases.case:12"; duplicate: copies handed out after
    the first."""

    template = models.ForeignKey(PaperTemplate, on_delete=models.PROTECT, related_name="issued")
    kind = models.SlugField(max_length=40)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=12, unique=True)
    language = models.CharField(max_length=2)
    facts = models.JSONField()
    day = models.DateField()
    signer = models.CharField(max_length=120)
    subject = models.CharField(max_length=80, blank=True)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    holder = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, unique=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    revoked = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    duplicates = models.PositiveSmallIntegerField(default=0)
    client_id = models.UUIDField(unique=True, null=True)

    class Meta:
        db_table = "documents_issued"
        constraints = [models.UniqueConstraint(fields=["kind", "year", "number"], name="documents_issued_number")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="documents_issued_recent"),
            models.Index(fields=["subject"], name="documents_issued_subject"),
            GinIndex(fields=["holder"], opclasses=["gin_trgm_ops"], name="documents_issued_holder"),
        ]

    @property
    def reference(self) -> str:
        """ "CR-2026-00012"."""
        return f"{self.template.prefix}-{self.year}-{self.number:05}"

    @property
    def subject_key(self) -> str:
        return f"documents.issued:{self.pk}"


class IssuedFile(models.Model):
    """The signed PDF, in the transaction that gives it its number, so that neither is without the other."""

    issued = models.OneToOneField(Issued, primary_key=True, on_delete=models.CASCADE, related_name="file")
    content = models.BinaryField()

    class Meta:
        db_table = "documents_issued_file"


class BookKind(models.TextChoices):
    BIRTH = "birth", _("Births")
    MARRIAGE = "marriage", _("Marriages")
    DEATH = "death", _("Deaths")
    OTHER = "other", _("Other entries")


class Register(models.Model):
    """One book. last: the number of its last entry; hash: of that entry; old: copied from paper, where numbers may lack."""

    kind = models.CharField(max_length=10, choices=BookKind.choices)
    year = models.PositiveSmallIntegerField()
    volume = models.PositiveSmallIntegerField(default=1)
    language = models.CharField(max_length=2, default="fr")
    old = models.BooleanField(default=False)
    last = models.PositiveIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    opened = models.DateTimeField(db_default=Now())
    closed = models.DateTimeField(null=True)
    closing = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "documents_register"
        constraints = [models.UniqueConstraint(fields=["kind", "year", "volume"], name="documents_register_once")]
        ordering = ["-year", "kind", "volume"]

    @property
    def title(self) -> str:
        return f"{self.get_kind_display()} {self.year} / {self.volume}"


class Entry(models.Model):
    """One act of a book, as it was written. hash: SHA-256 over what it says and the hash of the entry before.
    The database refuses to change or delete it (see the migration)."""

    register = models.ForeignKey(Register, on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField()
    day = models.DateField()
    facts = models.JSONField()
    text = models.TextField()
    officer = models.CharField(max_length=120)
    born = models.DateField(null=True)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    client_id = models.UUIDField(unique=True, null=True)

    class Meta:
        db_table = "documents_entry"
        constraints = [models.UniqueConstraint(fields=["register", "number"], name="documents_entry_number")]
        indexes = [models.Index(fields=["born"], name="documents_entry_born")]

    @property
    def reference(self) -> str:
        """ "12/2026", "12/2026-2" in the second volume."""
        book = self.register
        return f"{self.number}/{book.year}" + (f"-{book.volume}" if book.volume > 1 else "")

    @property
    def subject_key(self) -> str:
        return f"documents.entry:{self.pk}"


class EntryName(models.Model):
    """Somebody an entry names. role: "subject" (whom it is about), "mother", "father"; folded: how words are compared;
    sound: how it sounds, whatever its spelling (see `names`)."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="names")
    role = models.CharField(max_length=8)
    name = models.CharField(max_length=200)
    folded = models.CharField(max_length=200)
    sound = models.CharField(max_length=200)

    class Meta:
        db_table = "documents_entry_name"
        indexes = [
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="documents_entry_folded"),
            GinIndex(fields=["sound"], opclasses=["gin_trgm_ops"], name="documents_entry_sound"),
        ]


class EntryNote(models.Model):
    """A note in the margin: what happened since. Never changed."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="notes")
    day = models.DateField()
    reference = models.CharField(max_length=120)
    text = models.CharField(max_length=1000)
    officer = models.CharField(max_length=120)
    account = models.BigIntegerField(null=True)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now())
    client_id = models.UUIDField(unique=True, null=True)

    class Meta:
        db_table = "documents_entry_note"
        ordering = ["pk"]
