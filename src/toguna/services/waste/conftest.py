"""For all tests of waste."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from toguna.engines.telemetry.testing import own_spool


@pytest.fixture(autouse=True)
def no_spool_of_the_town(tmp_path: Path) -> Iterator[None]:
    """Scales, bins and trucks speak into a spool of the test's own."""
    with own_spool(tmp_path / "spool"):
        yield
