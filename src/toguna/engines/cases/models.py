"""Cases: what somebody asked of the town, and all that was done about it. Reports, procedures, complaints and orders are
case types; what one of them alone needs is a table of its service with a OneToOne to the case."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Now

from toguna.kernel.text import WordsField


class Topic(models.Model):
    """What a case is about (a category of reports, a procedure...): the town's data, in a tree."""

    case_type = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    names = WordsField()
    help = WordsField(blank=True)
    icon = models.CharField(max_length=40, blank=True)
    days = models.SmallIntegerField(default=10)  # from opening to the deadline
    public = models.BooleanField(default=True)
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "cases_topic"
        constraints = [models.UniqueConstraint(fields=["case_type", "slug"], name="cases_topic_slug")]

    def __str__(self) -> str:
        return self.slug


class Rule(models.Model):
    """Which team takes a case: the most specific rule that fits (topic and zone, then topic, then zone, then neither)."""

    case_type = models.CharField(max_length=40)
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.CASCADE)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.CASCADE)
    team = models.ForeignKey("people.Team", on_delete=models.CASCADE)

    class Meta:
        db_table = "cases_rule"
        constraints = [
            models.UniqueConstraint(fields=["case_type", "topic", "zone"], nulls_distinct=False, name="cases_rule_once")
        ]


class Case(models.Model):
    """One request. `state` is a state of its type's workflow; `open` says whether that state still asks for work."""

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)  # made by whoever sends it: a replay changes nothing
    type = models.CharField(max_length=40)
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, db_index=False)
    state = models.CharField(max_length=40)
    open = models.BooleanField(default=True)
    public = models.BooleanField(default=True)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    place = models.CharField(max_length=300, blank=True)  # in words: "behind the mosque"
    text = models.TextField(blank=True)
    language = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=12, default="web")
    reporter = models.ForeignKey(
        "people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="cases"
    )
    team = models.ForeignKey("people.Team", null=True, blank=True, on_delete=models.SET_NULL, db_index=False)
    assignee = models.ForeignKey("people.Account", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())
    due = models.DateTimeField(null=True, blank=True)
    closed = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cases_case"
        indexes = [
            models.Index(fields=["type", "-id"], name="cases_case_public", condition=models.Q(public=True)),
            models.Index(fields=["type", "team", "due", "id"], name="cases_case_team", condition=models.Q(open=True)),
            models.Index(fields=["type", "due", "id"], name="cases_case_due", condition=models.Q(open=True)),
            models.Index(fields=["type", "zone", "-id"], name="cases_case_zone"),
            models.Index(fields=["type", "topic", "-id"], name="cases_case_topic"),
            models.Index(fields=["closed"], name="cases_case_closed", condition=models.Q(open=False, public=True)),
            GistIndex(fields=["point"], name="cases_case_point"),
        ]

    def __str__(self) -> str:
        return self.code


class Step(models.Model):
    """What happened to a case, in order. Only ever added to: the database refuses to change or delete one."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    action = models.CharField(max_length=30)  # opened, moved, assigned, replied, noted, photo, merged...
    from_state = models.CharField(max_length=40, blank=True)
    to_state = models.CharField(max_length=40, blank=True)
    text = models.TextField(blank=True)
    public = models.BooleanField(default=False)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "cases_step"
        ordering = ["id"]


class Photo(models.Model):
    """A picture of a case. What is uploaded is drawn anew (1600 px and 320 px, no EXIF), then the original is removed."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        REFUSED = "refused"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    public = models.BooleanField(default=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "cases_photo"
        constraints = [models.UniqueConstraint(fields=["case", "digest"], name="cases_photo_once")]
