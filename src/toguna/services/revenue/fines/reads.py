"""The register of infractions, and who comes back in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, text
from toguna.kernel.access import Actor
from toguna.services.revenue.fines import books, kinds
from toguna.services.revenue.fines.escalating import owed
from toguna.services.revenue.fines.tickets import REPEAT
from toguna.services.revenue.models import Infraction, Ticket, TicketContest
from toguna.services.revenue.register import numbers

READ = "revenue.read"
KNOWN = 4000  # plates that a device takes along
STANDS: tuple[tuple[str, Any], ...] = (
    ("open", _("to be paid")), ("late", _("late")), ("paid", _("paid")), ("contested", _("contested")), ("cancelled", _("cancelled")),
    ("court", _("gone to the court")), ("dunning", _("gone to reminders by plan")),
)  # fmt: skip


def reach(actor: Actor, permission: str = READ) -> QuerySet[Ticket]:
    """Tickets of the actor's zones, and those of which nobody knows the zone."""
    zones = access.zones(actor, permission)
    rows = Ticket.objects.select_related("bill", "infraction")
    return rows if zones is None else rows.filter(Q(zone__in=zones) | Q(zone=None))


def narrowed(
    rows: QuerySet[Ticket], *, stands: str = "", kind: str = "", zones: Collection[int] | None = None, words: str = ""
) -> QuerySet[Ticket]:
    """words: a plate, a number, or a name. The newest first."""
    unpaid = Q(bill__state=ledger.Bill.State.OPEN)
    contested = Q(contests__state=TicketContest.State.OPEN)
    which = {
        "open": unpaid, "late": unpaid & Q(due__lt=timezone.localdate()), "contested": contested,
        "paid": Q(bill__state=ledger.Bill.State.PAID) & ~Q(state=Ticket.State.CANCELLED),
        "cancelled": Q(state=Ticket.State.CANCELLED), "court": unpaid & Q(went="court"), "dunning": unpaid & Q(went="dunning"),
    }  # fmt: skip
    if stands in which:
        rows = rows.filter(which[stands])
    if kind:
        rows = rows.filter(infraction__slug=kind)
    if zones is not None:
        rows = rows.filter(zone__in=zones)
    if words.strip():
        plate = numbers.plate(words)
        rows = rows.filter(Q(plate=plate or "-") | Q(number=books.read(words)) | Q(name__icontains=text.clean(words)))
    return rows.order_by("-at", "-pk")


def stand(row: Ticket, contested: bool) -> tuple[str, str, Any]:
    """(kind of tag, pictogram, words)."""
    titles = dict(STANDS)
    if row.state == Ticket.State.CANCELLED:
        return "refused", "close", titles["cancelled"]
    if row.bill.state == ledger.Bill.State.PAID:
        return "done", "check", titles["paid"]
    if contested:
        return "waiting", "question", titles["contested"]
    if row.went:
        return "refused", "arrow", titles[row.went]
    if row.due < timezone.localdate():
        return "waiting", "warn", titles["late"]
    return "waiting", "clock", titles["open"]


def contested(rows: Iterable[Ticket]) -> set[int]:
    """Of these, those that wait for an answer."""
    waits = TicketContest.objects.filter(ticket__in=list(rows), state=TicketContest.State.OPEN)
    return set(waits.values_list("ticket", flat=True))


@dataclass(frozen=True)
class Known:
    """A plate in the last twelve months. owed: minor units, what is not paid of its tickets."""

    plate: str
    count: int
    last: datetime
    owed: int


def repeat(rows: QuerySet[Ticket], *, least: int = 1, most: int = 200) -> list[Known]:
    """Who comes back, the most often first; cancelled tickets are not held against anybody. One statement."""
    since = timezone.now() - REPEAT
    counted = (
        rows.filter(at__gte=since).exclude(plate="").exclude(state=Ticket.State.CANCELLED).order_by().values("plate")
    )
    left = Sum(F("bill__amount") - F("bill__paid"), filter=Q(bill__state=ledger.Bill.State.OPEN))
    found = counted.annotate(n=Count("pk"), last=Max("at"), left=left).filter(n__gte=least).order_by("-n", "-last")
    return [Known(one["plate"], one["n"], one["last"], one["left"] or 0) for one in found[:most]]


def offered() -> list[tuple[Infraction, kinds.Price]]:
    """The kinds of which a price holds today."""
    rows = [(kind, kinds.price(kind)) for kind in Infraction.objects.filter(active=True)]
    return [(kind, price) for kind, price in rows if price is not None]


def numbers_of(actor: Actor) -> list[tuple[Any, Any, str]]:
    """For the first page of the back office. Two statements."""
    waits = reach(actor).filter(contests__state=TicketContest.State.OPEN).count()
    late = owed().filter(due__lt=timezone.localdate(), pk__in=reach(actor).values("pk")).count()
    return [
        (_("Tickets contested"), waits, "/desk/fines/?stands=contested"),
        (_("Tickets late"), late, "/desk/fines/?stands=late"),
    ]
