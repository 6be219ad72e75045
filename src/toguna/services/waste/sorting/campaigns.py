"""A campaign is prepared, told to the households of its districts, and measured against comparable ones that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.kernel import access, audit, tasks, text, town
from toguna.kernel.access import Actor
from toguna.kernel.tasks import Lane
from toguna.services.waste import households
from toguna.services.waste.models import Household, Material, SortingCampaign
from toguna.services.waste.sorting.actions import Refused

CHUNK = 500


@dataclass(frozen=True)
class Told:
    slug: str
    titles: dict[str, str]
    texts: dict[str, str]
    since: date
    until: date
    zones: Sequence[int]
    compared: Sequence[int] = ()
    material: Material | None = None
    target: Decimal = field(default_factory=lambda: Decimal(1))
    times: int = 100


def zones_of(row: SortingCampaign) -> list[int]:
    return [zone.pk for zone in row.zones.all()]


@transaction.atomic
def save(row: SortingCampaign | None, told: Told, *, by: Actor) -> SortingCampaign:
    """Raises Refused, Denied."""
    access.require_each(by, "waste.set_up", {*told.zones, *(zones_of(row) if row is not None else ())})
    if row is not None and row.told is not None and set(row.zones.values_list("pk", flat=True)) != set(told.zones):
        raise Refused(_("Households were told already: its districts do not change any more."))
    if not told.zones or not any(told.titles.values()):
        raise Refused(_("Give it a name, and one district at least."))
    if told.until < told.since:
        raise Refused(_("It ends before it begins."))
    if set(told.zones) & set(told.compared):
        raise Refused(_("A district that is compared is left out: it cannot have the campaign too."))
    row = row or SortingCampaign(slug=told.slug, account=by.account)
    row.titles, row.texts, row.since, row.until = told.titles, told.texts, told.since, told.until
    row.material, row.target, row.times = told.material, told.target, told.times
    row.save()
    row.zones.set(told.zones)
    row.compared.set(told.compared)
    audit.record(by, "waste.campaign", f"waste.campaign:{row.pk}")
    return row


@transaction.atomic
def tell(row: SortingCampaign, *, by: Actor) -> bool:
    """Its message goes to the households of its districts, once. Whether it goes now. Raises Refused, Denied."""
    access.require_each(by, "waste.set_up", zones_of(row))
    if not any(row.texts.values()):
        raise Refused(_("Write first what households are told."))
    if not SortingCampaign.objects.filter(pk=row.pk, told=None).update(told=timezone.now()):
        return False
    audit.record(by, "waste.tell_campaign", f"waste.campaign:{row.pk}")
    tasks.defer(send, Lane.CAMPAIGN, campaign=row.pk, after=0)
    return True


@tasks.task
def send(campaign: int, after: int) -> None:
    """One chunk of households, then the next: each message has its key, so that a chunk that is sent again says nothing twice."""
    row = SortingCampaign.objects.get(pk=campaign)
    homes = (
        Household.objects.filter(zone__in=row.zones.values("pk"), pk__gt=after)
        .exclude(address="")
        .order_by("pk")[:CHUNK]
    )
    with transaction.atomic():
        last = 0
        for home in homes:
            medium, to = households.way(home.address)
            language = home.language or town.current().languages[0]
            channels.send(
                medium, to, key=f"waste-campaign:{row.pk}:{home.pk}", text=text.pick(row.texts, language), lane=Lane.CAMPAIGN,
                subject=text.pick(row.titles, language), language=language, person=home.person_id,
            )  # fmt: skip
            last = home.pk
        if last:
            tasks.defer(send, Lane.CAMPAIGN, campaign=campaign, after=last)
