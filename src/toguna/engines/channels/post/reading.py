"""Looking something up from a thread that hands messages over: such threads are many and keep no connection to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def reading() -> Iterator[None]:
    """The connection is given back at the end, unless a transaction holds it."""
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()
