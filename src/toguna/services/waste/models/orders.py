"""Pick-up at the door: who asks, who comes, what was said on the way."""

from __future__ import annotations

import uuid

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


class Household(models.Model):
    """Who has waste fetched, weighed or sorted: one telephone, one door. code: on its card; points: what its entries sum to, never
    below zero; payer: in the ledger, once it owed something."""

    code = models.CharField(max_length=8, unique=True)
    person = models.ForeignKey("people.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    address = models.CharField(max_length=254)  # a telephone, a chat or an e-mail, as conversations know it
    language = models.CharField(max_length=8, blank=True)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    where = models.CharField(max_length=200, blank=True)
    street = models.BigIntegerField(null=True, blank=True)
    street_name = models.CharField(max_length=200, blank=True)
    payer = models.ForeignKey("ledger.Payer", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    points = models.PositiveIntegerField(default=0, db_default=0)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_household"
        constraints = [
            models.UniqueConstraint(fields=["address"], condition=~Q(address=""), name="waste_household_address"),
            models.CheckConstraint(condition=Q(points__gte=0), name="waste_points_not_below_zero"),
        ]
        indexes = [models.Index(fields=["street"], condition=Q(street__isnull=False), name="waste_household_street")]

    def __str__(self) -> str:
        return self.code


class PickUpKind(models.Model):
    """What can be fetched. resource: of bookings; tariff: of the ledger, for one pick-up, that asks for `measure` ("bags"), "" when
    the price is one; monthly: the tariff of a subscription, "" for none; share: percent of the price that is the pre-collector's."""

    slug = models.SlugField(max_length=40, unique=True)
    titles = WordsField()
    asks = WordsField(blank=True)  # "How many bags?"
    resource = models.SlugField(max_length=60)
    tariff = models.SlugField(max_length=60)
    measure = models.CharField(max_length=40, blank=True)
    monthly = models.SlugField(max_length=60, blank=True)
    most = models.PositiveSmallIntegerField(default=10)
    share = models.PositiveSmallIntegerField(default=70)
    icon = models.CharField(max_length=40, default="waste-pile")
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)

    class Meta:
        db_table = "waste_pickup_kind"
        ordering = ["order", "slug"]
        constraints = [models.CheckConstraint(condition=Q(share__lte=100), name="waste_kind_share")]

    def __str__(self) -> str:
        return self.slug


class PreCollector(models.Model):
    """Somebody who fetches waste at doors, with a cart or a tricycle, mostly on their own account. phone: from which their words are
    believed; zones: where they work, none: everywhere; most: pick-ups a day; stars, rated: sum and number of what people gave;
    share: percent instead of the kind's."""

    class State(models.TextChoices):
        ASKED = "asked", _("asks to be registered")
        ACTIVE = "active", _("works")
        RESTING = "resting", _("rests")
        ENDED = "ended", _("no longer works with us")

    class Vehicle(models.TextChoices):
        CART = "cart", _("hand cart")
        DONKEY = "donkey", _("donkey cart")
        TRICYCLE = "tricycle", _("tricycle")
        TRUCK = "truck", _("truck")

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=20, unique=True)
    language = models.CharField(max_length=8, blank=True)
    vehicle = models.CharField(max_length=8, choices=Vehicle.choices, default=Vehicle.CART)
    state = models.CharField(max_length=7, choices=State.choices, default=State.ASKED)
    zones = models.ManyToManyField("territory.Zone", related_name="+", blank=True, db_table="waste_precollector_zone")
    hours = models.JSONField(default=list, blank=True)  # as of a resource of bookings; none: always
    most = models.PositiveSmallIntegerField(default=12)
    share = models.PositiveSmallIntegerField(null=True, blank=True)
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)  # from where they set out
    payer = models.ForeignKey("ledger.Payer", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    stars = models.PositiveIntegerField(default=0, db_default=0)
    rated = models.PositiveIntegerField(default=0, db_default=0)
    created = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_precollector"
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["state"], name="waste_precollector_state")]

    def __str__(self) -> str:
        return self.code


class Subscription(models.Model):
    """A household is fetched every week on one day. amount: of a month, minor units, when it began; day: ISO weekday; hour: at which
    its slot begins; upto: the last day for which a pick-up was made; billed: the first day of the last month that was billed, None until it
    has begun (an unknown visitor's, with its first pick-up); ended: since when no more are made."""

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="subscriptions")
    kind = models.ForeignKey(PickUpKind, on_delete=models.PROTECT, related_name="+")
    day = models.PositiveSmallIntegerField()
    hour = models.TimeField()
    size = models.PositiveSmallIntegerField(default=1)
    since = models.DateField()
    upto = models.DateField(null=True)
    billed = models.DateField(null=True)
    ended = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_subscription"
        constraints = [
            models.UniqueConstraint(
                fields=["household", "kind", "day"], condition=Q(ended=None), name="waste_subscription_once"
            )
        ]

    @property
    def day_name(self) -> str:
        return str(WEEKDAYS[self.day - 1]).lower()


