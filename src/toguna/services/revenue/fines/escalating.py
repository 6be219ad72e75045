"""What becomes of a ticket that nobody pays: a reminder, more by its law, and on to reminders by plan or to the court.

Each step marks the ticket in the transaction that does it: whatever dies at any line, the next run does what was not done, once."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.kernel import audit, money, town
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.fines.tickets import FINES
from toguna.services.revenue.models import Infraction, Objection, PlanWish, Taxpayer, Ticket, TicketContest

PIECE = 500
BEFORE = timedelta(days=3)  # the reminder, ahead of the day
WAITS = Exists(TicketContest.objects.filter(ticket=OuterRef("pk"), state=TicketContest.State.OPEN))
# A taxpayer may also say it in their own space, or ask there to pay in parts.
ASKED = Exists(Objection.objects.filter(bill=OuterRef("bill"), state=Objection.State.OPEN)) | Exists(
    PlanWish.objects.filter(bill=OuterRef("bill"), state=PlanWish.State.OPEN)
)


def owed() -> QuerySet[Ticket]:
    """Tickets that stand, are not paid, and that nobody contests; nor those whose payer keeps a plan."""
    rows = Ticket.objects.exclude(state=Ticket.State.CANCELLED)
    rows = (
        rows.filter(bill__state=ledger.Bill.State.OPEN, bill__amount__gt=F("bill__paid")).exclude(WAITS).exclude(ASKED)
    )
    parts = ledger.Instalment.objects.filter(bill=OuterRef("bill"))
    late = parts.filter(due__lt=timezone.localdate(), upto__gt=F("bill__paid"))
    return rows.filter(~Exists(parts) | Exists(late))


def run(today: date | None = None) -> tuple[int, int, int]:
    """How many were reminded, are more, and went on. In pieces, each one transaction."""
    day = today or timezone.localdate()
    counts = []
    for step in (_remind, _raise, _send_on):
        done = 0
        while count := step(day):
            done += count
        counts.append(done)
    return counts[0], counts[1], counts[2]


def run_now() -> None:
    """Not at night: what is said must be what is owed when it is read."""
    if not channels.quiet_now(timezone.now()):
        run()


def _taken(which: Q) -> list[Ticket]:
    rows = owed().filter(which).select_related("bill").select_for_update(of=("self",), skip_locked=True)
    return list(rows.order_by("pk")[:PIECE])


def _facts(row: Ticket, amount: int) -> dict[str, str]:
    return {
        "town": town.current().name, "number": row.number, "amount": money.shown(amount, row.bill.currency, plain=True),
        "due": date_format(row.due, "SHORT_DATE_FORMAT"), "law": row.more_law,
        "link": f"{settings.TOGUNA_URL.partition('://')[2]}/fines/{row.number}",
    }  # fmt: skip


@transaction.atomic
def _remind(day: date) -> int:
    rows = _taken(Q(reminded=None, due__lte=day + BEFORE, went=""))
    language = town.current().languages[0]
    outgoing = []
    with translation.override(language):
        for row in rows:
            if row.phone:
                words = _("%(town)s: ticket %(number)s, %(amount)s to pay before %(due)s. Pay or contest: %(link)s")
                text = words % _facts(row, row.bill.left)
                outgoing.append(channels.Outgoing("sms", row.phone, f"revenue.fine-due:{row.pk}", text, "", language))
    channels.send_many(outgoing)
    Ticket.objects.filter(pk__in=[row.pk for row in rows]).update(reminded=timezone.now())
    return len(rows)


@transaction.atomic
def _raise(day: date) -> int:
    """The percentage is of what is left: who paid a part is not fined for it again."""
    rows = _taken(Q(raised=None, more__gt=0, more_on__lte=day))
    language = town.current().languages[0]
    charges, outgoing = [], []
    with translation.override(language):
        for row in rows:
            amount = (2 * row.bill.left * row.more + 100) // 200
            words = _("%(percent)d %% more, not paid in time") % {"percent": row.more}
            charges.append(ledger.Charge(row.bill_id, amount, f"{words} ({row.more_law})", f"fine-more:{row.pk}"))
            if row.phone:
                said = _("%(town)s: ticket %(number)s was not paid in time: %(amount)s to pay now (%(law)s). %(link)s")
                text = said % _facts(row, row.bill.left + amount)
                outgoing.append(channels.Outgoing("sms", row.phone, f"revenue.fine-more:{row.pk}", text, "", language))
    if charges:
        ledger.charge(charges, kind="penalty", income=FINES, by=SYSTEM)
        channels.send_many(outgoing)
    Ticket.objects.filter(pk__in=[row.pk for row in rows]).update(raised=timezone.now())
    return len(rows)


@transaction.atomic
def _send_on(day: date) -> int:
    """To reminders by plan only who is in the register of taxpayers: the plan reminds no others."""
    rows = _taken(Q(went="", then_on__lte=day))
    known = set(Taxpayer.objects.filter(payer__in=[row.bill.payer_id for row in rows]).values_list("payer", flat=True))
    for row in rows:
        dunned = row.then == Infraction.Then.DUNNING and row.bill.payer_id in known
        row.went = Infraction.Then.DUNNING if dunned else Infraction.Then.COURT
        row.went_at = timezone.now()
    Ticket.objects.bulk_update(rows, ["went", "went_at"])
    if rows:
        audit.record(SYSTEM, "revenue.fines_go_on", "revenue.ticket", tickets=len(rows))
    return len(rows)
