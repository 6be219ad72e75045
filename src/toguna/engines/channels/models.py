"""Every message that leaves the town, from the moment it is decided, and every one that reaches it, whatever it says."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Route(models.Model):
    """A way out (and in): an operator through Kannel, an aggregator over HTTP, a modem. The first that fits a number's
    prefix, is up and is not at its cap is taken."""

    slug = models.SlugField(unique=True, max_length=40)
    medium = models.CharField(max_length=12, default="sms")
    kind = models.CharField(max_length=20)  # the adapter: "kannel", "africastalking", "orange", "http", "modem"...
    settings = models.JSONField(default=dict, blank=True)
    prefixes = ArrayField(models.CharField(max_length=8), default=list, blank=True)  # "+2237"; none: any number
    order = models.SmallIntegerField(default=100)
    rate = models.FloatField(default=10)  # messages a second that the other side takes
    price = models.DecimalField(max_digits=12, decimal_places=4, default=0)  # of one part, in the town's currency
    daily_cap = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)  # money a day
    enabled = models.BooleanField(default=True)
    down_until = models.DateTimeField(null=True, blank=True)
    failures = models.SmallIntegerField(default=0)  # in a row
    trouble = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "channels_route"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


class RouteDay(models.Model):
    """What left by a route on one day of the town's, and what that costs: written with the messages, for the daily cap."""

    route = models.ForeignKey(Route, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    messages = models.IntegerField(default=0)
    parts = models.IntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=4, default=0)

    class Meta:
        db_table = "channels_route_day"
        constraints = [models.UniqueConstraint(fields=["route", "day"], name="channels_route_day_once")]


class Publication(models.Model):
    """One message of the town to many: written once in each language, cut to fit each medium, approved, sent."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ASKED = "asked", _("waiting for approval")
        APPROVED = "approved", _("approved")
        PREPARING = "preparing", _("being prepared")
        SENDING = "sending", _("being sent")
        PAUSED = "paused", _("paused")
        DONE = "done", _("sent")
        CANCELLED = "cancelled", _("cancelled")

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    titles = WordsField()
    texts = WordsField()
    shorts = models.JSONField(default=dict, blank=True)  # {medium: {language: words}} where it must be said otherwise
    media = ArrayField(models.CharField(max_length=12), default=list)
    audience = models.JSONField(default=dict)  # see `audiences`
    area = models.MultiPolygonField(srid=4326, null=True, blank=True, spatial_index=False)
    lane = models.SmallIntegerField(default=10)
    most_parts = models.SmallIntegerField(default=2)  # of an SMS
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    author = models.BigIntegerField(null=True)
    approver = models.BigIntegerField(null=True)
    source = models.CharField(max_length=80, blank=True)  # the rule that made it, when it was not a person
    raised = models.CharField(max_length=120, null=True, blank=True, unique=True)  # and of what: one alert of each
    follows = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="followed_by")
    ends = models.BooleanField(default=False)  # it says that what it follows is over
    created = models.DateTimeField(db_default=Now())
    approved = models.DateTimeField(null=True, blank=True)
    scheduled = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    cursor = models.BigIntegerField(default=0)  # how far the recipients are prepared
    cap = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)  # money at most
    estimate = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "channels_publication"
        ordering = ["-id"]


class AlertSetting(models.Model):
    """What the town has decided of a rule that a service declares (see `publish.alerts`). No row: it asks a person."""

    rule = models.CharField(max_length=80, primary_key=True)
    enabled = models.BooleanField(default=True)
    automatic = models.BooleanField(default=False)  # an officer allowed it to send by itself
    account = models.BigIntegerField(null=True)  # who decided
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "channels_alert_setting"


class Message(models.Model):
    """`key` says what the message is ("cases.moved:81:email"): asked for twice, it is one row and is sent once.

    The table is the queue: senders take rows by lane, then by age. One that was taken and of which nothing more is known
    (the power failed in between) is DOUBTFUL: sent again only where twice is better than never."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        SHOWN = "shown", _("written to the server's log")  # no gateway for this medium: the IT person sees it there
        FAILED = "failed", _("failed")
        DOUBTFUL = "doubtful", _("perhaps sent")
        CANCELLED = "cancelled", _("not sent")  # the person said stop, or the cap was reached

    key = models.CharField(max_length=120, unique=True)
    medium = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    publication = models.ForeignKey(
        Publication, null=True, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    language = models.CharField(max_length=8, blank=True, db_default="")
    subject = models.CharField(max_length=200, blank=True, db_default="")
    text = models.TextField(blank=True, db_default="")  # "": that of the publication, in its language
    private = models.CharField(max_length=40, blank=True, db_default="")  # of the text: for whoever gets it alone
    lane = models.SmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, db_default="queued")
    route = models.ForeignKey(Route, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    parts = models.SmallIntegerField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    reference = models.CharField(max_length=120, blank=True, db_default="")  # what the other side calls it
    tries = models.SmallIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=300, blank=True, db_default="")
    created = models.DateTimeField(db_default=Now())
    due = models.DateTimeField(db_default=Now())  # not before: quiet hours, a date, the next try
    claimed = models.DateTimeField(null=True)
    sent = models.DateTimeField(null=True)
    delivered = models.DateTimeField(null=True)

    class Meta:
        db_table = "channels_message"
        indexes = [
            models.Index(fields=["-created"], name="channels_message_created"),
            # As the pump reads it: what is about one publication (or none), on one lane, and is due.
            models.Index(
                fields=["publication", "lane", "due"], name="channels_message_queue", condition=models.Q(state="queued")
            ),
            models.Index(fields=["reference"], name="channels_message_reference", condition=~models.Q(reference="")),
            models.Index(fields=["claimed"], name="channels_message_claimed", condition=models.Q(state="sending")),
            models.Index(
                fields=["publication", "state"],
                name="channels_message_of",
                condition=models.Q(publication__isnull=False),
            ),
            models.Index(fields=["address", "-id"], name="channels_message_address"),
        ]

    @property
    def shown(self) -> str:
        """The text as those of the town may read it."""
        return self.text.replace(self.private, "•" * len(self.private)) if self.private else self.text