class PickUp(models.Model):
    """One order. client_id: made by whoever sends it, so that what is sent again is one; secret: the four digits that the household
    says when it was done, the proof; price: quoted when it was asked for, minor units, 0 within a subscription; earned: the
    pre-collector's part, once done."""

    class State(models.TextChoices):
        ASKED = "asked", _("we look for somebody")
        OFFERED = "offered", _("offered to a pre-collector")
        ACCEPTED = "accepted", _("a pre-collector comes")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        UNSERVED = "unserved", _("nobody could come yet")

    OPEN = (State.ASKED, State.OFFERED, State.ACCEPTED, State.UNSERVED)

    code = models.CharField(max_length=8, unique=True)
    client_id = models.UUIDField(unique=True)
    kind = models.ForeignKey(PickUpKind, on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="pickups")
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.PROTECT, related_name="pickups")
    state = models.CharField(max_length=9, choices=State.choices, default=State.ASKED)
    size = models.PositiveSmallIntegerField(default=1)  # bags, or pieces
    note = models.CharField(max_length=300, blank=True)
    where = models.CharField(max_length=200, blank=True)
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    point = models.PointField(srid=4326, null=True, blank=True, spatial_index=False)
    start = models.DateTimeField()
    end = models.DateTimeField()
    booking = models.OneToOneField("bookings.Booking", null=True, on_delete=models.PROTECT, related_name="+")
    collector = models.ForeignKey(PreCollector, null=True, on_delete=models.PROTECT, related_name="pickups")
    secret = models.CharField(max_length=4)
    tariff = models.ForeignKey("ledger.Tariff", null=True, on_delete=models.PROTECT, related_name="+")
    price = models.BigIntegerField(default=0)
    earned = models.BigIntegerField(default=0, db_default=0)
    bill = models.ForeignKey("ledger.Bill", null=True, on_delete=models.PROTECT, related_name="+")
    proof = models.CharField(
        max_length=8, blank=True, db_default=""
    )  # "code"; "photo": the household, by a photo; "desk": the town
    stars = models.PositiveSmallIntegerField(null=True)
    complaint = models.CharField(max_length=500, blank=True, db_default="")
    complained = models.DateTimeField(null=True)
    settled = models.DateTimeField(null=True)
    language = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=12, default="web")
    created = models.DateTimeField(db_default=Now())
    closed = models.DateTimeField(null=True)

    class Meta:
        db_table = "waste_pickup"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(stars=None) | Q(stars__gte=1, stars__lte=5), name="waste_pickup_stars"),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "offered"]) | Q(collector__isnull=False), name="waste_pickup_who"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "start"], name="waste_pickup_open", condition=Q(closed=None)),
            models.Index(fields=["collector", "start"], name="waste_pickup_collector"),
            models.Index(fields=["complained"], name="waste_pickup_complaint", condition=Q(complained__isnull=False, settled=None)),
            GistIndex(fields=["point"], name="waste_pickup_point"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.code


class PickUpOffer(models.Model):
    """An order was offered to somebody, once each. until: when it goes to the next; score: what put them first, lower is better."""

    class Answer(models.TextChoices):
        NONE = "", _("not answered yet")
        YES = "yes", _("accepted")
        NO = "no", _("refused")
        LATE = "late", _("no answer in time")
        BACK = "back", _("accepted, then given back")
        GONE = "gone", _("the order was cancelled")

    pickup = models.ForeignKey(PickUp, on_delete=models.CASCADE, related_name="offers", db_index=False)
    collector = models.ForeignKey(PreCollector, on_delete=models.PROTECT, related_name="offers")
    at = models.DateTimeField(db_default=Now())
    until = models.DateTimeField()
    answer = models.CharField(max_length=4, choices=Answer.choices, blank=True, default=Answer.NONE)
    score = models.FloatField(default=0)

    class Meta:
        db_table = "waste_pickup_offer"
        constraints = [
            models.UniqueConstraint(fields=["pickup", "collector"], name="waste_offer_once"),
            models.UniqueConstraint(fields=["pickup"], condition=Q(answer=""), name="waste_offer_one_open"),
        ]
        indexes = [models.Index(fields=["until"], condition=Q(answer=""), name="waste_offer_until")]


class PickUpStep(models.Model):
    """What happened to an order: only ever added, the database refuses the rest. who: "household", "collector", "desk" or "town"."""

    pickup = models.ForeignKey(PickUp, on_delete=models.PROTECT, related_name="steps", db_index=False)
    at = models.DateTimeField(db_default=Now())
    what = models.CharField(max_length=12)
    state = models.CharField(max_length=9)
    who = models.CharField(max_length=9)
    collector = models.ForeignKey(PreCollector, null=True, on_delete=models.PROTECT, related_name="+")
    words = models.CharField(max_length=300, blank=True)
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "waste_pickup_step"
        ordering = ["pk"]
        indexes = [models.Index(fields=["pickup", "id"], name="waste_step_pickup")]


class PayOut(models.Model):
    """A pre-collector or a partner shop was paid what the town owed them."""

    client_id = models.UUIDField(unique=True)
    collector = models.ForeignKey(PreCollector, null=True, on_delete=models.PROTECT, related_name="payouts")
    place = models.ForeignKey("waste.WastePlace", null=True, on_delete=models.PROTECT, related_name="payouts")
    amount = models.BigIntegerField()
    way = models.CharField(max_length=6)  # "571" the safe, "552" mobile money, "521" the bank: the account it left
    note = models.CharField(max_length=200, blank=True)
    entry = models.OneToOneField("ledger.Entry", on_delete=models.PROTECT, related_name="+")
    account = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waste_payout"
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="waste_payout_amount")]
