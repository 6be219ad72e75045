"""The town's own streets as a file that Valhalla builds from: the layer of streets with what the town changed in it.

Lines that pass by the same point meet there, as they did in the file they came from. The number of a way is that of its feature.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from django.db import connection

from toguna.engines.territory.routing import programs
from toguna.kernel.heavy import Heavy

np, osmium, shapely = Heavy("numpy"), Heavy("osmium"), Heavy("shapely")

LAYER = "streets"
FORMAT = 1  # goes up when the same streets would be built otherwise
_LONGEST = 1900  # nodes in a way; OpenStreetMap allows 2000


def version() -> str:
    """What changes when the streets do: the name of the network that they make. "" when there is no street."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.id, l.version FROM territory_layer l WHERE l.slug = %s AND EXISTS "
            "(SELECT FROM territory_feature f WHERE f.layer_id = l.id AND f.valid_to IS NULL)",
            [LAYER],
        )
        row = cursor.fetchone()
        if row is None:
            return ""
        # A layer that was emptied and filled again begins at the same version.
        cursor.execute(
            "SELECT count(*), max(id), max(updated) FROM territory_feature WHERE layer_id = %s AND valid_to IS NULL",
            [row[0]],
        )
        seen = (FORMAT, programs.VERSION, *row, *cursor.fetchone())
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:12]


def write(path: Path) -> int:
    """Writes the streets as an OSM PBF. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT f.id, f.name, f.kind, f.attrs, ST_AsBinary(d.geom)
            FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id, LATERAL ST_Dump(f.geom) d
            WHERE l.slug = %s AND f.valid_to IS NULL AND ST_Dimension(d.geom) = 1
            ORDER BY f.id
            """,
            [LAYER],
        )
        rows = cursor.fetchall()
    if not rows:
        return 0
    lines = shapely.from_wkb([bytes(row[4]) for row in rows])
    points, of = shapely.get_coordinates(lines, return_index=True)
    keys = np.round(points * 1e7).astype(np.int64)
    _places, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    number = number.reshape(-1) + 1
    mutable = osmium.osm.mutable
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path)) as writer:
        for n, (lon, lat) in enumerate(points[first].tolist(), start=1):
            writer.add_node(mutable.Node(id=n, location=(lon, lat), version=1))
        starts = np.searchsorted(of, np.arange(len(rows) + 1))
        for i, (pk, name, kind, attrs, _wkb) in enumerate(rows):
            nodes = number[starts[i] : starts[i + 1]].tolist()
            tags = _tags(name, kind, json.loads(attrs))
            # What is longer than a way may be goes on in another of the same number of the feature.
            for begin in range(0, max(1, len(nodes) - 1), _LONGEST - 1):
                writer.add_way(mutable.Way(id=pk, nodes=nodes[begin : begin + _LONGEST], tags=tags, version=1))
    return len(rows)


def _tags(name: str, kind: str, attrs: dict[str, Any]) -> dict[str, str]:
    """What the town says of a street; a street whose kind is not one of OpenStreetMap's is an ordinary one."""
    tags = {key: str(value)[:255] for key, value in attrs.items() if isinstance(value, str | int | float)}
    tags["highway"] = kind if kind in _KINDS else tags.get("highway", "residential")
    if name:
        tags["name"] = name[:255]
    return tags


_KINDS = {
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary",
    "tertiary_link", "unclassified", "residential", "living_street", "service", "pedestrian", "footway", "path", "track",
    "steps", "cycleway", "road", "bridleway", "corridor", "construction",
}  # fmt: skip
