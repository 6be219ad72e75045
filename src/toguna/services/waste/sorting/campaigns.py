"""A campaign is prepared, told to the households of its districts, and measured against comparable ones that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
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


def beside(
    since: date, until: date, material: Material | None, but: SortingCampaign | None = None
) -> QuerySet[SortingCampaign]:
    """Other campaigns that share a day and a material with one."""
    rows = SortingCampaign.objects.filter(since__lte=until, until__gte=since).exclude(pk=but.pk if but else 0)
    return rows if material is None else rows.filter(Q(material=None) | Q(material=material))


def _kept_apart(row: SortingCampaign | None, told: Told) -> None:
    """A district that is compared knows no campaign in those days, of its own or of another: else nobody can say what either changed.
    Three statements. Raises Refused."""
    for other in beside(told.since, told.until, told.material, row).prefetch_related("zones", "compared"):
        facts = {
            "campaign": text.pick(other.titles),
            "from": date_format(other.since),
            "until": date_format(other.until),
        }
        spoilt = [zone for zone in other.zones.all() if zone.pk in told.compared]
        if spoilt:
            words = _(
                "%(zones)s cannot be compared: the campaign “%(campaign)s” runs there from %(from)s until %(until)s."
            )
            raise Refused(words % {**facts, "zones": ", ".join(map(str, spoilt))})
        left = [zone for zone in other.compared.all() if zone.pk in told.zones]
        if left:
            words = _(
                "%(zones)s cannot have it: the campaign “%(campaign)s”, from %(from)s until %(until)s, is compared with what is left out there."
            )
            raise Refused(words % {**facts, "zones": ", ".join(map(str, left))})


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
    _kept_apart(row, told)
    row = row or SortingCampaign(slug=told.slug, account=by.account)
    row.titles, row.texts, row.since, row.until = told.titles, told.texts, told.since, told.until
    row.material, row.target, row.times = told.material, told.target, told.times
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # sent twice, or named as one before
        raise Refused(_("There is a campaign of this name already that begins on this day.")) from error
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
