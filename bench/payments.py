"""Payments taken at one desk by 8 clients at once, 5% of them failing at the last moment, on the machine's own cores.

Method: 8 processes, each with its own connection; each payment is of another bill, through `ledger.take` (locks, apportioning, entry,
shares, receipt number, audit, event). First paced, 25 a second each, for its 95th percentile; then as fast as they go, for the rate. One
in twenty is rolled back after its number was given, as by a power cut: afterwards the numbers have no gap, or the run fails. All at one
desk is the worst: they wait for one counter. The rivals, as fast as they go: the same rows of entry, lines, payment and counter by one
SQL statement each through bare psycopg, without bills, checks, audit and events; and django-hordak, a transaction with two legs, which
numbers nothing. The CPU of each payment is said, too, the client's and the database's: it tells what idle cores would do where others
use the machine. Targets: 200 a second, p95 under 100 ms.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from bench import Result, _hordak, _ledger

CLIENTS, EACH, PACED, FAIL = 8, 300, 25, 20
RATE, P95 = 200.0, 100.0
_PREPARED = """
import sys
from django.db import connection
from django.utils import timezone
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.models import Desk
from toguna.kernel.access import SYSTEM
desk = Desk.objects.get_or_create(prefix="B", defaults={"name": "Bench", "account": ledger.account("57199", "asset")})[0]
ledger.stage()
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO ledger_run (key, payer, amount, words) SELECT 'p:' || id, id, 500, 'Stall' FROM ledger_payer ORDER BY id LIMIT %s", [int(sys.argv[1])])
ledger.run(income="7336", due=timezone.localdate(), by=SYSTEM)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE ledger_bill, ledger_bill_line, ledger_line, ledger_entry")
"""
_TIMED = """
import json, resource, sys, time
from bench import _ledger
client, each, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
def timed(one, server):
    one(-1)
    print("ready", flush=True); sys.stdin.readline()
    cpu, served, took, begun = resource.getrusage(resource.RUSAGE_SELF), _ledger.cpu_of(server), [], time.perf_counter()
    for n in range(each):
        if pause:
            time.sleep(max(0, begun + (n + client / 8) * pause - time.perf_counter()))
        start = time.perf_counter()
        one(n)
        took.append(time.perf_counter() - start)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    mine, its = spent.ru_utime + spent.ru_stime - cpu.ru_utime - cpu.ru_stime, _ledger.cpu_of(server) - served
    print(json.dumps([time.perf_counter() - begun, mine, its, took]), flush=True)
def server_of(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
"""
_OURS = """
import django; django.setup()
from django.db import connection, transaction
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.models import Desk
from toguna.kernel.access import SYSTEM
desk, first = Desk.objects.select_related("account").get(prefix="B"), int(sys.argv[4])
bills = list(ledger.Bill.objects.order_by("pk").values_list("pk", flat=True)[first + client * (each + 1):][:each + 1])
def one(n):
    try:
        with transaction.atomic():
            ledger.take(500, "XOF", "cash", desk=desk, bills=[bills[n]], key=f"{first}:{client}:{n}", by=SYSTEM)
            if n % FAIL == 7: raise ZeroDivisionError
    except ZeroDivisionError: pass
timed(one, server_of(connection))
""".replace("FAIL", str(FAIL))
_PLAIN = """
import os, psycopg
sql = psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)
statement = '''
WITH counted AS (UPDATE plain_counter SET last = last + 1 RETURNING last),
entry AS (INSERT INTO plain_entry (id, key, kind, day, at, currency, lines_count, about_kind, about, words)
    SELECT last, %(key)s, 'payment', current_date, now(), 'XOF', 2, '', '', '' FROM counted RETURNING id),
lines AS (INSERT INTO plain_line (id, entry_id, number, account_id, day, amount)
    SELECT 2 * id + leg.number, id, leg.number, leg.number, current_date, leg.amount
    FROM entry CROSS JOIN (VALUES (1, 500), (2, -500)) AS leg(number, amount))
INSERT INTO plain_payment (id, key, desk_id, year, number, amount, currency, method, reference, entry_id, at, taken, printed, void)
SELECT last, %(key)s, 1, 2026, last, 500, 'XOF', 'cash', '', entry.id, now(), now(), '', '' FROM counted, entry
'''
def one(n):
    try:
        with sql.transaction():
            sql.execute(statement, {"key": f"{client}:{n}"})
            if n % FAIL == 7: raise ZeroDivisionError
    except ZeroDivisionError: pass
timed(one, sql.info.backend_pid)
""".replace("FAIL", str(FAIL))
_THEIRS = """
from datetime import date
from django.db import connection, transaction
from moneyed import Money
from hordak.models import Account, Leg, Transaction
cash, income = Account.objects.get(code="1"), Account.objects.get(code="2")
def one(n):
    with transaction.atomic():
        made = Transaction.objects.create(date=date.today(), description=f"{client}:{n}")
        Leg.objects.create(transaction=made, account=cash, debit=Money(500, "XOF"))
        Leg.objects.create(transaction=made, account=income, credit=Money(500, "XOF"))
