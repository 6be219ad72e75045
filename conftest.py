"""Shared by all tests."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.backends.postgresql.operations import DatabaseOperations

from toguna.engines.territory import zones
from toguna.kernel import migrating
from toguna.kernel.testing import forget_jobs
from toguna.services.reports import topics

SHARED_DATA = Path(__file__).parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data (../shared/data) is not beside this checkout")
    return SHARED_DATA


MODEL = "test_toguna_model"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A live server answers each line of a browser in a thread of its own: a connection kept in each of them uses up those
    of the server, and the database cannot be removed at the end.

    Of processes that test side by side one makes the tables, and each has a copy."""
    settings = connections.settings["default"]
    settings["CONN_MAX_AGE"] = 0
    if not hasattr(request.config, "workerinput"):
        return
    run = tmp_path_factory.getbasetemp().parent  # of all the processes
    with (run / "model.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "model.made").exists():
            _make_model()
            (run / "model.made").touch()
    settings["TEST"]["TEMPLATE"] = MODEL
    connections["default"].settings_dict["TEST"]["TEMPLATE"] = MODEL


def _make_model() -> None:
    made = connections["default"]
    name, own = made.settings_dict["NAME"], made.settings_dict["TEST"]["NAME"]
    made.settings_dict["TEST"]["NAME"] = MODEL
    try:
        made.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        made.close()
        made.settings_dict["NAME"] = connections.settings["default"]["NAME"] = name
        made.settings_dict["TEST"]["NAME"] = own


_create = BaseDatabaseCreation.create_test_db


def _create_quickly(self, *args, **options):
    with migrating.quickly():
        return _create(self, *args, **options)


BaseDatabaseCreation.create_test_db = _create_quickly  # type: ignore[method-assign]


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
