"""Who does the same thing takes turns, in whatever process: locks of the database that belong to no row."""

from __future__ import annotations

from django.db import connection


def one_at_a_time(what: str) -> None:
    """Whoever says the same waits here until the transaction ends, and then finds what was done. what: begins with the room's name."""
    _call("pg_advisory_xact_lock", what)


def take(what: str) -> None:
    """As `one_at_a_time`, where there is no transaction: until `give`, or until the connection ends."""
    _call("pg_advisory_lock", what)


def give(what: str) -> None:
    _call("pg_advisory_unlock", what)


def _call(function: str, what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [what])
