"""From the town's streets to a network that routes are computed on: made beside the one in use, then put in its place at once.

What was cut by a power failure is taken up at the step it had reached; the one in use answers all the while.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory.models import LiveSpeed, RoadEdge, RoadSpeed
from toguna.engines.territory.routing import graph, learning, network, programs, traffic
from toguna.engines.territory.routing.client import RoutingUnavailable
from toguna.kernel import tasks

Progress = Callable[[str, float], None]

RELEARN = timedelta(days=7)  # how old what was learned of speeds may be in the network
MOST_PAIRS = 1_000_000


class BuildFailed(Exception):
    """Valhalla could not make a network of these streets; the one in use stays."""


def build(progress: Progress | None = None, *, again: bool = False) -> bool:
    """Makes the network of the present streets and puts it in use; False when that one is in use already (unless `again`) or
    there is no street. Raises RoutingUnavailable (Valhalla is not installed) or BuildFailed."""
    tell = progress or (lambda step, share: None)
    if programs.program("valhalla_build_tiles") is None:
        raise RoutingUnavailable(_("Routing is not installed on this machine (./toguna doctor says more)."))
    with _alone():
        streets = network.version()
        if not streets or not (again or stale(streets)):
            return False
        making = programs.home() / f"making-{streets}"
        for other in programs.home().glob("making-*"):
            if other != making:
                shutil.rmtree(other)
        making.mkdir(parents=True, exist_ok=True)
        if not (making / "roads.done").exists():
            tell(_("The streets"), 0.02)
            network.write(making / "roads.osm.pbf")
            (making / "roads.done").touch()
        if not (making / "tiles.done").exists():
            _tiles(making, tell)
            (making / "tiles.done").touch()
        tell(_("Speeds by hour"), 0.8)
        name = f"{streets}-{int(time.time()):x}"
        ready = programs.home() / name
        (making / "tiles.done").unlink()  # from here on the tiles are changed: what is cut now begins again with them
        learned = learning.write_profiles(making / "tiles", making)
        tell(_("Putting it in place"), 0.9)
        graph.archive(making / "tiles", making / "tiles.tar", making / "traffic.tar")
        about = {"streets": streets, "built": timezone.now().isoformat(), "learned": learned}
        (making / "about.json").write_text(json.dumps(about))
        _keep_edges(name, making / "tiles")
        for leftover in ("roads.osm.pbf", "roads.done", "build.json", "tiles", "speeds"):
            path = making / leftover
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        (making / "valhalla.json").write_text(json.dumps(config(ready)))
        making.rename(ready)
        traffic.refresh(ready)
        _put_in_use(ready)
        tell(_("Done"), 1.0)
    return True


def stale(streets: str) -> bool:
    """Whether the network in use is of other streets, or is older than what was learned of speeds since."""
    used = programs.current()
    if used is None:
        return True
    try:
        about = json.loads((used / "about.json").read_text())
    except (OSError, ValueError):
        return True
    if about["streets"] != streets or not RoadEdge.objects.filter(network=used.name).exists():
        return True
    old = datetime.fromisoformat(about["built"]) < timezone.now() - RELEARN
    return bool(old and RoadSpeed.objects.exists())


def check() -> None:
    """Periodic: the network in use is of the present streets."""
    if programs.program("valhalla_build_tiles") is not None:
        build()


@tasks.task
def build_soon() -> None:
    check()


@contextmanager
def _alone() -> Iterator[None]:
    """One builds at a time on this machine; another waits, then finds it done."""
    programs.home().mkdir(parents=True, exist_ok=True)
    with (programs.home() / "building.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_STAGES = (
    (re.compile(r"Parsing files"), 0.05),
    (re.compile(r"GraphBuilder|Building .* tiles"), 0.25),
    (re.compile(r"GraphEnhancer|Enhancing"), 0.45),
    (re.compile(r"HierarchyBuilder"), 0.6),
    (re.compile(r"Validating"), 0.7),
)


def _tiles(making: Path, tell: Progress) -> None:
    tiles = making / "tiles"
    shutil.rmtree(tiles, ignore_errors=True)
    tiles.mkdir()
    (making / "build.json").write_text(json.dumps(config(making)))
    program = programs.program("valhalla_build_tiles")
    command = [str(program), "-c", str(making / "build.json"), str(making / "roads.osm.pbf")]
    said: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            said = [*said[-20:], line.rstrip()]
            for pattern, share in _STAGES:
                if pattern.search(line):
                    tell(_("Junctions and roads"), share)
    if run.returncode or not any(tiles.rglob("*.gph")):
        raise BuildFailed(_("The road network could not be made: %(error)s") % {"error": said[-1] if said else ""})


def _keep_edges(name: str, tiles: Path) -> None:
    """The pieces of road as rows, so that what happens on the ground is known by which of them it touches."""
    with transaction.atomic(), connection.cursor() as cursor:
        used = programs.current()
        cursor.execute("DELETE FROM territory_road_edge WHERE network <> %s", [used.name if used else ""])
        with cursor.copy(
            "COPY territory_road_edge (network, edge, feature, forward, metres, kmh, geom) FROM STDIN"
        ) as copy:
            for e in graph.edges(tiles):
                line = ",".join(f"{lon:.6f} {lat:.6f}" for lon, lat in e.line)
                copy.write_row((name, e.edge, e.way, e.forward, e.metres, e.kmh, f"SRID=4326;LINESTRING({line})"))
        cursor.execute("ANALYZE territory_road_edge")


def _put_in_use(ready: Path) -> None:
    """One rename changes the network for everybody; what is no longer used goes."""
    link = programs.home() / "current"
    fresh = link.with_name("current.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(ready.name)
    fresh.replace(link)
    folder = os.open(link.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    for other in programs.home().iterdir():
        if other.is_dir() and not other.is_symlink() and other != ready:
            shutil.rmtree(other, ignore_errors=True)
    RoadEdge.objects.exclude(network=ready.name).delete()
    LiveSpeed.objects.exclude(network=ready.name).delete()


def config(folder: Path) -> dict[str, Any]:
    """Valhalla's own defaults with ours: limits as wide as a town's work needs, no outside call, no long log."""
    made = _defaults()
    made["mjolnir"] |= {
        "tile_dir": str(folder / "tiles"),
        "tile_extract": str(folder / "tiles.tar"),
        "traffic_extract": str(folder / "traffic.tar"),
        # A shortcut over several pieces of road would not know that one of them is closed.
        "shortcuts": False,
        "concurrency": max(1, os.cpu_count() or 1),
        "admin": "",
        "timezone": "",
        "landmarks": "",
        "transit_dir": "",
        "transit_feeds_dir": "",
    }
    made["mjolnir"]["data_processing"] |= {"use_admin_db": False}
    made["additional_data"] = {"elevation": ""}
    made["logging"] = {"type": ""}
    made["thor"]["source_to_target_algorithm"] = "timedistancematrix"
    made["loki"]["service_defaults"]["minimum_reachability"] = 20
    limits = made["service_limits"]
    for value in limits.values():
        if isinstance(value, dict) and "max_matrix_location_pairs" in value:
            value["max_matrix_location_pairs"] = MOST_PAIRS
            value["max_locations"] = 1000
    limits |= {
        "max_timedep_distance_matrix": 500_000,
        "max_exclude_polygons_length": 1_000_000,
        "max_exclude_polygons_vertices": 20_000,
    }
    return made


def _defaults() -> dict[str, Any]:
    """Those of the wheel that is installed; what it marks as optional is left out."""
    path = programs.folder() / "valhalla" / "valhalla_build_config.py"
    spec = importlib.util.spec_from_file_location("valhalla_build_config", path)
    if spec is None or spec.loader is None:
        raise RoutingUnavailable(_("Routing is not installed on this machine (./toguna doctor says more)."))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def kept(value: dict[str, Any]) -> dict[str, Any]:
        return {
            key: kept(inner) if isinstance(inner, dict) else inner
            for key, inner in value.items()
            if not isinstance(inner, module.Optional)
        }

    return kept(module.config)
