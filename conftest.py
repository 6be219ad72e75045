"""Shared by all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.postgresql.operations import DatabaseOperations

from toguna.engines.territory import zones
from toguna.kernel.testing import forget_jobs
from toguna.services.reports import topics

SHARED_DATA = Path(__file__).parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data (../shared/data) is not beside this checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """A live server answers each line of a browser in a thread of its own: a connection kept in each of them uses up those
    of the server, and the database cannot be removed at the end."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0


_flush = DatabaseOperations.sql_flush
KEPT = ("ledger_entry", "ledger_line")


def _flush_the_book_too(self, style, tables, **options):
    """The book refuses to be emptied, also by its owner: between two tests its guards stand aside."""
    statements = _flush(self, style, tables, **options)
    kept = [table for table in KEPT if table in tables]
    aside = [f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep" for table in kept]
    back = [f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep" for table in kept]
    return [*aside, *statements, *back] if statements else statements


DatabaseOperations.sql_flush = _flush_the_book_too  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What processes keep in memory for a few seconds (zones, categories) is another test's."""
    zones.forget()
    topics.forget()


@pytest.fixture(autouse=True)
def no_job_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The queue is none of Django's tables: what a test with transactions of its own leaves there is not for the next to do."""
    marker = request.node.get_closest_marker("django_db")
    own = marker is not None and marker.kwargs.get("transaction")
    if own:
        request.getfixturevalue("transactional_db")
    yield
    if own:
        forget_jobs()
