"""kill -9, of workers and of the database itself, while bills are issued and payments are taken: nothing is lost, nothing is twice.

On a server of its own, which gets the tables of the tests' one: that one serves other tests meanwhile.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.db import connection

import toguna
from toguna.kernel import cluster as clusters
from toguna.kernel.cluster import Cluster

pytestmark = pytest.mark.skipif(not clusters.servers(), reason="PostgreSQL with PostGIS is not installed")
PAYERS, BILLS, CLIENTS, EACH = 30, 6_000, 2, 40

_BEGIN = """
from toguna.engines.ledger import api as ledger, starter
from toguna.engines.ledger.models import Desk
starter.load()
Desk.objects.create(name="Guichet", prefix="G", account=ledger.account("57101", "asset"))
for n in range(int(sys.argv[1])): ledger.payer(f"P{n}")
"""
_RUN = """
from django.db import connection
from django.utils import timezone
from toguna.engines.ledger import api as ledger
from toguna.kernel.access import SYSTEM
ledger.stage()
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO ledger_run (key, payer, amount, words) SELECT 'run:' || n, (SELECT min(id) FROM ledger_payer) + n %% %s, 100, 'Stall' FROM generate_series(1, %s) n", [int(sys.argv[1]), int(sys.argv[2])])
print("began", flush=True)
print(ledger.run(income="7336", due=timezone.localdate(), by=SYSTEM), flush=True)
"""
_PAY = """
import time
from django.db import Error, connection
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.models import Desk
from toguna.kernel.access import SYSTEM
client, each = sys.argv[1], int(sys.argv[2])
desk = Desk.objects.select_related("account").get(prefix="G")
payers = list(ledger.Payer.objects.order_by("pk").values_list("pk", flat=True))
print("began", flush=True)
for n in range(each):
    for _again in range(300):
        try:
            ledger.take(150, "XOF", "cash", desk=desk, payer=payers[(n * 7 + int(client)) % len(payers)], key=f"{client}:{n}", by=SYSTEM)
            break
        except Error:  # the database is away: the same again, by its key
            connection.close()
            time.sleep(0.1)
    print(n, flush=True)
"""


def start(home: Path, code: str, *words: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TOGUNA_", "DATABASE_"))}
    environment |= {"TOGUNA_HOME": str(home), "PYTHONPATH": str(Path(toguna.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, django; django.setup()\n{code}", *words], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def began(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None and process.stdout.readline() == "began\n"
    return process


@pytest.fixture(scope="module")
def home(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="toguna-killed-"))
    folder.chmod(0o755)
    server = Cluster(folder)
    server.start()
    given = connection.settings_dict
    programs = next(reversed(dict(sorted(clusters.servers().items())).values()))
    try:
        source = ["-h", given["HOST"], "-p", str(given["PORT"] or 5432), "-U", given["USER"], given["NAME"]]
        dump = subprocess.run([programs / "pg_dump", "-sxO", *source], capture_output=True, check=True)
        given_to = psycopg.conninfo.conninfo_to_dict(server.dsn())
        subprocess.run(
            [programs / "psql", "-q", "-h", str(given_to["host"]), "-U", str(given_to["user"]), str(given_to["dbname"])], input=dump.stdout,
            capture_output=True, check=True,
        )  # fmt: skip
        assert start(folder, _BEGIN, str(PAYERS)).wait(180) == 0
        yield folder
    finally:
        for pid in [server._postmaster(), *server._orphans()]:
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for each in (server.data, server.socket, folder):
            shutil.rmtree(each, ignore_errors=True)


def asked(home: Path, statement: str) -> tuple[int, ...]:
    with psycopg.connect(Cluster(home).dsn()) as sql:
        row = sql.execute(statement).fetchone()
    assert row is not None
    return tuple(int(one or 0) for one in row)


def sound(home: Path) -> None:
    """Entries sum to zero and are whole; receipts have no gap; each payment and bill is in the book, once."""
    assert asked(
        home, "SELECT count(*) FROM (SELECT 1 FROM ledger_line GROUP BY entry_id HAVING sum(amount) <> 0) wrong"
    ) == (0,)
    assert asked(
        home,
        "SELECT count(*) FROM ledger_entry e WHERE lines_count <> (SELECT count(*) FROM ledger_line l WHERE l.entry_id = e.id)",
    ) == (0,)
    last, count, largest = asked(
        home, "SELECT (SELECT max(last) FROM ledger_receipt_counter), count(*), max(number) FROM ledger_payment"
    )
    assert last == count == largest
    held, taken = asked(
        home,
        "SELECT (SELECT sum(l.amount) FROM ledger_line l JOIN ledger_account a ON a.id = l.account_id WHERE a.code = '57101'),"
        " (SELECT sum(amount) FROM ledger_payment)",
    )
    assert held == taken
    owed, left = asked(
        home,
        "SELECT (SELECT sum(l.amount) FROM ledger_line l JOIN ledger_account a ON a.id = l.account_id WHERE a.code = '411'),"
        " (SELECT sum(amount - paid) FROM ledger_bill)",
    )
    assert owed == left


def test_workers_and_the_database_are_killed_in_the_middle_of_a_run_and_of_payments(home: Path) -> None:
    # A worker dies while it issues: all of the run, or nothing.
    worker = began(start(home, _RUN, str(PAYERS), str(BILLS)))
    time.sleep(0.15)
    worker.kill()
    worker.wait()
    assert asked(home, "SELECT count(*) FROM ledger_bill")[0] in (0, BILLS)
    # The database dies while another issues them and two cashiers take money, one of whom dies too and begins again.
    cashiers = [start(home, _PAY, str(n), str(EACH)) for n in range(CLIENTS)]
    worker = start(home, _RUN, str(PAYERS), str(BILLS))
    for one in (*cashiers, worker):
        began(one)
    time.sleep(0.3)
    cashiers[0].kill()
    cashiers[0].wait()
    postmaster = Cluster(home)._postmaster()
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)
    Cluster(home).start()
    cashiers[0] = start(home, _PAY, "0", str(EACH))
    worker.kill()
    worker.wait()
    assert asked(home, "SELECT count(*) FROM ledger_bill")[0] in (0, BILLS)
    sound(home)
    again = start(home, _RUN, str(PAYERS), str(BILLS))
    for one in (*cashiers, again):
        said, _nothing = one.communicate(timeout=180)
        assert one.returncode == 0, said
    assert asked(home, "SELECT count(*), count(DISTINCT key) FROM ledger_bill") == (BILLS, BILLS)
    assert asked(home, "SELECT count(*), sum(amount) FROM ledger_payment") == (CLIENTS * EACH, CLIENTS * EACH * 150)
    sound(home)
