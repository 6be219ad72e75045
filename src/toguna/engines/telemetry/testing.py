"""For the tests of all rooms where devices speak."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from toguna.engines.telemetry.doors import broker
from toguna.engines.telemetry.intake import loading, spool, taking
from toguna.engines.telemetry.models import SpoolMark
from toguna.engines.telemetry.rules import watching


def mosquitto() -> None:
    """Skips the test, and says why, where Mosquitto is not installed (`./toguna test` installs it). One that is there and does not
    start fails the test."""
    try:
        broker.program()
    except broker.Missing as error:
        pytest.skip(f"needs Mosquitto: {error}")


def loaded(path: Path, offset: int) -> None:
    """As if a file of the spool were in the database so far."""
    SpoolMark.objects.update_or_create(file=path.name, defaults={"offset": offset})


@contextlib.contextmanager
def own_spool(where: Path) -> Iterator[None]:
    """What is said meanwhile is not for the next test, nor what is remembered of devices and rules."""
    writer = spool.Writer()
    loading.forget()
    watching.forget()
    with patch.object(spool, "folder", lambda: where), patch.object(taking, "WRITER", writer):
        yield
    writer.close()
    loading.forget()
    watching.forget()
