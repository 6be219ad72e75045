"""What is loaded into the demo, in order: what every town starts with, the map, then what each service brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from toguna.engines.territory import api as territory
from toguna.kernel import registry
from toguna.kernel.demo import Demo, DemoFiles, Starter


@dataclass(frozen=True)
class Step:
    """One thing to load; loading it twice changes nothing. name: never changes, it is kept in demo.json."""

    name: str
    title: str
    load: Callable[[], None]


def town_is_there() -> bool:
    """Whether the database holds the town's quarters: not when somebody gave it a new, empty database."""
    return bool(territory.zones())


def steps(files: DemoFiles) -> list[Step]:
    """All steps, in the order in which they must be loaded."""

    def bring(name: str) -> None:
        territory.import_file(files.folder / name, layer=None, progress=files.progress)

    def count() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    starters = sorted(registry.declared(Starter), key=lambda s: (s.order, s.name))
    demos = sorted(registry.declared(Demo), key=lambda d: (d.order, d.name))
    return [
        *(Step(f"start {s.name}", f"Starting data: {s.name}", s.load) for s in starters),
        Step("map", "Importing the map", lambda: bring("town.osm.pbf")),
        Step("relief", "Importing the relief", lambda: bring("relief.tif")),
        *(Step(f"demo {d.name}", f"Loading {d.name}", lambda d=d: d.load(files)) for d in demos),  # type: ignore[misc]
        Step("statistics", "Telling the database what it holds", count),
    ]
