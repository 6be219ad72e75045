"""What a service needs to know to load its share of the demo town, and its starting data in a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class DemoFiles:
    """The generated town: `folder` holds town.osm.pbf, relief.tif and the CSV files; progress takes (step, 0..1).

    password: of every staff account of the demo, new for each demo, printed when it is loaded.
    """

    folder: Path
    people: int
    until: date
    progress: Callable[[str, float], None]
    password: str = ""


@dataclass(frozen=True)
class Demo(Declaration):
    """`load(files)` loads one service's part of the demo. Idempotent: loading twice changes nothing. Lower order first."""

    name: str
    load: Callable[[DemoFiles], None]
    order: int = 100


@dataclass(frozen=True)
class Starter(Declaration):
    """`load()` puts in what a new real town starts with (categories, teams...). Idempotent, never overwrites an edit."""

    name: str
    load: Callable[[], None]
    order: int = 100
