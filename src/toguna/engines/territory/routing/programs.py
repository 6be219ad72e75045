"""Where Valhalla is on this machine, and where the road network built for it is kept. No Django here: the process that
watches over Valhalla is a small one.

Its wheel cannot be imported by Python 3.11, but the programs in it need no Python: set-up unpacks them beside the libraries.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from toguna.kernel import places

VERSION = "3.9.1"


def folder() -> Path:
    """Where set-up unpacks the wheel (TOGUNA_VALHALLA moves it)."""
    return Path(os.environ.get("TOGUNA_VALHALLA") or places.checkout() / ".venv" / "valhalla")


def program(name: str) -> Path | None:
    """A program of Valhalla's, or None where it is not installed."""
    found = folder() / "valhalla" / "bin" / name
    return found if os.access(found, os.X_OK) else None


def home() -> Path:
    """The folder of networks: one folder for each that was built, `current` (a link) the one in use."""
    return places.home() / "routing"


def current() -> Path | None:
    """The folder of the network in use, or None before the first was built."""
    link = home() / "current"
    try:
        return link.resolve(strict=True)
    except OSError:
        return None


@dataclass(frozen=True)
class Serving:
    """The Valhallas that answer on this machine, one for each processor. network: the folder's name of what they answer from."""

    pids: list[int]
    ports: list[int]
    network: str


def serving_file() -> Path:
    return home() / "serving.json"


def busy_file(number: int) -> Path:
    """What is locked by who asks that Valhalla: the next one asks another, when there is one."""
    return home() / f"busy-{number}.lock"


def serving() -> Serving | None:
    try:
        return Serving(**json.loads(serving_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None
