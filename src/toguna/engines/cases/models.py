"""Cases: what somebody asked of the town, and all that was done about it. Reports, procedures, complaints and orders are
case types; what one of them alone needs is a table of its service with a OneToOne to the case."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, GistIndex, OpClass
from django.db.models.functions import Coalesce, Now, Upper

from toguna.kernel.text import WordsField


class Topic(models.Model):
    """What a case is about (a category of reports, a procedure...): the town's data, in a tree."""

    case_type = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    names = WordsField()
    help = WordsField(blank=True)
    icon = models.CharField(max_length=40, blank=True)
    stop = WordsField(blank=True)  # not the town's business: what is said instead of a form ("call the water company")
    questions = models.JSONField(default=list, blank=True)  # see `questions`
    layer = models.CharField(
        max_length=60, blank=True
    )  # the layer in which the very thing may be picked: lamps, bins...
    days = models.SmallIntegerField(default=10)  # from opening to the deadline
    near_m = models.SmallIntegerField(default=50)  # open cases this near may be the same one; 0: never asked
    reopen_days = models.SmallIntegerField(
        default=28
    )  # after it was closed, in which "it is not solved" opens it again
    ask_days = models.SmallIntegerField(default=28)  # after it was opened, when the person is asked; 0: never
    keep_days = models.IntegerField(default=730)  # after it was closed, when all that says who it was about is removed
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
    # When it holds, by the town's clock; a rule with hours beats one without. Days are 1 (Monday) to 7; none: every day.
    weekdays = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    start = models.TimeField(null=True, blank=True)
    end = models.TimeField(null=True, blank=True)  # before start: until that hour of the next morning

    class Meta:
        db_table = "cases_rule"
        constraints = [
            models.UniqueConstraint(
                fields=["case_type", "topic", "zone", "weekdays", "start"], nulls_distinct=False, name="cases_rule_once"
            )
        ]


class Workflow(models.Model):
    """One version of a workflow that is data. Never changed: a change is another version, and cases stay on theirs."""

    case_type = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60)
    version = models.PositiveIntegerField()
    definition = models.JSONField()
    published = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "cases_workflow"
        constraints = [models.UniqueConstraint(fields=["slug", "version"], name="cases_workflow_version")]

    def __str__(self) -> str:
        return f"{self.slug} {self.version}"


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
    answers = models.JSONField(default=dict, blank=True)  # to the questions of its topic
    asset = models.ForeignKey(
        "territory.Feature", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
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
    supporters = models.IntegerField(default=0, db_default=0)  # who said "me too", beside the reporter
    rating = models.SmallIntegerField(null=True, blank=True)  # 1 to 5, by the reporter
    asked = models.DateTimeField(null=True, blank=True)  # when the person was asked whether it is solved
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="merged"
    )
    anonymised = models.DateTimeField(null=True, blank=True)
    workflow = models.ForeignKey(
        Workflow, null=True, blank=True, on_delete=models.PROTECT, db_index=False
    )  # null: the type's
    step_due = models.DateTimeField(null=True, blank=True)  # of the state it is in
    warned = models.BooleanField(default=False, db_default=False)  # it was said that this step is late
    silent = models.DateTimeField(null=True, blank=True)  # when the law decides
    stopped = models.DateTimeField(null=True, blank=True)  # since when it is the applicant's turn

    class Meta:
        db_table = "cases_case"
        indexes = [
            models.Index(fields=["type", "-id"], name="cases_case_public", condition=models.Q(public=True)),
            models.Index(fields=["type", "team", "due", "id"], name="cases_case_team", condition=models.Q(open=True)),
            # Lists of what is open are sorted by this, and narrower ones counted from it alone.
            models.Index(
                fields=["type", "due", "id"],
                name="cases_case_due",
                condition=models.Q(open=True),
                include=["team", "topic", "zone", "state", "assignee", "created", "channel", "public"],
            ),
            models.Index(fields=["type", "zone", "-id"], name="cases_case_zone"),
            models.Index(fields=["type", "topic", "-id"], name="cases_case_topic"),
            models.Index(
                fields=["closed"],
                name="cases_case_closed",
                condition=models.Q(open=False, public=True),
                include=["type", "zone", "state"],
            ),
            GistIndex(fields=["point"], name="cases_case_point"),
            models.Index(fields=["asset"], name="cases_case_asset", condition=models.Q(asset__isnull=False)),
            models.Index(
                fields=["merged_into"], name="cases_case_merged", condition=models.Q(merged_into__isnull=False)
            ),
            BrinIndex(fields=["created"], name="cases_case_created", pages_per_range=32),
            BrinIndex(fields=["updated"], name="cases_case_updated", pages_per_range=32),
            models.Index(
                "type", Coalesce("team", 0), "created", name="cases_case_oldest", condition=models.Q(open=True)
            ),
            # What people typed, as the desk looks for it: any part of a word, in any case.
            GinIndex(
                OpClass(Upper("text"), "gin_trgm_ops"), OpClass(Upper("place"), "gin_trgm_ops"), name="cases_case_words"
            ),
            models.Index(
                fields=["silent"],
                name="cases_case_silent",
                condition=models.Q(silent__isnull=False, stopped__isnull=True),
            ),
            models.Index(
                fields=["step_due"],
                name="cases_case_step",
                condition=models.Q(step_due__isnull=False, stopped__isnull=True, warned=False),
            ),
            models.Index(
                fields=["type", "stopped"], name="cases_case_stopped", condition=models.Q(stopped__isnull=False)
            ),
            models.Index(
                fields=["closed"], name="cases_case_kept", condition=models.Q(anonymised__isnull=True, open=False)
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Supporter(models.Model):
    """Somebody who said "me too": counted once, told what happens when the town knows how to reach them."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="followers")
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.CASCADE)
    device = models.CharField(max_length=64, blank=True)  # a digest; says nothing of whose it is
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "cases_supporter"
        constraints = [
            models.UniqueConstraint(fields=["case", "person"], name="cases_supporter_person"),
            models.UniqueConstraint(
                fields=["case", "device"], condition=~models.Q(device=""), name="cases_supporter_device"
            ),
        ]


class Received(models.Model):
    """An action that came from a device which may send it again: the same id a second time changes nothing."""

    client_id = models.UUIDField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "cases_received"


class Work(models.Model):
    """Time and money spent on a case: a line is never changed, a wrong one is set right by another (negative) line."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="works")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    minutes = models.IntegerField(default=0)
    cost = models.BigIntegerField(default=0)  # in the minor unit of the town's currency
    what = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cases_work"


class ReplyTemplate(models.Model):
    """Words that a team uses often, offered with one transition ("" : with any answer), for one topic or for all."""

    case_type = models.CharField(max_length=40)
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.CASCADE)
    transition = models.CharField(max_length=40, blank=True)
    titles = WordsField()
    texts = WordsField()
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "cases_reply_template"
        ordering = ["order", "id"]


class SavedFilter(models.Model):
    """A list that somebody comes back to: `query` is the query string of the list's address."""

    account = models.ForeignKey("people.Account", on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey("people.Team", null=True, blank=True, on_delete=models.CASCADE, related_name="+")  # shared
    case_type = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=500)

    class Meta:
        db_table = "cases_saved_filter"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["account", "case_type", "name"], name="cases_saved_filter_once")]


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
        indexes = [
            # What residents flagged as improper, and what was decided of it: few among many.
            models.Index(
                fields=["case"], name="cases_step_flag", condition=models.Q(action__in=["flagged", "settled"])
            ),
            BrinIndex(fields=["at"], name="cases_step_at", pages_per_range=32),
        ]


