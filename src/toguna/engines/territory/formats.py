"""GeoJSON, GeoPackage, zipped Shapefile, KML/KMZ and CSV into a layer, in any CRS, read by GDAL.

A geometry that is wrong is mended, or listed with its line; it never stops the others. Archives are looked at before
anything is unpacked: a small file that unpacks to a huge one is refused.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from django.db import connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.territory.models import ImportRun, Layer
from toguna.engines.territory.refusal import ImportRefused
from toguna.kernel.heavy import Heavy

pyogrio = Heavy("pyogrio")
shapely = Heavy("shapely")
coordinates = Heavy("rasterio.crs")
warp = Heavy("rasterio.warp")

Progress = Callable[[str, float], None]
Kind = Literal["osm", "raster", "vector", "archive", "csv"]

MOST_UNPACKED = 4 * 2**30
MOST_RATIO = 200
BATCH = 20_000
LATITUDES = ("lat", "latitude", "y", "lat_wgs84", "latitud")
LONGITUDES = ("lon", "long", "lng", "longitude", "x", "lon_wgs84", "longitud")
NAMES = ("name", "nom", "nome", "libelle", "label", "title", "titre", "toponyme", "designation")
_WGS84 = "+proj=longlat +datum=WGS84 +no_defs"


def sniff(path: Path) -> Kind:
    """What a file is, by its content first and its name second. Raises ImportRefused for what nothing here reads."""
    with path.open("rb") as file:
        head = file.read(4096)
    name = path.name.lower()
    if b"OSMHeader" in head[:64] or name.endswith((".osm.pbf", ".pbf")):
        return "osm"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") or name.endswith(
        (".tif", ".tiff", ".hgt", ".hgt.zip", ".asc")
    ):
        return "raster"
    if head[:4] == b"PK\x03\x04" or name.endswith((".zip", ".kmz")):
        return "archive"
    if (
        head[:15] == b"SQLite format 3"
        or head.lstrip()[:1] in (b"{", b"[")
        or b"<kml" in head
        or name.endswith((".gpkg", ".geojson", ".json", ".kml"))
    ):
        return "vector"
    if name.endswith((".csv", ".tsv", ".txt")):
        return "csv"
    if name.endswith((".shp", ".dbf", ".shx")):
        raise ImportRefused(_("A Shapefile is several files: put .shp, .shx, .dbf and .prj together in one .zip."))
    raise ImportRefused(
        _(
            "Toguna does not read this kind of file. It reads OSM PBF, GeoJSON, GeoPackage, Shapefile (zip), KML, KMZ, CSV and GeoTIFF."
        )
    )


def run(path: Path, kind: Kind, layer: str, run: ImportRun, progress: Progress) -> dict[str, int]:
    """Imports into the layer of that name (made when it is not there), in one transaction. Returns counts."""
    slug = slugify(layer)[:60] or "layer"
    with transaction.atomic():
        target, _made = Layer.objects.get_or_create(
            slug=slug, defaults={"names": {"fr": layer, "en": layer, "pt": layer}}
        )
        taken = _Taken(target, run)
        if kind == "csv":
            _rows_of_csv(path, taken, progress)
        elif kind == "archive":
            with _unpacked(path) as folder:
                sources = [
                    *folder.rglob("*.shp"),
                    *folder.rglob("*.kml"),
                    *folder.rglob("*.geojson"),
                    *folder.rglob("*.gpkg"),
                ]
                if not sources:
                    raise ImportRefused(_("There is no Shapefile, KML, GeoJSON or GeoPackage in this archive."))
                for source in sources:
                    _features(source, taken, progress)
        else:
            _features(path, taken, progress)
        return taken.finish()


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The content of an archive in a temporary folder: sizes are checked before and while unpacking, paths stay inside."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="toguna-") as made:
            folder = Path(made)
            members = [m for m in archive.infolist() if not m.is_dir()]
            total = sum(m.file_size for m in members)
            if total > MOST_UNPACKED or total > MOST_RATIO * max(path.stat().st_size, 10_000) or len(members) > 10_000:
                raise ImportRefused(_("This archive unpacks to far more than its size: it is refused."))
            left = total
            for member in members:
                target = (folder / member.filename).resolve()
                if not target.is_relative_to(folder.resolve()):
                    raise ImportRefused(_("This archive has files that point outside of it: it is refused."))
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("wb") as file:
                    while block := source.read(1 << 20):
                        left -= len(block)  # what its header said may be a lie
                        if left < 0:
                            raise ImportRefused(_("This archive unpacks to far more than its size: it is refused."))
                        file.write(block)
            yield folder
    except zipfile.BadZipFile as error:
        raise ImportRefused(_("This archive is damaged or cut short: send it again.")) from error


class _Taken:
    """Features on their way into a layer: mended, counted, copied in batches into a staging table, then merged."""

    def __init__(self, layer: Layer, run: ImportRun) -> None:
        self.layer, self.run = layer, run
        self.counts = {"read": 0, "mended": 0, "refused": 0}
        self.problems: list[dict[str, Any]] = []
        self.rows: list[tuple[str, str, str, bytes]] = []
        self.seen: set[str] = set()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS staged")
            cursor.execute(
                "CREATE TEMP TABLE staged (source text, name text, attrs jsonb, geom geometry) ON COMMIT DROP"
            )

    def problem(self, line: object, reason: str) -> None:
        if len(self.problems) < 1000:
            self.problems.append({"line": line, "reason": reason})

    def take(self, line: int, attrs: dict[str, Any], geometry: Any) -> None:
        """One feature; geometry: a shapely geometry in WGS 84, or None."""
        self.counts["read"] += 1
        if geometry is None or geometry.is_empty:
            self.counts["refused"] += 1
            self.problem(line, _("It has no geometry."))
            return
        west, south, east, north = geometry.bounds
        if not (-180.001 <= west <= east <= 180.001 and -90.001 <= south <= north <= 90.001):
            self.counts["refused"] += 1
            self.problem(line, _("Its coordinates are nowhere on Earth: is the coordinate system right?"))
            return
        if not geometry.is_valid:
            reason = shapely.is_valid_reason(geometry)
            mended = _same_dimension(shapely.make_valid(geometry), geometry)
            if mended is None:
                self.counts["refused"] += 1
                self.problem(line, _("Its geometry cannot be mended: %(reason)s") % {"reason": reason})
                return
            geometry = mended
            self.counts["mended"] += 1
            self.problem(line, _("Its geometry was mended: %(reason)s") % {"reason": reason})
        given = next(
            (
                str(attrs[k])
                for k in ("@id", "id", "osm_id", "full_id", "fid", "ID", "code")
                if attrs.get(k) not in (None, "")
            ),
            "",
        )
        source = f"{self.run.name}:{given or line}"[:120]
        if source in self.seen:
            source = f"{source}#{line}"[:120]
        self.seen.add(source)
        name = next((str(attrs[k]) for k in attrs if k.lower() in NAMES and attrs[k]), "")
        self.rows.append(
            (
                source,
                name[:250],
                json.dumps(attrs, ensure_ascii=False, default=str),
                shapely.to_wkb(shapely.force_2d(geometry), hex=True),
            )
        )
        if len(self.rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        with connection.cursor() as cursor, cursor.copy("COPY staged FROM STDIN") as copy:
            for row in self.rows:
                copy.write_row(row)
        self.rows.clear()

    def finish(self) -> dict[str, int]:
        self.flush()
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH put AS (
                    INSERT INTO territory_feature AS f (layer_id, source, name, names, kind, attrs, geom, edited)
                    SELECT %(layer)s, source, name, '{}', COALESCE(left(attrs ->> 'kind', 60), ''), attrs, ST_SetSRID(geom, 4326), false
                    FROM staged
                    ON CONFLICT (layer_id, source) DO UPDATE SET name = excluded.name, attrs = excluded.attrs, geom = excluded.geom,
                        valid_to = NULL, version = f.version + 1, updated = now()
                    WHERE NOT f.edited AND (f.name IS DISTINCT FROM excluded.name OR f.attrs IS DISTINCT FROM excluded.attrs
                        OR NOT ST_OrderingEquals(f.geom, excluded.geom) OR f.valid_to IS NOT NULL)
                    RETURNING xmax = 0 AS added)
                SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM put
                """,
                {"layer": self.layer.pk},
            )
            self.counts["added"], self.counts["changed"] = cursor.fetchone()
            cursor.execute(
                "UPDATE territory_layer SET version = version + 1, geometry = COALESCE((SELECT CASE count(DISTINCT ST_Dimension(geom)) "
                "WHEN 1 THEN (ARRAY['point','line','polygon'])[min(ST_Dimension(geom)) + 1] ELSE 'mixed' END FROM staged), geometry) "
                "WHERE id = %s",
                [self.layer.pk],
            )
        self.run.problems = self.problems
        return self.counts


