"""What the pages of the book show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import billing, book, joined, payers, paying
from toguna.engines.ledger.models import (
    Account,
    Bill,
    Entry,
    Line,
    Payer,
    Payment,
    PaymentRequest,
    StandingOrder,
    Suspense,
    Wish,
)
from toguna.kernel import codes, money, text, town
from toguna.kernel.access import Actor

READ, BILL, APPROVE = "ledger.read", "ledger.bill", "ledger.approve"
SHOWN = 50
KINDS = {
    "bill": _("bill"),
    "-bill": _("bill cancelled"),
    "payment": _("payment"),
    "-payment": _("payment taken back"),
    "use-advance": _("paid by an advance"),
    "advance": _("kept as an advance"),
    "join": _("advance of a payer who is the same"),
    "credit": _("credit note"),
    "write-off": _("bill given up"),
    "refund": _("money given back"),
    "-refund": _("money not given back"),
    "resolve": _("suspense sorted out"),
    "charge": _("added to the bill"),
    "-charge": _("added to the bill, taken back"),
    "cash-move": _("between desk and safe"),
    "outlay": _("paid out of a desk"),
    "variance": _("difference of a count"),
    "cost": _("cost of the town"),
    "-cost": _("cost taken back"),
    "deposit": _("brought to the bank"),
    "bank": _("line of the bank"),
    "waste-share": _("share of a waste collector"),
    "waste-reward": _("reward for sorted waste"),
    "waste-payout": _("paid out to a waste collector"),
}


def kind_words(kind: str) -> str:
    return str(KINDS.get(kind, kind))


@dataclass(frozen=True)
class Row:
    """An account over a span. before, after: what stood on it, above zero for debit; minor units."""

    account: Account
    before: int
    debit: int
    credit: int

    @property
    def after(self) -> int:
        return self.before + self.debit - self.credit


def balances(since: date | None, until: date) -> list[Row]:
    """The balance générale of a span: every account that ever moved up to its end."""
    moved = {row.pk: (row, debit, credit) for row, debit, credit in book.trial(until, since)}
    before: dict[int, int] = {}
    rows = {pk: row for pk, (row, _debit, _credit) in moved.items()}
    if since is not None:
        for row, debit, credit in book.trial(since - timedelta(days=1)):
            before[row.pk] = debit - credit
            rows[row.pk] = row
    found = [
        Row(row, before.get(pk, 0), *(moved[pk][1:] if pk in moved else (0, 0))) for pk, row in rows.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.account.code)


def sums(rows: Sequence[Row]) -> dict[str, int]:
    return {
        "before": sum(one.before for one in rows),
        "debit": sum(one.debit for one in rows),
        "credit": sum(one.credit for one in rows),
        "after": sum(one.after for one in rows),
    }


def journal(since: date | None, until: date | None, kind: str, before: int | None) -> list[Entry]:
    """The entries of a span, the last first, SHOWN and one more: whoever reads goes on below the last id."""
    rows = Entry.objects.order_by("-pk")
    if since:
        rows = rows.filter(day__gte=since)
    if until:
        rows = rows.filter(day__lte=until)
    if kind:
        rows = rows.filter(kind=kind)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    _with_sums(found)
    _with_receipts(found)
    return found


def _with_receipts(rows: Sequence[Entry]) -> None:
    """The number of the receipt of each payment and who paid, before the entry's own words. One statement."""
    payments = Payment.objects.filter(entry__in=[row.pk for row in rows if row.kind == "payment"])
    for one in payments.select_related("desk", "payer"):
        row = next(row for row in rows if row.pk == one.entry_id)
        row.words = " · ".join(filter(None, (paying.receipt_number(one), str(one.payer or ""), row.words)))


def _with_sums(rows: Sequence[Entry]) -> None:
    """Each entry's debit, one statement for all: `total`."""
    sums = dict(
        Line.objects.filter(entry__in=[row.pk for row in rows], amount__gt=0)
        .values_list("entry")
        .annotate(sum=Sum("amount"))
        .order_by()
    )
    for row in rows:
        row.total = sums.get(row.pk, 0)  # type: ignore[attr-defined]
        row.said = kind_words(row.kind)  # type: ignore[attr-defined]


def costs() -> list[Entry]:
    """The last costs that were written by hand, with `total`, `line` (of what it was) and `back` (the entry that takes it back, or
    None). Three statements."""
    rows = list(Entry.objects.filter(kind="cost").select_related("reversed_by").order_by("-pk")[:SHOWN])
    _with_sums(rows)
    lines = Line.objects.filter(entry__in=[row.pk for row in rows], amount__gt=0).select_related("account")
    by_entry = {line.entry_id: line for line in lines}
    for row in rows:
        row.line = by_entry[row.pk]  # type: ignore[attr-defined]
        row.back = getattr(row, "reversed_by", None)  # type: ignore[attr-defined]
    return rows


