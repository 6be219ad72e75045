"""The door of `indicators`: what a service declares to count."""

from __future__ import annotations

from toguna.engines.indicators import charts
from toguna.engines.indicators.counting import refresh, refresh_all
from toguna.engines.indicators.measures import Measure

__all__ = ["Measure", "charts", "refresh", "refresh_all"]
