"""500,000 bills with their lines and the book's entries, against one SQL statement that writes the same rows without the engine; and
django-hordak posting the same transactions.

Method: `billing.run` over 500,000 staged bills (what was issued before is left out, then one statement, in one transaction, with the
book's guards: lines that balance, closed periods, unique keys, and that all is there that a line names); the rival is one statement for the same rows, in the same order, into
tables made LIKE ours with all their indexes and checks, and none of our triggers and foreign keys, with as much memory, and ids that no
sequence has to give. Each from empty tables, alternately, three times; the median of each: the CPU of the database's process, which other
work on the machine changes less than the clock (the clock's ratio is said, too). Staging (what is owed by whom) is not counted, for
either. Target: within 1.3 times. django-hordak has no bills: its transactions of two legs, 20,000 of them, written in bulk in one
database transaction; by the clock for each thousand.

The third figure is a whole campaign of 100,000 houses, as a head of service starts it: found, priced by a tariff with bands, shares and
exemptions, staged and issued in pieces of 20,000 that are each a transaction, with what could not be priced written down; beside the
same statement for as many bills, which prices nothing.
"""

from __future__ import annotations

import json
import statistics
import time

import psycopg

from bench import Result, _hordak, _ledger

BILLS, ROUNDS, TARGET = 500_000, 3, 1.3
THEIRS = 20_000
THINGS = 100_000
_OURS = """
import json, sys, time
from bench import _ledger
from django.db import connection
from django.utils import timezone
from toguna.engines.ledger import billing
from toguna.kernel.access import SYSTEM
billing.stage()
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO ledger_run (key, payer, amount, words) SELECT 'm:' || id, id, 500 + id %% 1000, 'Stall, 2026' FROM ledger_payer ORDER BY id LIMIT %s", [int(sys.argv[1])])
    cursor.execute("ANALYZE ledger_run")
    cursor.execute("SELECT pg_backend_pid()")
    process = cursor.fetchone()[0]
cpu, began = _ledger.cpu_of(process), time.perf_counter()
issued = billing.run(income="7336", due=timezone.localdate(), by=SYSTEM)
print(json.dumps([_ledger.cpu_of(process) - cpu, time.perf_counter() - began, issued]))
"""
_CAMPAIGN = """
import json, sys, time
from bench import _ledger
from django.db import connection, transaction
from django.utils import timezone
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.campaigns import actions
from toguna.services.revenue.models import Campaign, Taxed
from toguna.services.revenue.tests import revenue_world
base, many = revenue_world.houses(), int(sys.argv[1])
if not Taxed.objects.filter(base=base).exists():
    with transaction.atomic():
        revenue_world.fill(base, many, revenue_world.districts())
Campaign.objects.all().delete()
today = timezone.localdate()
row = actions.create(base, "2026", day=today, due=today, times={}, notices=False, by=SYSTEM)
actions.start(row.pk, by=SYSTEM)
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    process = cursor.fetchone()[0]
cpu, began, pieces = _ledger.cpu_of(process), time.perf_counter(), 0
while actions.issue_piece(row.pk):
    pieces += 1
took = [_ledger.cpu_of(process) - cpu, time.perf_counter() - began]
row.refresh_from_db()
print(json.dumps([*took, pieces, row.priced, row.issued, row.unpriced]))
"""
_PLAIN = """
WITH s AS (
    SELECT id AS n, 'm:' || id AS key, id AS payer, 500 + id %% 1000 AS amount, 'Stall, 2026'::text AS words,
        upper(substr(md5(id::text), 1, 12)) AS reference
    FROM ledger_payer ORDER BY id LIMIT %(bills)s
), bills AS (
    INSERT INTO plain_bill (id, reference, key, payer_id, words, about_kind, about, currency, amount, paid, issued, due, state)
    SELECT n, reference, key, payer, words, '', '', 'XOF', amount, 0, current_date, current_date, 'open' FROM s
), lines AS (
    INSERT INTO plain_bill_line (id, bill_id, number, kind, words, income_id, amount, paid)
    SELECT n, n, 1, 'principal', words, 2, amount, 0 FROM s
), entries AS (
    INSERT INTO plain_entry (id, key, kind, day, at, currency, lines_count, about_kind, about, words)
    SELECT n, 'bill:' || key, 'bill', current_date, now(), 'XOF', 2, 'bill', reference, '' FROM s
)
INSERT INTO plain_line (id, entry_id, number, account_id, day, amount, payer_id, bill)
SELECT 2 * n + leg.number, n, leg.number, leg.account, current_date, leg.sign * amount, payer, n
FROM s CROSS JOIN (VALUES (1, 1::bigint, 1), (2, 2::bigint, -1)) AS leg(number, account, sign)
"""
_THEIRS = """
import sys, time
from datetime import date
from django.db import transaction
from moneyed import Money
from hordak.models import Account, Leg, Transaction
owed, income = Account.objects.get(code="1"), Account.objects.get(code="2")
began = time.perf_counter()
with transaction.atomic():
    made = Transaction.objects.bulk_create([Transaction(date=date.today(), description=f"m:{n}") for n in range(int(sys.argv[1]))], batch_size=2000)
    Leg.objects.bulk_create([
        leg for n, one in enumerate(made) for leg in (
            Leg(transaction=one, account=owed, debit=Money(500 + n % 1000, "XOF")),
            Leg(transaction=one, account=income, credit=Money(500 + n % 1000, "XOF")))
    ], batch_size=2000)
print(time.perf_counter() - began)
"""