class Conversation(models.Model):
    """What is being said with one address: the command under way, what is known of it, what was asked last. Kept a day."""

    class State(models.TextChoices):
        OPEN = "open"
        PERSON = "person"  # the machine did not understand: somebody of the town takes over
        CLOSED = "closed"

    medium = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.SET_NULL, related_name="+")
    language = models.CharField(max_length=8, blank=True)
    command = models.CharField(max_length=40, blank=True)
    slots = models.JSONField(default=dict, blank=True)
    asked = models.CharField(max_length=40, blank=True)
    misses = models.SmallIntegerField(default=0)  # not understood in a row
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    account = models.BigIntegerField(null=True)  # who took over
    started = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "channels_conversation"
        constraints = [
            models.UniqueConstraint(
                fields=["medium", "address"], condition=~models.Q(state="closed"), name="channels_conversation_one"
            )
        ]
        indexes = [
            models.Index(fields=["updated"], name="channels_conversation_waits", condition=models.Q(state="person"))
        ]


class Incoming(models.Model):
    """Whatever reached the town, as it came. `reference`: the other side's id, so that a repeat is one row."""

    class State(models.TextChoices):
        NEW = "new"
        ANSWERED = "answered"
        PERSON = "person"
        KEPT = "kept"  # nothing to answer: a stop, an empty message, a machine's answer

    medium = models.CharField(max_length=12)
    route = models.ForeignKey(Route, null=True, on_delete=models.SET_NULL, related_name="+")
    reference = models.CharField(max_length=160, blank=True)
    address = models.CharField(max_length=254)  # who
    to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    raw = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.SET_NULL, related_name="incoming")
    answer = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)

    class Meta:
        db_table = "channels_incoming"
        constraints = [
            models.UniqueConstraint(
                fields=["medium", "reference"], condition=~models.Q(reference=""), name="channels_incoming_once"
            )
        ]
        indexes = [
            models.Index(fields=["address", "-id"], name="channels_incoming_address"),
            models.Index(fields=["id"], name="channels_incoming_new", condition=models.Q(state="new")),
        ]


class OptOut(models.Model):
    """Who said STOP. `about` "" : to everything that is not an answer to them, a code or an alarm."""

    medium = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    about = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "channels_opt_out"
        constraints = [models.UniqueConstraint(fields=["medium", "address", "about"], name="channels_opt_out_once")]


class Subscription(models.Model):
    """Who wants to hear of what: about "zone", "area", "category", "service", "line", "risk"..., subject: which one."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    medium = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=8, blank=True)
    about = models.CharField(max_length=20)
    subject = models.CharField(max_length=80, blank=True)
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.CASCADE, related_name="+")
    point = models.PointField(srid=4326, null=True, spatial_index=False)
    radius_m = models.IntegerField(default=0)
    created = models.DateTimeField(db_default=Now())
    confirmed = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)

    class Meta:
        db_table = "channels_subscription"
        constraints = [
            models.UniqueConstraint(
                fields=["medium", "address", "about", "subject"],
                condition=models.Q(ended__isnull=True),
                name="channels_subscription_once",
            )
        ]
        indexes = [models.Index(fields=["about", "subject"], name="channels_subscription_about")]


class UssdSession(models.Model):
    """Where somebody is in the menus. One that was cut is taken up again by the same phone within some minutes."""

    session = models.CharField(max_length=120, unique=True)
    address = models.CharField(max_length=20)
    language = models.CharField(max_length=8, blank=True)
    path = models.JSONField(default=list, blank=True)
    slots = models.JSONField(default=dict, blank=True)
    updated = models.DateTimeField(db_default=Now())
    ended = models.DateTimeField(null=True)

    class Meta:
        db_table = "channels_ussd_session"
        indexes = [models.Index(fields=["address", "-updated"], name="channels_ussd_address")]


class PushEndpoint(models.Model):
    """A browser that may be told something while the page is closed (RFC 8030)."""

    endpoint = models.CharField(max_length=500, unique=True)
    keys = models.JSONField(default=dict)
    person = models.ForeignKey("people.Person", null=True, on_delete=models.CASCADE, related_name="+")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    language = models.CharField(max_length=8, blank=True)
    created = models.DateTimeField(db_default=Now())
    gone = models.DateTimeField(null=True)

    class Meta:
        db_table = "channels_push_endpoint"
