"""Grids over the ground: kept as tiled, compressed GeoTIFF with overviews, and asked point by point."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.gis.geos import Point, Polygon
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.territory.models import Raster
from toguna.engines.territory.refusal import ImportRefused
from toguna.kernel import places
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")
rasterio = Heavy("rasterio")
warp = Heavy("rasterio.warp")

MOST_BYTES = 20 * 2**30


def folder() -> Path:
    return places.home() / "rasters"


def bring_in(path: Path, name: str, progress: Callable[[str, float], None]) -> dict[str, int]:
    """Rewrites a raster as a Cloud Optimized GeoTIFF in the home folder and registers it. Raises ImportRefused."""
    slug = slugify(name)[:60] or "raster"
    folder().mkdir(parents=True, exist_ok=True)
    progress(_("Reading the grid"), 0.1)
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".import-") as made:
        source = path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                inside = [
                    m for m in archive.infolist() if m.filename.lower().endswith((".hgt", ".tif", ".tiff", ".asc"))
                ]
                if len(inside) != 1 or inside[0].file_size > MOST_BYTES:
                    raise ImportRefused(_("There is not exactly one grid in this archive."))
                source = Path(made) / Path(inside[0].filename).name
                with archive.open(inside[0]) as packed, source.open("wb") as file:
                    while block := packed.read(1 << 20):
                        file.write(block)
        target = Path(made) / "made.tif"
        try:
            with rasterio.open(source) as grid:
                if grid.crs is None:
                    raise ImportRefused(_("This grid does not say where it is: it has no coordinate system."))
                bounds = warp.transform_bounds(grid.crs, "EPSG:4326", *grid.bounds)
                stats = _stats(grid)
                Heavy("rasterio.shutil").copy(
                    grid, target, driver="COG", compress="DEFLATE", predictor="YES", blocksize=256
                )
        except rasterio.errors.RasterioError as error:
            raise ImportRefused(
                _("This grid cannot be read: it is damaged or cut short. (%(error)s)") % {"error": error}
            ) from error
        progress(_("Putting it in place"), 0.9)
        final = folder() / f"{slug}.tif"
        with target.open("rb") as file:
            os.fsync(file.fileno())
        target.replace(final)
    Raster.objects.update_or_create(
        slug=slug,
        defaults={
            "names": {"fr": name, "en": name, "pt": name},
            "file": final.name,
            "bounds": Polygon.from_bbox(bounds),
            "stats": stats,
            "imported": timezone.now(),
        },
    )
    _open.cache_clear()
    return {"cells": stats["width"] * stats["height"]}


def _stats(grid: Any) -> dict[str, Any]:
    """Least, greatest and mean of a reduced reading: enough to draw a legend, whatever the size."""
    scale = max(1, int(max(grid.width, grid.height) / 2048))
    values = grid.read(1, out_shape=(max(1, grid.height // scale), max(1, grid.width // scale)), masked=True)
    if values.count() == 0:
        raise ImportRefused(_("There is no value in this grid."))
    return {
        "min": float(np.ma.min(values)),
        "max": float(np.ma.max(values)),
        "mean": float(np.ma.mean(values)),
        "width": grid.width,
        "height": grid.height,
        "crs": grid.crs.to_string(),
    }


@lru_cache(maxsize=8)
def _open(path: str, changed: float) -> Any:
    return rasterio.open(path)


def elevation(lon: float, lat: float) -> float | None:
    """Metres above the sea at a point (degrees), by the raster of kind "elevation" that holds it; None where none does."""
    row = (
        Raster.objects.filter(kind="elevation", bounds__covers=Point(lon, lat, srid=4326)).order_by("-imported").first()
    )
    if row is None:
        return None
    path = folder() / row.file
    grid = _open(str(path), path.stat().st_mtime)
    (x,), (y,) = warp.transform("EPSG:4326", grid.crs, [lon], [lat])
    value = next(grid.sample([(x, y)], masked=True))[0]
    return None if np.ma.is_masked(value) else float(value)
