"""For tests of any room that needs routes: a Valhalla of its own, on the town's streets as the test has put them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from toguna.engines.territory.routing import build, client, programs
from toguna.engines.territory.routing.process import Valhalla


@contextmanager
def routing() -> Iterator[Path]:
    """Builds the network of the streets that are in the database now and answers from it, in a folder of its own. Skips the test
    where Valhalla is not installed. The streets must be there before: `api.import_file(...)`.
    Gives the home folder (TOGUNA_HOME for a process of the test)."""
    if programs.program("valhalla_service") is None:
        pytest.skip("Valhalla is not installed on this machine")
    with tempfile.TemporaryDirectory(prefix="toguna-routes-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "home", lambda: Path(folder) / "routing")
        assert build.build(), "there is no street to build a network of"
        used = programs.current()
        assert used is not None
        running = Valhalla(used)
        client.forget()
        try:
            yield Path(folder)
        finally:
            client.forget()
            running.end()