def run() -> list[Result]:
    database = _ledger.ready()
    try:
        ours, plain = [], []
        for _round in range(ROUNDS):
            _ledger.empty(database.dsn())
            plain.append(_rival(database.dsn(), BILLS))
            cpu, clock, issued = json.loads(_ledger.call(_OURS, str(BILLS)))
            if issued != BILLS:
                raise RuntimeError(f"{issued} bills were issued")
            ours.append((cpu, clock))
        whole = campaign(database.dsn())
        _ledger.empty(database.dsn())
        _hordak.ready(database)
        theirs_each = float(_hordak.call(database, _THEIRS, str(THEIRS))) / THEIRS * 1_000_000
    finally:
        database.stop()
    mine, theirs = (statistics.median(cpu for cpu, _clock in one) for one in (ours, plain))
    my_clock, their_clock = (statistics.median(clock for _cpu, clock in one) for one in (ours, plain))
    met = "met" if mine <= TARGET * theirs else "missed"
    method = (
        f"target: within {TARGET} times, {met}; CPU of the database's process; by the clock {my_clock:.1f} s and {their_clock:.1f} s;"
        f" {BILLS} bills, entries and bill lines, {2 * BILLS} lines; median of {ROUNDS}"
    )
    mine_each = my_clock / BILLS * 1_000_000  # milliseconds for a thousand
    how = f"by the clock, for each thousand; ours with its bills, theirs two legs alone, {THEIRS} in bulk"
    return [
        Result("bill-run", "s", mine, theirs, "one SQL statement, no engine", theirs / mine, method),
        Result("bill-run-hordak", "ms", mine_each, theirs_each, "django-hordak, in bulk", theirs_each / mine_each, how),
        whole,
    ]


def campaign(dsn: str) -> Result:
    """The third figure."""
    ours, plain = [], []
    for _round in range(ROUNDS):
        _ledger.empty(dsn)
        cpu, clock, pieces, priced, issued, unpriced = json.loads(_ledger.call(_CAMPAIGN, str(THINGS)))
        if priced != THINGS or not issued:
            raise RuntimeError(f"{priced} things were priced, {issued} bills issued")
        ours.append((cpu, clock))
        _ledger.empty(dsn)
        plain.append(_rival(dsn, issued))
    mine, theirs = (statistics.median(cpu for cpu, _clock in one) for one in (ours, plain))
    my_clock, their_clock = (statistics.median(clock for _cpu, clock in one) for one in (ours, plain))
    method = (
        f"CPU of the database's process; by the clock {my_clock:.1f} s and {their_clock:.1f} s; {THINGS} things priced, {issued} bills"
        f" issued, {unpriced} left out with why, in {pieces} pieces; median of {ROUNDS}"
    )
    return Result("bill-run, a campaign", "s", mine, theirs, "one SQL statement, nothing priced", theirs / mine, method)


def _rival(dsn: str, bills: int) -> tuple[float, float]:
    with psycopg.connect(dsn, autocommit=True) as sql:
        for name in ("bill", "bill_line", "entry", "line"):
            sql.execute(f"DROP TABLE IF EXISTS plain_{name}")
            sql.execute(f"CREATE TABLE plain_{name} (LIKE ledger_{name} INCLUDING ALL)")
        sql.execute("SET work_mem = '128MB'")
        process = sql.info.backend_pid
        cpu, began = _ledger.cpu_of(process), time.perf_counter()
        sql.execute(_PLAIN, {"bills": bills})
        took = (_ledger.cpu_of(process) - cpu, time.perf_counter() - began)
        for name in ("bill", "bill_line", "entry", "line"):
            sql.execute(f"DROP TABLE plain_{name}")
    return took
