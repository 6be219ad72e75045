"""A layer out again: GeoJSON, GeoPackage, Shapefile (zipped), KML, KMZ, CSV, in any coordinate system."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from toguna.engines.territory.formats import to_crs
from toguna.engines.territory.models import Layer
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")
pyogrio = Heavy("pyogrio")
shapely = Heavy("shapely")
coordinates = Heavy("rasterio.crs")
errors = Heavy("rasterio.errors")

BATCH = 20_000


@dataclass(frozen=True)
class Format:
    """driver: GDAL's name; content: media type; fixed: the format has its own coordinate system (degrees)."""

    driver: str
    content: str
    fixed: bool = False


FORMATS = {
    "geojson": Format("GeoJSON", "application/geo+json", fixed=True),  # RFC 7946
    "gpkg": Format("GPKG", "application/geopackage+sqlite3"),
    "zip": Format("ESRI Shapefile", "application/zip"),
    "kml": Format("KML", "application/vnd.google-earth.kml+xml", fixed=True),
    "kmz": Format("KML", "application/vnd.google-earth.kmz", fixed=True),
    "csv": Format("CSV", "text/csv; charset=utf-8"),
}


class ExportRefused(Exception):
    """Not a format or a coordinate system that exists; str() is a sentence."""


@contextmanager
def export(layer: Layer, extension: str, crs: str = "EPSG:4326") -> Iterator[Path]:
    """A temporary file with every feature in force, removed at the end. Raises ExportRefused.

    A Shapefile holds one kind of geometry and names of ten characters: each kind goes to a file of its own in the zip.
    """
    kind = FORMATS.get(extension)
    if kind is None:
        raise ExportRefused(_("Choose one of these formats: %(all)s.") % {"all": ", ".join(FORMATS)})
    try:
        target_crs = coordinates.CRS.from_user_input("EPSG:4326" if kind.fixed else crs)
    except (errors.CRSError, ValueError):
        raise ExportRefused(_("“%(crs)s” is not a coordinate system. Write it as EPSG:32629.") % {"crs": crs}) from None
    with tempfile.TemporaryDirectory(prefix="toguna-export-") as made:
        folder = Path(made)
        inner = folder / f"{layer.slug}.{'kml' if extension == 'kmz' else extension}"
        columns = _columns(layer)
        written: set[Path] = set()
        for batch in _batches(layer):
            shapes = to_crs(shapely.from_wkb([row[4] for row in batch]), None, target_crs)
            attrs = [row[3] if isinstance(row[3], dict) else json.loads(row[3]) for row in batch]
            fields = {
                "source": [row[0] for row in batch],
                "name": [row[1] for row in batch],
                "kind": [row[2] for row in batch],
                **{c: [_text(a.get(c)) for a in attrs] for c in columns},
            }
            if extension == "zip":
                for dimension, suffix in enumerate(("points", "lines", "polygons")):
                    picked = np.flatnonzero(shapely.get_dimensions(shapes) == dimension)
                    if len(picked):
                        path = folder / f"{layer.slug}-{suffix}.shp"
                        _write(
                            path,
                            kind.driver,
                            layer.slug,
                            shapes[picked],
                            {k: [v[i] for i in picked] for k, v in fields.items()},
                            target_crs,
                            append=path in written,
                        )
                        written.add(path)
            else:
                if extension == "csv":
                    fields = {**fields, "wkt": list(shapely.to_wkt(shapes, rounding_precision=7))}
                    points = shapely.get_coordinates(shapely.point_on_surface(shapes))
                    fields = {
                        **fields,
                        "x": [f"{x:.7f}" for x in points[:, 0]],
                        "y": [f"{y:.7f}" for y in points[:, 1]],
                    }
                _write(
                    inner,
                    kind.driver,
                    layer.slug,
                    None if extension == "csv" else shapes,
                    fields,
                    target_crs,
                    append=inner in written,
                )
                written.add(inner)
        if not written:
            if extension == "zip":
                raise ExportRefused(_("This layer is empty."))
            _write(
                inner,
                kind.driver,
                layer.slug,
                None if extension == "csv" else np.array([], dtype=object),
                {"source": [], "name": [], "kind": []},
                target_crs,
                append=False,
            )
        if extension in ("zip", "kmz"):
            packed = folder / f"packed.{extension}"
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.iterdir()):
                    if path != packed:
                        archive.write(path, "doc.kml" if extension == "kmz" else path.name)
            yield packed
        else:
            yield inner


def _columns(layer: Layer) -> list[str]:
    """The attributes that the layer declares; else those most of its features have (a layer of OSM has hundreds of tags)."""
    if layer.attributes:
        return [a["name"] for a in layer.attributes]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT key FROM (SELECT attrs FROM territory_feature WHERE layer_id = %s AND valid_to IS NULL LIMIT 20000) f,
                jsonb_object_keys(f.attrs) AS key
            WHERE key NOT IN ('name', 'kind', 'source', 'geom', 'wkt', 'x', 'y', 'fid', 'id') GROUP BY key ORDER BY count(*) DESC, key LIMIT 40
            """,
            [layer.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def _batches(layer: Layer) -> Iterator[list[Any]]:
    with transaction.atomic():
        connection.ensure_connection()
        with connection.connection.cursor(name="export") as cursor:
            cursor.execute(
                "SELECT source, name, kind, attrs, ST_AsBinary(geom) FROM territory_feature WHERE layer_id = %s AND valid_to IS NULL ORDER BY id",
                [layer.pk],
            )
            while rows := cursor.fetchmany(BATCH):
                yield rows


def _text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write(
    path: Path, driver: str, layer: str, shapes: Any, fields: dict[str, list[Any]], crs: Any, *, append: bool
) -> None:
    try:
        pyogrio.raw.write(
            path,
            None if shapes is None else np.array([shapely.to_wkb(s) for s in shapes], dtype=object),
            [np.array(values, dtype=object) for values in fields.values()],
            np.array(list(fields), dtype=object),
            layer=layer,
            driver=driver,
            geometry_type=None if shapes is None else _geometry_type(driver, shapes),
            crs=crs.to_wkt(),
            append=append,
            encoding="UTF-8",
        )
    except pyogrio.errors.DataSourceError as error:
        raise ExportRefused(str(error)) from error


def _geometry_type(driver: str, shapes: Any) -> str:
    if driver != "ESRI Shapefile" or len(shapes) == 0:
        return "Unknown"
    return (
        ("MultiPoint", "MultiLineString", "MultiPolygon")[int(shapely.get_dimensions(shapes[0]))]
        if any(s.geom_type.startswith("Multi") for s in shapes)
        else ("Point", "LineString", "Polygon")[int(shapely.get_dimensions(shapes[0]))]
    )
