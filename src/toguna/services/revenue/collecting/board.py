"""What who supervises sees: each collector now, what is odd, what a device has with it. In a few statements, however many there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, money, text
from toguna.kernel.access import Actor
from toguna.services.revenue.collecting import odd
from toguna.services.revenue.collecting.devices import SUPERVISE, WRONG
from toguna.services.revenue.models import Collected, Collector, Counted, Device, Visit

SILENT = timedelta(hours=3)  # not heard of for so long, with work on it or in the hours of work
SHOWN = 200


@dataclass
class Now:
    """A collector at this moment. Minor units. open: their desk is open, begun_with: its float; held: cash by the book; carried: what their
    devices said is not sent yet; place, point, at: where they said last that they stood."""

    collector: Collector
    name: str = ""
    zone: str = ""
    open: bool = False
    session: int | None = None
    begun_with: int = 0
    held: int = 0
    taken: int = 0
    number: int = 0
    yesterday: int = 0
    visits: int = 0
    waiting: int = 0
    carried: int = 0
    heard: datetime | None = None
    wrong_clock: bool = False
    place: str = ""
    at: datetime | None = None
    point: tuple[float, float] | None = None
    odd: int = 0
    counted: int | None = None
    count_differs: int = 0
    devices: list[Device] = field(default_factory=list)

    @property
    def carries(self) -> int:
        return self.held + self.carried

    @property
    def too_much(self) -> bool:
        return bool(self.collector.most) and self.carries > self.collector.most

    @property
    def silent(self) -> bool:
        """Nothing was heard for hours, though the desk is open or work waits on the device."""
        return (self.open or self.waiting > 0) and (self.heard is None or timezone.now() - self.heard > SILENT)

    @property
    def percent(self) -> int | None:
        """Of the day's target."""
        return round(100 * self.taken / self.collector.target) if self.collector.target else None


def collectors(actor: Actor, permission: str = SUPERVISE) -> QuerySet[Collector]:
    """Those whom they may supervise: who begins in their zones; who goes through the whole town, only for the whole town's."""
    zones = access.zones(actor, permission)
    rows = Collector.objects.select_related("desk", "zone").order_by("desk__name")
    return rows if zones is None else rows.filter(zone__in=zones)


def of(collector: Collector) -> Now:
    """One collector."""
    return now([collector])[0]


def now(rows: Sequence[Collector]) -> list[Now]:
    """Each of them, the ones who collect first. Nine statements."""
    found = {one.pk: Now(one, zone=str(one.zone.name) if one.zone else "") for one in rows}
    desks = {one.desk_id: found[one.pk] for one in rows}
    names = people.Account.objects.filter(pk__in=[one.account for one in rows]).only("name", "email")
    said = {one.pk: one.name or one.email or "" for one in names}
    begun = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for one in found.values():
        one.name = said.get(one.collector.account, "")
    for desk, amount in ledger.held_at(list(desks)).items():
        desks[desk].held = amount
    for session in ledger.sessions_at(list(desks)):
        row = desks[session.desk_id]
        row.open, row.session, row.begun_with = True, session.pk, session.float
    taken = ledger.Payment.objects.filter(desk__in=list(desks), at__gte=begun - timedelta(days=1), void="").values(
        "desk"
    )
    for line in taken.annotate(
        today=Sum("amount", filter=Q(at__gte=begun), default=0), number=Count("pk", filter=Q(at__gte=begun)),
        before=Sum("amount", filter=Q(at__lt=begun), default=0),
    ):  # fmt: skip
        row = desks[line["desk"]]
        row.taken, row.number, row.yesterday = line["today"], line["number"], line["before"]
    for device in Device.objects.filter(collector__in=list(found)):
        row = found[device.collector_id]
        row.devices.append(device)
        if device.heard is not None and (row.heard is None or device.heard > row.heard):
            row.heard, row.wrong_clock = device.heard, abs(device.skew) > WRONG.total_seconds()
        if device.cut is None:
            row.waiting, row.carried = row.waiting + device.waiting, row.carried + device.carried
    seen = Visit.objects.filter(collector__in=list(found), done__gte=begun).values("collector").annotate(n=Count("pk"))
    for visited in seen:
        found[visited["collector"]].visits = visited["n"]
    lately = Visit.objects.filter(collector__in=list(found), point__isnull=False, done__gte=begun)
    for visit in lately.select_related("taxed__base").order_by("collector", "-done", "-pk").distinct("collector"):
        assert visit.point is not None
        row = found[visit.collector_id]
        row.point, row.at = (visit.point.x, visit.point.y), visit.done
        if (thing := visit.taxed) is not None:
            row.place = " · ".join(filter(None, (thing.street_name, thing.words or text.pick(thing.base.titles))))
    open_odd = Collected.objects.filter(looked=None, visit__collector__in=list(found)).exclude(odd=[])
    for one_odd in open_odd.values("visit__collector").annotate(n=Count("pk")):
        found[one_odd["visit__collector"]].odd = one_odd["n"]
    counts = Counted.objects.filter(collector__in=list(found), at__gte=begun).order_by("collector", "-at", "-pk")
    for count in counts.distinct("collector"):
        row = found[count.collector_id]
        row.counted, row.count_differs = count.total, count.total - count.expected
    return sorted(found.values(), key=lambda one: (not one.collector.active, not one.open, one.name))


