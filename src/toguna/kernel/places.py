"""Where things are: the checkout, and the home folder that holds all that the town must not lose."""

from __future__ import annotations

import os
from pathlib import Path


def checkout() -> Path:
    """The root of the source tree (absolute)."""
    return Path(__file__).resolve().parents[3]


def home() -> Path:
    """TOGUNA_HOME, else `var/` in the checkout (absolute; it may not exist yet)."""
    return Path(os.environ.get("TOGUNA_HOME") or checkout() / "var").absolute()
