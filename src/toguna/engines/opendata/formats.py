"""How a dataset comes out: each format turns rows into bytes as they come from the database, never all at once."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _
from pyogrio.raw import write as write_raw

from toguna.engines.opendata.datasets import LICENCES, Dataset
from toguna.kernel import tables

BATCH = 2000
CHUNK = 1 << 16

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Format:
    """content: media type; write(dataset, options) gives the bytes, in chunks; geometry: needs one; text: as large as
    its rows; describes: says what the data is instead of holding it."""

    extension: str
    content: str
    write: Callable[[Dataset, dict[str, str]], Iterator[bytes]]
    geometry: bool = False
    text: bool = True
    describes: bool = False


def rows(dataset: Dataset, geometry: str | None = None) -> Iterator[Row]:
    """The rows, from a cursor of the server, in one snapshot. geometry: SQL on `geom` to add as last columns, or None."""
    names = ", ".join(f'"{c.name}"' for c in dataset.columns)
    last = f", {geometry}" if geometry else ""
    # What a query in brackets is ordered by is what comes out of it, as long as nothing is done with it but to read it.
    statement = f"SELECT {names}{last} FROM ({dataset.sql}) q"
    with transaction.atomic():
        connection.ensure_connection()
        with connection.connection.cursor(name="opendata") as cursor:
            cursor.itersize = BATCH
            cursor.execute(statement, list(dataset.params) or None)
            yield from cursor


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (date, UUID)):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value


def _cell(value: Any) -> Any:
    """A CSV cell."""
    value = plain(value)
    if isinstance(value, str):
        return tables.safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _flat(dataset: Dataset) -> tuple[list[str], str | None]:
    """The names of the columns where there is no geometry, and the SQL of those added for it: lat and lon of a point in
    it, unless the dataset has its own."""
    names = [c.name for c in dataset.columns]
    if not dataset.geometry or {"lat", "lon"} & {*names}:
        return names, None
    return [*names, "lat", "lon"], "ST_Y(ST_PointOnSurface(geom)), ST_X(ST_PointOnSurface(geom))"


def _csv(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """RFC 4180, UTF-8. sep=";" writes it as French and Portuguese spreadsheets expect it, with the mark that they need."""
    semicolon = options.get("sep") == ";"
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if semicolon else ",", lineterminator="\r\n")
    names, geometry = _flat(dataset)
    if semicolon:
        buffer.write("\ufeff")
    writer.writerow(names)
    for row in rows(dataset, geometry):
        writer.writerow([_cell(v) for v in row])
        if buffer.tell() > CHUNK:
            yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _chunks(pieces: Iterable[str]) -> Iterator[bytes]:
    kept: list[str] = []
    size = 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size > CHUNK:
            yield "".join(kept).encode()
            kept, size = [], 0
    yield "".join(kept).encode()


def _head(dataset: Dataset) -> dict[str, Any]:
    name, address = LICENCES[dataset.licence]
    return {
        "name": dataset.name,
        "title": str(dataset.title),
        "license": address,
        "licenseName": name,
        "attribution": dataset.attribution,
    }


def _json(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    names, geometry = _flat(dataset)

    def pieces() -> Iterator[str]:
        yield json.dumps(_head(dataset), ensure_ascii=False)[:-1] + ', "rows": ['
        comma = "\n"
        for row in rows(dataset, geometry):
            yield comma + json.dumps(dict(zip(names, map(plain, row), strict=True)), ensure_ascii=False)
            comma = ",\n"
        yield "\n]}\n"

    return _chunks(pieces())


def _geojson(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """RFC 7946: longitude first, WGS 84, seven digits (a centimetre)."""
    names = [c.name for c in dataset.columns]

    def pieces() -> Iterator[str]:
        yield (
            '{"type": "FeatureCollection", ' + json.dumps(_head(dataset), ensure_ascii=False)[1:-1] + ', "features": ['
        )
        comma = "\n"
        for *values, geometry in rows(dataset, "ST_AsGeoJSON(geom, 7)"):
            properties = json.dumps(dict(zip(names, map(plain, values), strict=True)), ensure_ascii=False)
            yield f'{comma}{{"type": "Feature", "geometry": {geometry or "null"}, "properties": {properties}}}'
            comma = ",\n"
        yield "\n]}\n"

    return _chunks(pieces())


# How a type is kept in an array, and what stands where nothing is (the mask says that it is nothing).
_ARRAYS: dict[str, tuple[str, Any]] = {
    "integer": ("int64", 0),
    "number": ("float64", 0.0),
    "boolean": ("bool", False),
    "date": ("datetime64[D]", np.datetime64("1970-01-01")),
    "datetime": ("datetime64[ms]", np.datetime64("1970-01-01")),
    "string": ("object", None),
}


def _gpkg(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """A GeoPackage cannot be streamed (it is a database): written in batches to a file beside, sent, removed."""
    with tempfile.TemporaryDirectory(prefix="toguna-") as folder:
        path = Path(folder) / f"{dataset.name}.gpkg"
        source = rows(dataset, "ST_AsBinary(geom)" if dataset.geometry else None)
        written = False
        while (batch := list(islice(source, 10 * BATCH))) or not written:
            _write(path, dataset, batch, append=written)
            written = True
        with path.open("rb") as file:
            while block := file.read(1 << 18):
                yield block


def _write(path: Path, dataset: Dataset, batch: list[Row], *, append: bool) -> None:
    arrays, masks = [], []
    for index, column in enumerate(dataset.columns):
        kind, nothing = _ARRAYS[column.type]
        values = [row[index] for row in batch]
        if column.type == "datetime":  # numpy knows no time zones: all are told in UTC
            values = [v and v.astimezone(UTC).replace(tzinfo=None) for v in values]
        elif column.type == "string":
            values = [None if v is None else str(v) for v in values]
        arrays.append(np.array([nothing if v is None else v for v in values], dtype=kind))
        masks.append(np.array([v is None for v in values], dtype=bool))
    width = len(dataset.columns)
    geometry = np.empty(len(batch), dtype=object) if dataset.geometry else None
    if geometry is not None:
        geometry[:] = [None if row[width] is None else bytes(row[width]) for row in batch]
    write_raw(
        path,
        geometry,
        arrays,
        np.array([c.name for c in dataset.columns], dtype=object),
        field_mask=masks,
        layer=dataset.name,
        driver="GPKG",
        geometry_type="Unknown" if dataset.geometry else None,
        crs="EPSG:4326" if dataset.geometry else None,
        append=append,
        layer_metadata=None if append else {k: v for k, v in _head(dataset).items() if v},
        # 100 is GDAL's word for UTC
        gdal_tz_offsets={c.name: np.full(len(batch), 100) for c in dataset.columns if c.type == "datetime"},
    )


def _schema(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """The columns of the CSV, as a Table Schema."""
    fields: list[dict[str, Any]] = [
        {"name": c.name, "type": c.type, "title": str(c.title)}
        | ({"description": str(c.masked)} if c.masked else {})
        | ({"format": "any"} if c.type == "datetime" else {})
        for c in dataset.columns
    ]
    if _flat(dataset)[1]:
        fields += [
            {"name": "lat", "type": "number", "title": _("Latitude, degrees (WGS 84)")},
            {"name": "lon", "type": "number", "title": _("Longitude, degrees (WGS 84)")},
        ]
    name, address = LICENCES[dataset.licence]
    licences = [{"name": dataset.licence, "title": name, "path": address}]
    head = {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", **_head(dataset), "licenses": licences}
    yield json.dumps({**head, "fields": fields}, ensure_ascii=False, indent=1).encode()


FORMATS: dict[str, Format] = {
    f.extension: f
    for f in (
        Format("csv", "text/csv; charset=utf-8", _csv),
        Format("json", "application/json", _json),
        Format("geojson", "application/geo+json", _geojson, geometry=True),
        Format("gpkg", "application/geopackage+sqlite3", _gpkg, text=False),
        Format("schema.json", "application/json", _schema, describes=True),
    )
}


def squeezed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same as gzip, as it comes: a sixth of the data, on a line where data costs."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()