def points(rows: Sequence[Now]) -> str:
    """Where each was last today, for the map, as JSON; "" when nobody said where."""
    found = [
        {
            "lon": one.point[0], "lat": one.point[1], "code": one.name, "title": one.name, "kind": "refused" if one.silent else "open",
            "url": reverse("desk-collector", args=[one.collector.pk]),
        }
        for one in rows
        if one.point is not None
    ]  # fmt: skip
    return json.dumps(found) if found else ""


# --- What is odd


@dataclass(frozen=True)
class Oddity:
    """A payment that is to be looked at. words: what is odd; metres: from where the thing stands."""

    pk: int
    payment: ledger.Payment
    receipt: str
    visit: Visit
    collector: str
    words: list[Any]
    metres: int | None
    looked: datetime | None
    word: str
    by: str


def oddities(actor: Actor, *, collector: int | None = None, kind: str = "", closed: bool = False) -> list[Oddity]:
    """What was taken by collectors whom they supervise and is odd, the last first."""
    rows = Collected.objects.exclude(odd=[]).filter(visit__collector__in=collectors(actor), looked__isnull=not closed)
    if collector is not None:
        rows = rows.filter(visit__collector=collector)
    if kind in odd.WORDS:
        rows = rows.filter(odd__contains=[kind])
    found = list(
        rows.select_related(
            "payment__desk", "visit__collector__desk", "visit__taxed__base", "visit__taxpayer"
        ).order_by("-pk")[:SHOWN]
    )
    accounts = {one.visit.collector.account for one in found} | {one.looked_by for one in found if one.looked_by}
    names = {one.pk: one.name or one.email or "" for one in people.Account.objects.filter(pk__in=accounts)}
    return [
        Oddity(
            one.pk, one.payment, ledger.receipt_number(one.payment), one.visit, names.get(one.visit.collector.account, ""),
            [odd.WORDS[word] for word in one.odd if word in odd.WORDS], one.metres, one.looked, one.word, names.get(one.looked_by or 0, ""),
        )
        for one in found
    ]  # fmt: skip


def waiting(actor: Actor) -> int:
    """How many odd payments wait to be looked at."""
    return Collected.objects.filter(looked=None, visit__collector__in=collectors(actor)).exclude(odd=[]).count()


def numbers(actor: Actor) -> list[tuple[Any, Any, str]]:
    """For the first page of the back office. Two statements."""
    begun = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = collectors(actor).order_by()
    today = ledger.Payment.objects.filter(desk__in=mine.values("desk"), at__gte=begun, void="")
    taken = today.aggregate(sum=Sum("amount", default=0))["sum"]
    return [
        (_("Taken by collectors today"), money.shown(taken), reverse("desk-collecting")),
        (_("Payments to look at"), waiting(actor), reverse("desk-collecting-odd")),
    ]
