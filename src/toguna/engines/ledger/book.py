"""The one way of moving money: `post`. Everything else is on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.models.book import Account, Entry, Line, Payer, Period
from toguna.kernel import audit, text, town, turns
from toguna.kernel.access import Actor

MOST_LEGS = 500
ADVANCES = "4191"  # what payers paid ahead


class Refused(Exception):
    """It cannot be written; str() says why, and what to do."""


class Mismatch(Refused):
    """The same key came with other figures: somebody's program is wrong, and nothing is written."""


@dataclass(frozen=True)
class Leg:
    """One line to write. account: its code; amount: minor units, above zero for debit."""

    account: str
    amount: int
    payer: int | None = None
    bill: int | None = None
    desk: int | None = None


@lru_cache(maxsize=1024)
def account_id(code: str) -> int:
    """Raises Account.DoesNotExist."""
    return Account.objects.values_list("pk", flat=True).get(code=code)


def account(
    code: str, kind: str = "asset", title: dict[str, str] | None = None, syscohada: str = "", m14: str = ""
) -> Account:
    """The account with that code, made when it is not there."""
    found, made = Account.objects.get_or_create(
        code=code, defaults={"kind": kind, "title": title or {"en": code}, "syscohada": syscohada, "m14": m14}
    )
    if made:
        account_id.cache_clear()
    return found


# What is paid ahead by one who was joined to another is that other's, also where a payment of before is taken back. Their row is held, so
# that nobody is joined meanwhile.
_POST = """
WITH entry AS (
    INSERT INTO ledger_entry (key, kind, day, currency, lines_count, account, about_kind, about, words, reverses_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id, day
)
INSERT INTO ledger_line (entry_id, number, account_id, day, amount, payer_id, bill, desk)
SELECT entry.id, number, leg.account, entry.day, amount,
    CASE WHEN leg.account = %s THEN COALESCE((SELECT p.joined_id FROM ledger_payer p WHERE p.id = leg.payer FOR SHARE), leg.payer) ELSE leg.payer END,
    bill, desk
FROM entry
CROSS JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY
  AS leg(account, amount, payer, bill, desk, number)
RETURNING entry_id
"""


def post(
    kind: str, legs: Sequence[Leg], *, key: str, by: Actor, at: date | None = None, currency: str = "",
    about: tuple[str, str] = ("", ""), words: str = "", reverses: int | None = None, savepoint: bool = True,
) -> Entry:  # fmt: skip
    """Writes an entry, once for its key: the same key with the same figures gives the entry that is there. Its lines sum to zero.
    at: the day to which it counts; savepoint: not for a caller whose own transaction ends when this is refused. One statement.
    Raises Mismatch, Refused (a closed period, lines that do not balance)."""
    kept = [leg for leg in legs if leg.amount]
    if len(kept) < 2 or len(kept) > MOST_LEGS or sum(leg.amount for leg in kept) != 0:
        raise Refused(_("These lines do not balance."))
    day, unit = at or timezone.localdate(), currency or town.current().currency
    try:
        with transaction.atomic(savepoint=savepoint), connection.cursor() as cursor:
            columns = ([getattr(leg, name) for leg in kept] for name in ("amount", "payer", "bill", "desk"))
            cursor.execute(
                _POST,
                [
                    *(key, kind, day, unit, len(kept), by.account, *about, text.clean(words)[:300], reverses),
                    account_id(ADVANCES) if any(leg.account == ADVANCES for leg in kept) else None,
                    [account_id(leg.account) for leg in kept],
                    *columns,
                ],
            )
            row = cursor.fetchone()
            if row is None:
                return _same(key, kind, kept, unit)
    except IntegrityError as error:
        if "ledger closed period" in str(error):
            raise Refused(_("The period of this day is closed: write it on a day of the open one.")) from error
        if "reverses_id" in str(error):
            raise Refused(_("This was taken back already.")) from error
        raise
    return Entry(
        pk=row[0], key=key, kind=kind, day=day, currency=unit, lines_count=len(kept), account=by.account,
        about_kind=about[0], about=about[1], words=words[:300], reverses_id=reverses,
    )  # fmt: skip


