"""What the town spends, written in the book by hand: where no desk paid it out and no statement of a bank says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import book, starter
from toguna.engines.ledger.book import Leg, Refused
from toguna.engines.ledger.models import Account, Entry
from toguna.engines.ledger.starter import COLLECTING
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor

WRITE = "ledger.approve"
OWED = "401"  # to whom the town has still to pay
_MADE_ELSEWHERE = ("6511", "6588")  # bills given up, differences of cash: the book writes them itself


def open_accounts() -> None:
    """Makes the accounts of costs in a town that was set up before there were any."""
    wanted = (*COLLECTING, OWED)
    if Account.objects.filter(code__in=wanted).count() < len(wanted):
        starter.load()


def kinds() -> QuerySet[Account]:
    """The accounts that a cost may be of; of the first it was owed, and is paid now."""
    expense = Q(kind=Account.Kind.EXPENSE) & ~Q(code__in=_MADE_ELSEWHERE)
    return Account.objects.filter(expense | Q(code=OWED), active=True).order_by("code")


def sources() -> QuerySet[Account]:
    """Where it is paid from: a bank, mobile money, or owed for now. Cash leaves by a desk, with its voucher."""
    money = Q(code__startswith="521") | Q(code__startswith="552")
    return Account.objects.filter(money | Q(code=OWED), active=True).order_by("code")


@transaction.atomic
def enter(kind: str, source: str, amount: int, *, day: date, words: str, key: str, by: Actor) -> Entry:
    """Writes a cost, once for its key. kind, source: codes of `kinds` and of `sources`; amount: minor units of the town's currency.
    Raises Refused, Denied."""
    access.require(by, WRITE)
    said = text.clean(words)[:300]
    if amount <= 0 or not said:
        raise Refused(_("Say what was paid, and how much."))
    if kind == source or not (kinds().filter(code=kind).exists() and sources().filter(code=source).exists()):
        raise Refused(_("Choose two different accounts."))
    if day > timezone.localdate():
        raise Refused(_("This day has not come yet."))
    made = book.post("cost", [Leg(kind, amount), Leg(source, -amount)], key=key, by=by, at=day, words=said)
    audit.record(by, "ledger.cost", f"ledger.entry:{made.pk}", account=kind, amount=amount)
    return made


@transaction.atomic
def take_back(entry: int, *, reason: str, by: Actor) -> Entry:
    """It was written by mistake: another entry says the contrary. Raises Refused, Denied."""
    access.require(by, WRITE)
    row = Entry.objects.filter(pk=entry, kind="cost").first()
    if row is None:
        raise Refused(_("This is no cost that was written by hand."))
    return book.reverse(row, reason=reason, key=f"cost-back:{row.pk}", by=by)


@dataclass(frozen=True)
class Year:
    """What collecting cost in a year. rows: (account, minor units), each that moved; collected: what was paid on bills."""

    rows: list[tuple[Account, int]]
    collected: int

    @property
    def cost(self) -> int:
        return sum(amount for _account, amount in self.rows)

    @property
    def share(self) -> float | None:
        """In percent of what was collected."""
        return 100 * self.cost / self.collected if self.collected else None


def of_collecting(year: int) -> Year:
    """By the book: whoever wrote it, a desk, the bank's statement or a hand."""
    moved = book.trial(date(year, 12, 31), date(year, 1, 1))
    rows = [
        (account, debit - credit) for account, debit, credit in moved if account.code.partition("-")[0] in COLLECTING
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(s.amount), 0) FROM ledger_payment p JOIN ledger_share s ON s.payment_id = p.id"
            " WHERE p.void = '' AND s.bill_id IS NOT NULL AND p.at >= %s AND p.at < %s",
            [timezone.make_aware(datetime(one, 1, 1)) for one in (year, year + 1)],
        )
        return Year(rows, int(cursor.fetchone()[0]))
