"""Tables made quickly are the tables that Django makes."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import nullcontext

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from toguna.kernel import migrating

PG_DUMP = shutil.which("pg_dump")


def tables(how) -> list[str]:
    """The lines of the whole schema of a new database, made with what cases need."""
    own, name = connection.settings_dict["NAME"], "test_toguna_migrating"
    connection.close()
    try:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        connection.settings_dict["NAME"] = name
        with how:
            executor = MigrationExecutor(connection)
            leaves = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "cases"]
            executor.migrate(leaves)
        connection.close()
        where = ["-h", connection.settings_dict["HOST"], "-U", connection.settings_dict["USER"]]
        dump = subprocess.run([PG_DUMP, "-s", *where, name], check=True, capture_output=True, text=True).stdout
        return [line for line in dump.splitlines() if not line.startswith("\\")]  # a new word at each dump
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(PG_DUMP is None, reason="needs pg_dump")
def test_the_same_tables():
    quick = tables(migrating.quickly())
    assert sum(line.startswith("CREATE TABLE") for line in quick) > 30
    assert quick == tables(nullcontext())
