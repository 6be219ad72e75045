"""The solver's clock in tests: it counts how often the solver looks at it, so that a busy machine plans as an idle one does."""

from __future__ import annotations

TURNS = 2000  # of the search, for a second


class Turns:
    def __init__(self) -> None:
        self._looked = 0

    def __call__(self) -> float:
        self._looked += 1
        return self._looked / TURNS
