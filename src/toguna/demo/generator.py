"""Makes a fictional town as ordinary files: OpenStreetMap, relief, and CSV of its people's work.

The same input gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from toguna.demo import fabric, life, osmfile, places, plan, terrain, words

VERSION = 1
SEED = 7
LEAST, MOST = 1_000, 2_000_000
FILES = (
    "town.osm.pbf",
    "relief.tif",
    "districts.csv",
    "teams.csv",
    "staff.csv",
    "residents.csv",
    "reports.csv",
    "README.txt",
)
_README = """{name} : {fiction}

This town does not exist. Its places, people, telephone numbers and reports are invented by a program;
the telephone numbers belong to no network. Cette ville n'existe pas. Esta cidade não existe.

people {people}, seed {seed}, until {until}, version {version}: the same four make the same files.
{counts}
"""


@dataclass(frozen=True)
class Manifest:
    """What a folder holds. until: the day before which all happens; counts: how many of each thing."""

    name: str
    people: int
    seed: int
    until: str
    version: int
    counts: dict[str, int]


def _written(folder: Path) -> Manifest | None:
    try:
        found = Manifest(**json.loads((folder / "manifest.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if all((folder / name).is_file() for name in FILES) else None


def _relief(path: Path, ground: terrain.Terrain) -> int:
    """A 1 arc-second digital elevation model, float32 metres to the decimetre."""
    half = ground.size.half_side
    corners = terrain.to_degrees(np.array([[-half, half], [half, -half]]))
    cell = 1 / 3600
    columns, rows = (int(n) for n in np.abs(np.ceil((corners[1] - corners[0]) / cell)))
    middles = np.arange(max(columns, rows)) + 0.5
    x = terrain.to_metres(np.column_stack([corners[0, 0] + middles * cell, middles]))[:columns, 0]
    y = terrain.to_metres(np.column_stack([middles, corners[0, 1] - middles * cell]))[:rows, 1]
    out = np.empty((rows, columns), dtype=np.float32)
    for start in range(0, rows, 256):
        px, py = np.meshgrid(x, y[start : start + 256])
        out[start : start + 256] = np.round(ground.height(px, py), 1)
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs="EPSG:4326",
        transform=from_origin(corners[0, 0], corners[0, 1], cell, cell), tiled=True, blockxsize=256, blockysize=256,
        compress="deflate", predictor=3,
    ) as file:  # fmt: skip
        file.write(out, 1)
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION=f"{words.TOWN}: fictional demo town, metres above sea level")
    return rows * columns


def make(folder: Path, people: int, until: date, progress: Callable[[str, float], None], seed: int = SEED) -> Manifest:
    """Writes the town into `folder`, or does nothing when it is already there.

    people: LEAST to MOST inhabitants; until: the reports end at that day's midnight, UTC; progress(step, 0..1).
    Files are made beside the folder and moved in whole, so that an interruption leaves nothing half done.
    """
    if not LEAST <= people <= MOST:
        raise ValueError(f"people must be between {LEAST} and {MOST}, not {people}")
    found = _written(folder)
    if found and (found.people, found.seed, found.until, found.version) == (people, seed, until.isoformat(), VERSION):
        progress("town", 1.0)
        return found
    work = folder.with_name(folder.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    # One stream of chance for each part: a change in one does not move the others.
    ground_rng, plan_rng, fabric_rng, places_rng, life_rng = (
        np.random.default_rng([seed, people, n]) for n in range(5)
    )
    progress("relief", 0.0)
    ground = terrain.make(ground_rng, terrain.Size(people))
    counts = {"relief cells": _relief(work / "relief.tif", ground)}
    progress("roads", 0.15)
    layout = plan.make(plan_rng, ground)
    progress("buildings", 0.2)
    built = fabric.make(fabric_rng, ground, layout)
    progress("places", 0.5)
    known = places.make(places_rng, ground, layout, built)
    inhabitants = life.population(layout, built, known, people)
    progress("map", 0.6)
    counts |= osmfile.write(work / "town.osm.pbf", ground, layout, built, known, inhabitants, until)
    progress("reports", 0.8)
    life.write_quarters(work, layout, built, known, inhabitants)
    answers = life.write_staff(life_rng, work, layout, known, people)
    residents = life.write_residents(life_rng, work, people)
    counts |= {
        "buildings": len(built.buildings),
        "districts": len(layout.districts),
        "residents": len(residents),
        "reports": life.write_reports(life_rng, work, ground, layout, built, known, residents, answers, until),
    }
    manifest = Manifest(words.TOWN, people, seed, until.isoformat(), VERSION, counts)
    listing = "\n".join(f"{key}: {value}" for key, value in counts.items())
    (work / "README.txt").write_text(
        _README.format(**{**asdict(manifest), "counts": listing, "fiction": osmfile.FICTION}), "utf-8"
    )
    (work / "manifest.json").write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    progress("town", 1.0)
    return manifest
