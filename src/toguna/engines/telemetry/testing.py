"""For the tests of all rooms where devices speak."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from toguna.engines.telemetry.intake import loading, spool, taking
from toguna.engines.telemetry.rules import watching


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