def account_lines(row: Account, before: int | None) -> list[Line]:
    rows = Line.objects.filter(account=row).select_related("entry", "payer").order_by("-pk")
    if before:
        rows = rows.filter(pk__lt=before)
    return list(rows[: SHOWN + 1])


def find(words: str) -> tuple[list[Bill], list[Payer]]:
    """Bills by their reference, payers by their name: the first twenty."""
    if len(words.strip()) < 2:
        return [], []
    bills = list(Bill.objects.filter(reference=codes.read(words) or "-").select_related("payer"))
    return bills, list(Payer.objects.filter(name__icontains=text.clean(words)).order_by("name", "pk")[:20])


def late_bills(page_after: int | None = None) -> QuerySet[Bill]:
    return (
        Bill.objects.filter(state=Bill.State.OPEN, due__lt=timezone.localdate())
        .select_related("payer")
        .order_by("due", "pk")
    )


def payer_facts(row: Payer) -> dict[str, Any]:
    """All that one payer owes, paid, has ahead, and what was promised; of payers who are one, together."""
    all_of = joined.family(row.pk)
    found = payers.balances_of(all_of).values()
    currency = town.current().currency
    return {
        "payer": row,
        "same": list(Payer.objects.filter(pk__in=all_of).exclude(pk=row.pk).order_by("pk")),
        "owed": sum(one.owed for one in found),
        "ahead": sum(one.ahead for one in found),
        "currency": currency,
        "bills": list(Bill.objects.filter(payer__in=all_of).order_by("-due", "-pk")[:SHOWN]),
        "payments": list(
            Payment.objects.filter(payer__in=all_of).select_related("desk").order_by("-at", "-pk")[:SHOWN]
        ),
        "orders": list(StandingOrder.objects.filter(payer__in=all_of).order_by("-pk")[:5]),
        "wishes": list(Wish.objects.filter(payer__in=all_of).select_related("bill")[:10]),
    }


def bill_facts(row: Bill) -> dict[str, Any]:
    """A bill as it explains itself, and what has happened to it since."""
    lines = list(row.lines.all())
    parts = list(row.instalments.all())
    shares = row.shares.select_related("payment__desk").values_list("payment", flat=True)
    return {
        "bill": row,
        "lines": lines,
        "parts": [(part, row.paid >= part.upto) for part in parts],
        "credits": list(row.credits.all()),
        "wishes": list(row.wishes.all()),
        "payments": list(Payment.objects.filter(pk__in=list(shares)).select_related("desk").order_by("at", "pk")),
        "requests": list(PaymentRequest.objects.filter(bills__contains=[row.pk]).order_by("-pk")[:10]),
        "entries": list(Entry.objects.filter(about_kind="bill", about=row.reference).order_by("pk")[:20])
        if len(lines) < SHOWN
        else [],
    }


def numbers(_actor: Actor) -> Sequence[tuple[Any, Any, str]]:
    """What waits: for approval, in suspense. Two statements."""
    waiting = Wish.objects.filter(state=Wish.State.ASKED).count()
    aside = Suspense.objects.filter(resolved=None).aggregate(n=Count("pk"))["n"]
    return [
        (_("To approve"), waiting, reverse("desk-wishes")),
        (_("In suspense"), aside, reverse("desk-suspense")),
    ]


@dataclass(frozen=True)
class Today:
    """What the first page says. Minor units."""

    owed: int
    late: int
    taken: int
    ahead: int


def today() -> Today:
    """Three statements: what is owed and paid ahead by the book, what is late, what came in today."""
    day = timezone.localdate()
    late = Bill.objects.filter(state=Bill.State.OPEN, due__lt=day).aggregate(sum=Sum("amount") - Sum("paid"))["sum"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(amount), 0) FROM ledger_payment WHERE at >= %s AND void = ''",
            [timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)],
        )
        taken = int(cursor.fetchone()[0])
    return Today(book.balance(billing.RECEIVABLE), late or 0, taken, -book.balance(book.ADVANCES))


def waiting_wishes() -> QuerySet[Wish]:
    return Wish.objects.filter(Q(state=Wish.State.ASKED) | Q(state=Wish.State.SENT)).select_related("payer", "bill")


def said(amount: int, currency: str) -> str:
    return money.shown(amount, currency)
