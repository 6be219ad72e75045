"""The balance of an account with 1,000,000 lines, and of one payer of it.

Method: a book with 500,000 entries of two lines, written straight into the tables with the guards aside; the checkpoint has run. Each
figure is the median of 200 calls of `ledger.balance` in one process. The rivals: sum(amount) over the same lines by SQL, with the same
index; and django-hordak's `get_balance` over an account with as many legs. Target: under 5 ms.
"""

from __future__ import annotations

import statistics
import time

import psycopg

from bench import Result, _hordak, _ledger

ENTRIES, TARGET = 500_000, 5.0
_TIMED = """
import statistics, time
def median(act, times):
    took = []
    for _n in range(times):
        start = time.perf_counter(); act(); took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000
"""
_OURS = """
from toguna.engines.ledger import api as ledger, book
from toguna.engines.ledger.models import Payer
from toguna.engines.ledger.book import Leg
from toguna.kernel.access import SYSTEM
book.checkpoint()
for n in range(500):  # and the lines of a busy ten minutes after it
    book.post("payment", [Leg("571", 5), Leg("411", -5)], key=f"after:{n}", by=SYSTEM)
payer = Payer.objects.order_by("pk").first().pk
print(median(lambda: ledger.balance("411"), 200), median(lambda: ledger.balance("411", payer=payer), 200))
"""
_THEIRS = """
from hordak.models import Account
account = Account.objects.get(code="1")
print(median(lambda: account.get_balance(), 3))
"""


def run() -> list[Result]:
    database = _ledger.ready()
    try:
        _ledger.empty(database.dsn())
        _fill(database.dsn())
        ours, of_payer = map(float, _ledger.call(_TIMED + _OURS).split())
        plain = _sum(database.dsn())
        _hordak.ready(database)
        _fill_theirs(_hordak.dsn(database))
        theirs = float(_hordak.call(database, _TIMED + _THEIRS))
        _ledger.empty(database.dsn())
    finally:
        database.stop()
    met = "met" if max(ours, of_payer) < TARGET else "missed"
    how = f"{2 * ENTRIES} lines, 500 entries since the checkpoint; target {TARGET} ms, {met}"
    return [
        Result("balance", "ms", ours, plain, "sum() of the lines by SQL", plain / ours, how),
        Result("balance-hordak", "ms", ours, theirs, "django-hordak's get_balance", theirs / ours, how),
        Result("balance-of-payer", "ms", of_payer, TARGET, "target", TARGET / of_payer, how),
    ]


def _fill(dsn: str) -> None:
    with psycopg.connect(dsn) as sql:
        sql.execute("ALTER TABLE ledger_line DISABLE TRIGGER USER")
        sql.execute(
            "INSERT INTO ledger_entry (key, kind, day, currency, lines_count) SELECT 'b:' || n, 'bill', current_date - n %% 300, 'XOF', 2"
            " FROM generate_series(1, %s) n",
            [ENTRIES],
        )
        sql.execute(
            "INSERT INTO ledger_line (entry_id, number, account_id, day, amount, payer_id)"
            " SELECT e.id, leg.number, (SELECT id FROM ledger_account WHERE code = '411'), e.day, leg.amount,"
            " (SELECT min(id) FROM ledger_payer) + e.id % 100000"
            " FROM ledger_entry e CROSS JOIN (VALUES (1, 500), (2, -300)) AS leg(number, amount)"
        )
        sql.execute("ALTER TABLE ledger_line ENABLE TRIGGER USER")
    with psycopg.connect(dsn, autocommit=True) as sql:
        sql.execute("VACUUM ANALYZE ledger_line")


def _fill_theirs(dsn: str) -> None:
    # Statement by statement: their foreign keys look at each row at the end of the transaction.
    with psycopg.connect(dsn, autocommit=True) as sql:
        for table in ("hordak_transaction", "hordak_leg"):
            sql.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        sql.execute(
            "INSERT INTO hordak_transaction (uuid, timestamp, date, description) SELECT gen_random_uuid(), now(), current_date, ''"
            " FROM generate_series(1, %s)",
            [ENTRIES],
        )
        sql.execute(
            "INSERT INTO hordak_leg (uuid, transaction_id, account_id, description, currency, debit, credit)"
            " SELECT gen_random_uuid(), t.id, (SELECT id FROM hordak_account WHERE code = '1'), '', 'XOF', leg.debit, leg.credit"
            " FROM hordak_transaction t CROSS JOIN (VALUES (500, NULL), (NULL, 300)) AS leg(debit, credit)"
        )
        for table in ("hordak_transaction", "hordak_leg"):
            sql.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with psycopg.connect(dsn, autocommit=True) as sql:
        sql.execute("VACUUM ANALYZE hordak_leg")


def _sum(dsn: str) -> float:
    took = []
    with psycopg.connect(dsn, autocommit=True) as sql:
        for _time in range(5):
            start = time.perf_counter()
            sql.execute(
                "SELECT sum(amount) FROM ledger_line WHERE account_id = (SELECT id FROM ledger_account WHERE code = '411')"
            ).fetchone()
            took.append(time.perf_counter() - start)
    return statistics.median(took) * 1000