def _same_dimension(mended: Any, was: Any) -> Any | None:
    """The parts of a mended geometry that have the dimension it had (a polygon's stray lines are dropped), or None."""
    wanted = shapely.get_dimensions(was)
    if wanted < 0 or mended.is_empty:
        return None
    parts = [p for p in shapely.get_parts(mended, return_index=False) if shapely.get_dimensions(p) == wanted]
    flat = [q for p in parts for q in (shapely.get_parts(p) if p.geom_type.startswith(("Multi", "Geom")) else [p])]
    flat = [p for p in flat if not p.is_empty]
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else shapely.union_all(flat) if wanted == 2 else shapely.geometrycollections(flat)


def _features(path: Path, taken: _Taken, progress: Progress) -> None:
    """Every layer of a file that GDAL reads, in batches; one batch that GDAL cannot read is read again one by one."""
    try:
        layers = pyogrio.list_layers(path)
        if len(layers) == 0:
            raise ImportRefused(_("There are no features in this file."))
        for layer, _kind in layers:
            info = pyogrio.read_info(path, layer=layer, force_feature_count=True)
            _layer(path, str(layer), info, taken, progress)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ImportRefused(
            _("This file cannot be read: it is damaged or is not what its name says. (%(error)s)") % {"error": error}
        ) from error