timed(one, server_of(connection))
"""


def run() -> list[Result]:
    database = _ledger.ready()
    try:
        _ledger.empty(database.dsn())
        _ledger.call(_PREPARED, str(2 * CLIENTS * (EACH + 1)))
        environment = {**_ledger.environment(), "BENCH_DSN": database.dsn()}

        def ours(first: int) -> Callable[[int, str], list[str]]:
            return lambda client, pause: [
                sys.executable,
                "-c",
                _TIMED + _OURS,
                str(client),
                str(EACH),
                pause,
                str(first),
            ]

        paced = _all(ours(0), environment, 1 / PACED)
        fast = _all(ours(CLIENTS * (EACH + 1)), environment, 0)
        _gapless(database.dsn())
        _tables(database.dsn())
        plain = _all(
            lambda client, pause: [sys.executable, "-c", _TIMED + _PLAIN, str(client), str(EACH), pause], environment, 0
        )
        _hordak.ready(database)
        theirs = _all(
            lambda client, pause: _hordak.command(database, _TIMED + _THEIRS, str(client), str(EACH), pause),
            environment,
            0,
        )
        _ledger.empty(database.dsn())
    finally:
        database.stop()
    p95 = sorted(paced.took)[int(len(paced.took) * 0.95)] * 1000
    rates = [CLIENTS * EACH / one.seconds for one in (fast, plain, theirs)]
    how = f"{CLIENTS} clients at one desk, 1 in {FAIL} rolled back, no gaps"
    cpu = f"; CPU of a payment: {fast.cpu()}; hordak's: {theirs.cpu()}"
    # What the machine's cores do when nothing else is on them: the clock says it only there.
    cores, spent = os.cpu_count() or 1, (fast.mine + fast.its) / CLIENTS / EACH
    return [
        Result(
            "payments-cpu",
            "ms",
            spent * 1000,
            cores / RATE * 1000,
            "target",
            cores / RATE / spent,
            f"{how}; {cores} cores have so much for each of {RATE:.0f} payments a second",
        ),
        Result("payments-p95", "ms", p95, P95, "target", P95 / p95, f"{how}; paced at {CLIENTS * PACED} a second"),
        Result("payments", "/s", rates[0], RATE, "target", rates[0] / RATE, how + cpu),
        Result("payments-plain", "/s", rates[0], rates[1], "bare SQL: no bills, no audit", rates[0] / rates[1], how),
        Result(
            "payments-hordak",
            "/s",
            rates[0],
            rates[2],
            "django-hordak, two legs",
            rates[0] / rates[2],
            f"{CLIENTS} clients",
        ),
    ]


@dataclass(frozen=True)
class _Told:
    """seconds: of the slowest client; mine, its: CPU of all clients, and of the database's processes; took: each payment."""

    seconds: float
    mine: float
    its: float
    took: list[float]

    def cpu(self) -> str:
        return f"client {self.mine / len(self.took) * 1000:.1f} ms, database {self.its / len(self.took) * 1000:.1f} ms"


def _all(started: Callable[[int, str], Sequence[str]], environment: dict[str, str], pause: float) -> _Told:
    """Starts all clients together."""
    clients = [
        subprocess.Popen(
            started(n, str(pause)), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(CLIENTS)
    ]
    try:
        for client in clients:
            assert client.stdout is not None
            if client.stdout.readline() != "ready\n":
                raise RuntimeError("a client did not begin")
        for client in clients:
            assert client.stdin is not None
            client.stdin.write("\n")
            client.stdin.flush()
        said = [json.loads(client.communicate()[0]) for client in clients]
    finally:
        for client in clients:
            client.kill()
            client.wait()
    mine, its = sum(one[1] for one in said), sum(one[2] for one in said)
    return _Told(max(one[0] for one in said), mine, its, [took for one in said for took in one[3]])


def _gapless(dsn: str) -> None:
    with psycopg.connect(dsn) as sql:
        row = sql.execute(
            "SELECT c.last, count(*), min(p.number), max(p.number) FROM ledger_receipt_counter c JOIN ledger_payment p"
            " ON p.desk_id = c.desk_id AND p.year = c.year GROUP BY c.last"
        ).fetchone()
    if row is None or not row[0] == row[1] == row[3] or row[2] != 1:
        raise RuntimeError(f"receipts have gaps: {row}")


def _tables(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as sql:
        for name in ("entry", "line", "payment"):
            sql.execute(f"DROP TABLE IF EXISTS plain_{name}")
            sql.execute(f"CREATE TABLE plain_{name} (LIKE ledger_{name} INCLUDING ALL)")
        sql.execute("DROP TABLE IF EXISTS plain_counter")
        sql.execute("CREATE TABLE plain_counter (last bigint)")
        sql.execute("INSERT INTO plain_counter VALUES (0)")
