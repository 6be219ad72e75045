"""A campaign: everybody who is taxed for one thing is billed for one period, at once."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.models.register import Base


class Campaign(models.Model):
    """slug: in the keys of its bills ("patente-2026:CODE:NUMBER"), so that whatever is begun again issues only the rest. day: of which
    the tariff holds; times: {measure: number} that the period gives (12 months); simulated: what the last trial said."""

    class State(models.TextChoices):
        DRAFT = "draft", _("being prepared")
        RUNNING = "running", _("bills are being issued")
        ISSUED = "issued", _("issued")

    slug = models.SlugField(max_length=60, unique=True)
    base = models.ForeignKey(Base, on_delete=models.PROTECT, related_name="campaigns")
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
    problem = models.CharField(max_length=300, blank=True)
    notices = models.BooleanField(default=True)
    told = models.DateTimeField(null=True)  # when the SMS went out
    account = models.BigIntegerField(null=True)
    created = models.DateTimeField(db_default=Now())
    started = models.DateTimeField(null=True)
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_campaign"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.slug


class NoticeFile(models.Model):
    """The printed notices of one district. Kept as a file of the home folder, made again when it is gone."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="files")
    zone = models.ForeignKey("territory.Zone", null=True, on_delete=models.SET_NULL, related_name="+")
    part = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    bills = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    done = models.DateTimeField(null=True)

    class Meta:
        db_table = "revenue_notice_file"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="revenue_notice_once")]