def _same(key: str, kind: str, legs: Sequence[Leg], currency: str) -> Entry:
    """The entry of that key, if it says the same."""
    entry = Entry.objects.get(key=key)
    there, wanted = legs_of(entry), list(legs)
    if there != wanted:  # or somebody was joined to another since
        owners = {leg.payer for leg in (*there, *wanted) if leg.payer is not None and leg.account == ADVANCES}
        into = dict(Payer.objects.filter(pk__in=owners).exclude(joined=None).values_list("pk", "joined"))
        there, wanted = (
            [
                replace(leg, payer=into.get(leg.payer or 0, leg.payer)) if leg.account == ADVANCES else leg
                for leg in side
            ]
            for side in (there, wanted)
        )
    if there != wanted or entry.kind != kind or entry.currency != currency:
        raise Mismatch(_("Another posting has this key already."))
    return entry


def legs_of(entry: Entry) -> list[Leg]:
    rows = (
        Line.objects.filter(entry=entry)
        .order_by("number")
        .values_list("account__code", "amount", "payer", "bill", "desk")
    )
    return [Leg(*row) for row in rows]


def reverse(entry: Entry, *, reason: str, key: str, by: Actor, at: date | None = None) -> Entry:
    """Takes an entry back by another that says the contrary, in the open period; once. Raises Refused."""
    why = text.clean(reason)[:300]
    if not why:
        raise Refused(_("Say why it is taken back."))
    back = [replace(leg, amount=-leg.amount) for leg in legs_of(entry)]
    made = post(
        f"-{entry.kind}"[:20], back, key=key, by=by, at=at, currency=entry.currency, about=(entry.about_kind, entry.about),
        words=why, reverses=entry.pk,
    )  # fmt: skip
    audit.record(by, "ledger.reverse", f"ledger.entry:{entry.pk}", by=made.pk)
    return made


def hold(what: str) -> None:
    """One at a time, until the transaction ends."""
    turns.one_at_a_time(f"ledger {what}")


# --- Balances

# id <= ...: nothing is above it. Without it the planner takes a third of all lines for new, and starts other processes to sum a few.
_NEW = "id > COALESCE((SELECT upto FROM ledger_mark), 0) AND id <= 9223372036854775807"
_BALANCE = f"""
SELECT COALESCE((SELECT sum(debit - credit) FROM ledger_total WHERE account_id = %(account)s AND (%(at)s::date IS NULL OR day <= %(at)s)), 0)
     + COALESCE((SELECT sum(amount) FROM ledger_line WHERE account_id = %(account)s
                 AND {_NEW} AND (%(at)s::date IS NULL OR day <= %(at)s)), 0)
"""


def balance(code: str, *, payer: int | None = None, currency: str = "", at: date | None = None) -> int:
    """What stands on an account (above zero: debit), of one payer (and of these in one currency), at the end of a day; nothing on one
    that was never opened. One statement."""
    try:
        account = account_id(code)
    except Account.DoesNotExist:
        return 0
    if payer is not None:
        rows = Line.objects.filter(account=account, payer=payer)
        rows = rows.filter(entry__currency=currency) if currency else rows
        return (rows.filter(day__lte=at) if at else rows).aggregate(sum=Sum("amount"))["sum"] or 0
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, {"account": account, "at": at})
        return int(cursor.fetchone()[0])


_BALANCES = f"""
SELECT account_id, sum(amount) FROM (
    SELECT account_id, debit - credit AS amount FROM ledger_total WHERE account_id = ANY(%(accounts)s)
    UNION ALL SELECT account_id, amount FROM ledger_line
    WHERE account_id = ANY(%(accounts)s) AND {_NEW}
) x GROUP BY account_id
"""


