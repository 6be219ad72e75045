"""A home for the workloads of money: the tables of the town, a chart of accounts, payers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from toguna.kernel import cluster, places

PAYERS = 500_000
BOOK = (
    "ledger_share, ledger_payment, ledger_receipt_counter, ledger_bill_line, ledger_bill, ledger_line, ledger_entry, ledger_total,"
    " ledger_mark"
)


def home() -> Path:
    return places.home() / "bench" / "ledger"


def environment() -> dict[str, str]:
    found = {
        **os.environ,
        "TOGUNA_HOME": str(home()),
        "PYTHONPATH": f"{places.checkout() / 'src'}{os.pathsep}{places.checkout()}",
        "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }
    found.pop("DATABASE_URL", None)
    return found


def ready() -> cluster.Cluster:
    """The database, with its payers; the book as it was left."""
    database = cluster.Cluster(home())
    database.ensure()
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment(), check=True)
    subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\nfrom toguna.engines.ledger import starter; starter.load()"],
        env=environment(), check=True,
    )  # fmt: skip
    with psycopg.connect(database.dsn(), autocommit=True) as sql:
        row = sql.execute("SELECT count(*) FROM ledger_payer").fetchone()
        if row and row[0] < PAYERS:
            sql.execute(
                "INSERT INTO ledger_payer (name) SELECT 'Payer ' || n FROM generate_series(%s::int, %s::int) n",
                [row[0] + 1, PAYERS],
            )
            sql.execute("VACUUM ANALYZE ledger_payer")
    return database


def empty(dsn: str) -> None:
    """The book refuses this; its guards stand aside for a moment, as no town would let them."""
    with psycopg.connect(dsn) as sql:
        for table in ("ledger_entry", "ledger_line"):
            sql.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep")
        sql.execute(f"TRUNCATE {BOOK} CASCADE")
        for table in ("ledger_entry", "ledger_line"):
            sql.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep")


def call(code: str, *words: str) -> str:
    """What a process of the town's own prints."""
    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{code}", *words], env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process has taken, of the system's for it too."""
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
