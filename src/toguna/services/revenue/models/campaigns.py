"""A campaign: everybody who is taxed for one thing is billed for one period, at once."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.models.register import Base, Taxed


class Campaign(models.Model):
    """slug: in the keys of its bills ("patente-2026:CODE:NUMBER"), so that whatever is begun again issues only the rest. day: of which
    the tariff holds; times: {measure: number} that the period gives (12 months); simulated: what the last trial said. cursor: the last taxed thing that was gone
    through, priced: how many, exempt: of those, how many cost nothing; said: the last bill of which the SMS was written down."""

    class State(models.TextChoices):
        DRAFT = "draft", _("being prepared")
        RUNNING = "running", _("bills are being issued")
        ISSUED = "issued", _("issued")

    slug = models.SlugField(max_length=60, unique=True)
    base = models.ForeignKey(Base, on_delete=models.PROTECT, related_name="campaigns")
    zone = models.ForeignKey(
        "territory.Zone", null=True, on_delete=models.PROTECT, related_name="+"
    )  # None: everywhere
    market = models.BigIntegerField(null=True)  # a place of the map: what is taxed there, and nothing else
    market_name = models.CharField(max_length=250, blank=True, db_default="")
    label = models.CharField(max_length=60)  # "2026", "November 2026": on the bills
    day = models.DateField()
    due = models.DateField()
    times = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.DRAFT)
    simulated = models.JSONField(default=dict, blank=True)
    priced = models.PositiveIntegerField(default=0)
    issued = models.PositiveIntegerField(default=0)
    amount = models.BigIntegerField(default=0)
    unpriced = models.PositiveIntegerField(default=0)
    exempt = models.PositiveIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    notices = models.BooleanField(default=True)
    telling = models.DateTimeField(null=True)  # when somebody said that the SMS go out
    said = models.BigIntegerField(default=0)
    told = models.DateTimeField(null=True)  # when the last of them was written down
    account = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=Now())
    started = models.DateTimeField(null=True)
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_campaign"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.slug

    @property
    def where(self) -> str:
        """The district or the market that it is of; "" for the whole town."""
        return self.market_name or (str(self.zone) if self.zone_id else "")


class Unpriced(models.Model):
    """A taxed thing for which no bill could be made. lacking: the measure that is missing or no number."""

    class Why(models.TextChoices):
        MEASURE = "measure", _("a measure is missing, or is no number")
        LARGE = "large", _("too much to be true")
        NOBODY = "nobody", _("nobody is written down who pays")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="left_out")
    taxed = models.ForeignKey(Taxed, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=8, choices=Why.choices)
    lacking = models.CharField(max_length=40, blank=True, db_default="")

    class Meta:
        db_table = "revenue_unpriced"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["campaign", "taxed"], name="revenue_unpriced_once")]


class NoticeFile(models.Model):
    """The printed notices of one district, in parts that a printer can take. which: the ids of the bills, in the order in which a
    distributor walks. Kept as a file of the home folder, made again when it is gone."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="files")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    part = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    which = ArrayField(models.BigIntegerField(), default=list)
    bills = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_notice_file"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="revenue_notice_once")]
