"""What reports need beside the case: other bodies and what is sent to them, alerts, and answers to common questions."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Now

from toguna.kernel.text import WordsField


class Body(models.Model):
    """Another body that deals with some reports: the water company, the next town. Through its Open311, or by e-mail."""

    slug = models.SlugField(unique=True, max_length=60)
    names = WordsField()
    contact = WordsField(blank=True)  # what residents are told: its phone, its office
    email = models.EmailField(blank=True)
    endpoint = models.URLField(blank=True, max_length=300)  # the base of its GeoReport v2, with the last slash
    jurisdiction = models.CharField(max_length=120, blank=True)
    api_key = models.CharField(max_length=200, blank=True)  # ours with them
    key_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of theirs with us
    active = models.BooleanField(default=True)
    polled = models.DateTimeField(null=True, blank=True)  # until when their updates were read
    checked = models.DateTimeField(null=True, blank=True)  # when its Open311 last answered as it should
    trouble = models.CharField(max_length=300, blank=True)  # and what was wrong when it did not

    class Meta:
        db_table = "reports_body"
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class BodyService(models.Model):
    """Which of its services a category is there."""

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="services")
    topic = models.ForeignKey("cases.Topic", on_delete=models.CASCADE, related_name="+")
    service_code = models.CharField(max_length=120)
    automatic = models.BooleanField(default=False)  # sent on as soon as it is received

    class Meta:
        db_table = "reports_body_service"
        constraints = [models.UniqueConstraint(fields=["body", "topic"], name="reports_body_service_once")]


class Transfer(models.Model):
    """A report sent on to another body, and how far that got."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        REFUSED = "refused"  # the body said no: somebody of ours must look
        CLOSED = "closed"

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="transfers")
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="transfers")
    service_code = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    token = models.CharField(max_length=120, blank=True)
    remote_id = models.CharField(max_length=120, blank=True)
    attempts = models.SmallIntegerField(default=0)
    trouble = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(db_default=Now())
    sent = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reports_transfer"
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=models.Q(state__in=["waiting", "sent"]),
                name="reports_transfer_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["body", "remote_id"], condition=~models.Q(remote_id=""), name="reports_transfer_remote"
            ),
        ]


class RemoteUpdate(models.Model):
    """An update that another body gave of a report: the same one a second time changes nothing."""

    body = models.ForeignKey(Body, on_delete=models.CASCADE, related_name="+")
    update_id = models.CharField(max_length=120)
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "reports_remote_update"
        constraints = [models.UniqueConstraint(fields=["body", "update_id"], name="reports_remote_update_once")]


class Alert(models.Model):
    """Somebody who wants to hear of new reports: in a district, around a point, of a category. Confirmed before it is used."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    medium = models.CharField(max_length=10)  # "email"; "sms" when the town opens it
    address = models.CharField(max_length=254)
    language = models.CharField(max_length=8, blank=True)
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey("cases.Topic", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    radius_m = models.IntegerField(default=1000)
    weekly = models.BooleanField(default=False)  # else as they come, once a day
    created = models.DateTimeField(db_default=Now())
    confirmed = models.DateTimeField(null=True, blank=True)
    told = models.BigIntegerField(default=0)  # the last case (id) that they heard of
    sent = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "reports_alert"
        indexes = [GistIndex(fields=["point"], name="reports_alert_point")]


class Article(models.Model):
    """An answer that the town has already given: offered to whoever is about to ask the same."""

    slug = models.SlugField(unique=True, max_length=80)
    titles = WordsField()
    texts = WordsField()
    keywords = models.CharField(max_length=300, blank=True)  # other words that people use for it, in any language
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)
    helped = models.IntegerField(default=0, db_default=0)  # how often somebody said that it was what they wanted
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "reports_article"
        ordering = ["order", "slug"]
