"""Paper that is being read: a batch as it came, its pages, and the documents that they make until a clerk files each."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.models.store import File


class ScanBatch(models.Model):
    """What came at once: some files of a scanner, one upload, one e-mail. sha256: of it, so that it is taken once; done: pages
    read so far; trouble: why it stands still."""

    class State(models.TextChoices):
        RECEIVED = "received", _("waits to be read")
        READING = "reading", _("being read")
        READY = "ready", _("to be checked")
        DONE = "done", _("filed")
        REFUSED = "refused", _("not taken")

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=10)  # "upload", "folder" or "email"
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    pages = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    trouble = models.CharField(max_length=300, blank=True)
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    beat = models.DateTimeField(null=True)  # when its reading last got on: a batch that nobody reads is taken up again

    class Meta:
        db_table = "documents_scan_batch"
        indexes = [models.Index(fields=["-at", "-id"], name="documents_scan_recent")]


class ScanPart(models.Model):
    """One document of a batch. guess: {"kind", "title", "day", "reference", "parties", "amount": {"value", "sure", "from"}}; claimed: the
    clerk who checks it now; routed: where a barcode sent it; file: what it became."""

    class State(models.TextChoices):
        READING = "reading", _("being read")
        CHECK = "check", _("to be checked")
        FILED = "filed", _("filed")
        DROPPED = "dropped", _("left out")
        ROUTED = "routed", _("given to another room")

    batch = models.ForeignKey(ScanBatch, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()  # its place in the batch
    state = models.CharField(max_length=8, choices=State.choices, default=State.READING)
    kind = models.CharField(max_length=40, blank=True)  # that the sheet before it says
    barcode = models.CharField(max_length=300, blank=True)
    guess = models.JSONField(default=dict)
    claimed_by = models.BigIntegerField(null=True)
    claimed = models.DateTimeField(null=True)
    routed = models.CharField(max_length=200, blank=True)
    file = models.ForeignKey(File, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "documents_scan_part"
        ordering = ["number", "id"]


class ScanPage(models.Model):
    """One side of paper. number: in the batch, from 1; place: in its part; turn: degrees, as a clerk set it; blank: left out,
    until a clerk takes it back; sheet: a sheet that only separates; text: what was read on it, None before."""

    batch = models.ForeignKey(ScanBatch, on_delete=models.CASCADE, related_name="sides")
    part = models.ForeignKey(ScanPart, null=True, on_delete=models.SET_NULL, related_name="sides")
    number = models.PositiveIntegerField()
    turn = models.PositiveSmallIntegerField(default=0)
    blank = models.BooleanField(default=False)
    sheet = models.BooleanField(default=False)
    barcode = models.CharField(max_length=300, blank=True)
    text = models.TextField(null=True)  # noqa: DJ001 - nothing read yet is not an empty page

    class Meta:
        db_table = "documents_scan_page"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="documents_scan_page_once")]