class Photo(models.Model):
    """A picture of a case. What is uploaded is drawn anew (1600 px and 320 px, no EXIF), then the original is removed."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        REFUSED = "refused"

    class Moment(models.TextChoices):
        REPORT = "report"  # sent with the report
        BEFORE = "before"  # taken by the team when it came
        AFTER = "after"  # and when it left

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    moment = models.CharField(max_length=8, choices=Moment.choices, default=Moment.REPORT)
    public = models.BooleanField(default=True)
    redacted = models.BooleanField(default=False)  # parts of it were covered; what was under them is gone
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "cases_photo"
        constraints = [models.UniqueConstraint(fields=["case", "digest"], name="cases_photo_once")]


class Opinion(models.Model):
    """What a team is asked about a case, and says. round: the step that asked; the newest round is the one that counts."""

    class Says(models.TextChoices):
        FAVOURABLE = "favourable"
        RESERVED = "reserved"
        UNFAVOURABLE = "unfavourable"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="opinions")
    team = models.ForeignKey("people.Team", on_delete=models.PROTECT, related_name="+", db_index=False)
    round = models.BigIntegerField()
    required = models.BooleanField(default=True)
    silent_favourable = models.BooleanField(default=True)
    asked = models.DateTimeField(db_default=Now())
    due = models.DateTimeField()
    says = models.CharField(max_length=12, blank=True, choices=Says.choices)
    text = models.TextField(blank=True)
    answered = models.DateTimeField(null=True, blank=True)
    lapsed = models.DateTimeField(null=True, blank=True)  # its days passed, and that was dealt with
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "cases_opinion"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["case", "round", "team"], name="cases_opinion_once")]
        indexes = [
            models.Index(fields=["team", "due"], name="cases_opinion_asked", condition=models.Q(says="")),
            models.Index(fields=["due"], name="cases_opinion_due", condition=models.Q(says="", lapsed__isnull=True)),
        ]


class Absence(models.Model):
    """Somebody is away, from one date to another (both in it), and who does their work meanwhile."""

    account = models.ForeignKey("people.Account", on_delete=models.CASCADE, related_name="+")
    delegate = models.ForeignKey("people.Account", on_delete=models.CASCADE, related_name="+")
    start = models.DateField()
    end = models.DateField()

    class Meta:
        db_table = "cases_absence"
        constraints = [
            models.CheckConstraint(condition=models.Q(end__gte=models.F("start")), name="cases_absence_order")
        ]