def _layer(path: Path, layer: str, info: dict[str, Any], taken: _Taken, progress: Progress) -> None:
    total = max(int(info["features"]), 1)
    crs = info["crs"]
    if crs is None and path.suffix.lower() == ".shp":
        taken.problem(path.name, _("It has no .prj: its coordinates were taken for degrees (WGS 84)."))
    for start in range(0, total, BATCH):
        meta, _fids, geometries, columns = pyogrio.raw.read(
            path, layer=layer, skip_features=start, max_features=BATCH, force_2d=True
        )
        names = [str(name) for name in meta["fields"]]
        shapes = to_crs(shapely.from_wkb(geometries, on_invalid="ignore"), crs)
        for number, shape in enumerate(shapes):
            attrs = {name: _plain(column[number]) for name, column in zip(names, columns, strict=True)}
            taken.take(start + number + 1, {k: v for k, v in attrs.items() if v is not None}, shape)
        progress(_("Reading %(layer)s") % {"layer": layer}, min(0.9, 0.9 * (start + BATCH) / total))


def to_crs(shapes: Any, source: str | None, target: Any = _WGS84) -> Any:
    """Geometries from one coordinate system to another. None: degrees (WGS 84). Longitude, or easting, comes first."""
    if len(shapes) == 0 or (source in (None, "EPSG:4326", "OGC:CRS84") and target == _WGS84):
        return shapes
    start = coordinates.CRS.from_user_input(source or _WGS84)

    def move(points: Any) -> Any:
        x, y = warp.transform(start, target, points[:, 0].tolist(), points[:, 1].tolist())
        return shapely.get_coordinates(shapely.points(x, y))

    return shapely.transform(shapes, move)


def _plain(value: Any) -> Any:
    """A numpy value as a JSON value."""
    if value is None or value != value:  # NaN and NaT are not equal to themselves
        return None
    if hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _rows_of_csv(path: Path, taken: _Taken, progress: Progress) -> None:
    """A table with a latitude and a longitude column, or one of WKT. UTF-8 or Windows encoding; comma, semicolon or tab;
    decimal commas. Lines are counted as an editor counts them."""
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1252", "replace")
    try:
        dialect: Any = csv.Sniffer().sniff(content[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.DictReader(io.StringIO(content), dialect=dialect)
    columns = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
    lat = next((columns[n] for n in LATITUDES if n in columns), None)
    lon = next((columns[n] for n in LONGITUDES if n in columns), None)
    wkt = next((columns[n] for n in ("wkt", "geometry", "geom", "the_geom") if n in columns), None)
    if wkt is None and (lat is None or lon is None):
        raise ImportRefused(_("This table has no latitude and longitude columns: call them lat and lon."))
    for row in reader:
        line = reader.line_num
        attrs = {k: v for k, v in row.items() if k and v not in (None, "") and k not in (lat, lon, wkt)}
        try:
            shape = shapely.from_wkt(row[wkt]) if wkt else shapely.Point(_number(row[lon]), _number(row[lat]))
        except (ValueError, TypeError, KeyError, shapely.errors.ShapelyError):
            taken.counts["read"] += 1
            taken.counts["refused"] += 1
            taken.problem(line, _("Its coordinates cannot be read."))
            continue
        taken.take(line, attrs, shape)
        if line % 5000 == 0:
            progress(_("Reading line %(line)d") % {"line": line}, 0.5)


def _number(text: str) -> float:
    return float(text.strip().replace(",", "."))
