"""django-hordak in a database of its own in the same cluster, with nothing of ours: its models, its triggers."""

from __future__ import annotations

import subprocess
import sys

import psycopg

from toguna.kernel import cluster

_SETTINGS = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"], USE_TZ=True, SECRET_KEY="x",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", DEFAULT_CURRENCY="XOF", CURRENCIES=["XOF"], DATABASES={"default": TABLE},
)
django.setup()
"""
_NAME = "hordak"


def dsn(database: cluster.Cluster) -> str:
    return psycopg.conninfo.make_conninfo(database.dsn(), dbname=_NAME)


def command(database: cluster.Cluster, code: str, *words: str) -> list[str]:
    """What starts a process with hordak's models."""
    given = psycopg.conninfo.conninfo_to_dict(dsn(database))
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    table = {"ENGINE": "django.db.backends.postgresql", "NAME": _NAME}
    table |= {ours: str(given[theirs]) for ours, theirs in names.items() if given.get(theirs)}
    return [sys.executable, "-c", _SETTINGS.replace("TABLE", repr(table)) + code, *words]


def call(database: cluster.Cluster, code: str, *words: str) -> str:
    """What such a process prints."""
    done = subprocess.run(command(database, code, *words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def ready(database: cluster.Cluster) -> None:
    """An empty book of theirs, with two accounts: 1 (asset) and 2 (income)."""
    with psycopg.connect(database.dsn(), autocommit=True) as sql:
        sql.execute(f"DROP DATABASE IF EXISTS {_NAME} WITH (FORCE)")
        sql.execute(f"CREATE DATABASE {_NAME} TEMPLATE template0")
    call(
        database,
        """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from hordak.models import Account, AccountType
for code, kind in (("1", AccountType.asset), ("2", AccountType.income)):
    Account.objects.create(name=f"Account {code}", code=code, type=kind, currencies=["XOF"])
""",
    )