def balances(accounts: Sequence[int]) -> dict[int, int]:
    """{id of an account: what stands on it}, of each that was asked for. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, {"accounts": list(accounts)})
        found = {account: int(amount) for account, amount in cursor}
    return {one: found.get(one, 0) for one in accounts}


_SUMMED = """
INSERT INTO ledger_total (account_id, day, debit, credit)
SELECT account_id, day, sum(greatest(amount, 0)), sum(greatest(-amount, 0)) FROM ledger_line
WHERE id > %s AND id <= %s GROUP BY account_id, day ORDER BY account_id, day
ON CONFLICT (account_id, day) DO UPDATE SET debit = ledger_total.debit + excluded.debit, credit = ledger_total.credit + excluded.credit
"""


_PATIENCE = "250ms"  # for which those who pay may be held up


def checkpoint() -> int:
    """Adds the lines since the last time to the totals; up to which line they go now. The lock waits for who is writing and lets
    nobody begin: so no line below the mark can still come. Where a long run is writing, it is left for the next time: nobody who
    pays waits for it. What is summed after it never changes."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
            cursor.execute("LOCK TABLE ledger_line IN SHARE MODE")
            cursor.execute("SELECT COALESCE(max(id), 0) FROM ledger_line")
            upto = int(cursor.fetchone()[0])
    except OperationalError:
        upto = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_mark (id, upto) VALUES (1, 0) ON CONFLICT DO NOTHING")
        cursor.execute("SELECT upto FROM ledger_mark WHERE id = 1 FOR UPDATE")
        before = int(cursor.fetchone()[0])
        if upto > before:
            cursor.execute(_SUMMED, [before, upto])
            cursor.execute("UPDATE ledger_mark SET upto = %s WHERE id = 1", [upto])
        return max(upto, before)


_TRIAL = f"""
SELECT account_id, sum(debit), sum(credit) FROM (
    SELECT account_id, debit, credit FROM ledger_total
    WHERE (%(since)s::date IS NULL OR day >= %(since)s) AND (%(at)s::date IS NULL OR day <= %(at)s)
    UNION ALL
    SELECT account_id, greatest(amount, 0), greatest(-amount, 0) FROM ledger_line
    WHERE {_NEW}
      AND (%(since)s::date IS NULL OR day >= %(since)s) AND (%(at)s::date IS NULL OR day <= %(at)s)
) moved GROUP BY account_id
"""


def trial(at: date | None = None, since: date | None = None) -> list[tuple[Account, int, int]]:
    """(account, debit, credit) of every account that moved, from a day to a day: both columns sum to the same. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIAL, {"at": at, "since": since})
        sums: dict[int, tuple[Any, Any]] = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    rows = Account.objects.in_bulk(sums)
    return sorted(
        ((rows[pk], int(debit), int(credit)) for pk, (debit, credit) in sums.items()), key=lambda one: one[0].code
    )


# --- Periods


def open_day(day: date) -> date:
    """The day, or today where its period is closed: money that came is written, on a day when one can."""
    today = timezone.localdate()
    if day >= today or not Period.objects.filter(since__lte=day, until__gte=day).exclude(closed=None).exists():
        return min(day, today)
    return today


@transaction.atomic
def close(period: Period, *, by: Actor) -> None:
    """From now on nothing is written on its days: corrections are reversals in the open period. Raises Refused."""
    row = Period.objects.select_for_update().get(pk=period.pk)
    if row.closed is not None:
        return
    if Period.objects.filter(until__lt=row.since, closed=None).exists():
        raise Refused(_("Close the period before it first."))
    if row.until >= timezone.localdate():
        raise Refused(_("This period is not over yet."))
    Period.objects.filter(pk=row.pk).update(closed=timezone.now(), account=by.account)
    audit.record(
        by, "ledger.close", f"ledger.period:{row.pk}", since=row.since.isoformat(), until=row.until.isoformat()
    )


@transaction.atomic
def months(year: int, *, by: Actor) -> int:
    """Makes the twelve periods of a year, those that are not there; how many. A period that lies across one of them stays alone."""
    made = 0
    for month in range(1, 13):
        since = date(year, month, 1)
        until = (since + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        if not Period.objects.filter(since__lte=until, until__gte=since).exists():
            Period.objects.create(since=since, until=until, account=by.account)
            made += 1
    if made:
        audit.record(by, "ledger.periods", "ledger.period", year=year, made=made)
    return made
