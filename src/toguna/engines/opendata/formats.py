"""How a dataset comes out: each format turns rows into bytes as they come from the database, never all at once."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from pyogrio.raw import write as write_raw

from toguna.engines.opendata.datasets import LICENCES, Dataset

BATCH = 2000
CHUNK = 1 << 16

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Format:
    """content: media type; write(dataset, options) gives the bytes, in chunks; geometry: needs one."""

    extension: str
    content: str
    write: Callable[[Dataset, dict[str, str]], Iterator[bytes]]
    geometry: bool = False


def rows(dataset: Dataset, geometry: str | None = None) -> Iterator[Row]:
    """The rows, from a cursor of the server, in one snapshot. geometry: SQL on `geom` to add as a last column, or None."""
    names = ", ".join(f'"{c.name}"' for c in dataset.columns)
    last = f", {geometry}" if geometry else ""
    statement = f"SELECT {names}{last} FROM ({dataset.sql}) q"
    with transaction.atomic():
        connection.ensure_connection()
        with connection.connection.cursor(name="opendata") as cursor:
            cursor.itersize = BATCH
            cursor.execute(statement, list(dataset.params) or None)
            yield from cursor


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (date, UUID)):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value


def _cell(value: Any) -> Any:
    """A CSV cell. Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    value = _plain(value)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _csv(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """RFC 4180, UTF-8. sep=";" writes it as French and Portuguese spreadsheets expect it, with the mark that they need."""
    semicolon = options.get("sep") == ";"
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if semicolon else ",", lineterminator="\r\n")
    geometry = "ST_Y(ST_PointOnSurface(geom)), ST_X(ST_PointOnSurface(geom))" if dataset.geometry else None
    if semicolon:
        buffer.write("\ufeff")
    writer.writerow([*(c.name for c in dataset.columns), *(("lat", "lon") if dataset.geometry else ())])
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
    names = [c.name for c in dataset.columns] + (["lat", "lon"] if dataset.geometry else [])
    geometry = "ST_Y(ST_PointOnSurface(geom)), ST_X(ST_PointOnSurface(geom))" if dataset.geometry else None

    def pieces() -> Iterator[str]:
        yield json.dumps(_head(dataset), ensure_ascii=False)[:-1] + ', "rows": ['
        comma = "\n"
        for row in rows(dataset, geometry):
            yield comma + json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)
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
            properties = json.dumps(dict(zip(names, map(_plain, values), strict=True)), ensure_ascii=False)
            yield f'{comma}{{"type": "Feature", "geometry": {geometry or "null"}, "properties": {properties}}}'
            comma = ",\n"
        yield "\n]}\n"

    return _chunks(pieces())


_NUMPY: dict[str, Any] = {"integer": "float64", "number": "float64", "boolean": "object"}


def _gpkg(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    """A GeoPackage cannot be streamed (it is a database): written in batches to a file beside, sent, removed."""
    handle, name = tempfile.mkstemp(suffix=".gpkg")
    os.close(handle)
    path = Path(name)
    path.unlink()
    try:
        batch: list[Row] = []
        written = False
        source = rows(dataset, "ST_AsBinary(geom), GeometryType(geom)" if dataset.geometry else None)
        for row in source:
            batch.append(row)
            if len(batch) >= 10 * BATCH:
                _write(path, dataset, batch, append=written)
                batch, written = [], True
        if batch or not written:
            _write(path, dataset, batch, append=written)
        with path.open("rb") as file:
            while block := file.read(1 << 18):
                yield block
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, dataset: Dataset, batch: list[Row], *, append: bool) -> None:
    columns = []
    for index, column in enumerate(dataset.columns):
        values = [_plain(row[index]) for row in batch]
        if column.type in ("integer", "number"):
            numbers = [float("nan") if v is None else float(v) for v in values]
            whole = column.type == "integer" and all(v is not None for v in values)
            columns.append(
                np.array(numbers if not whole else [int(v) for v in values], dtype="int64" if whole else "float64")
            )
        elif column.type == "boolean":
            columns.append(np.array([bool(v) for v in values], dtype=bool))
        else:
            columns.append(np.array([None if v is None else str(v) for v in values], dtype=object))
    width = len(dataset.columns)
    geometry = (
        np.array([bytes(r[width]) if r[width] is not None else None for r in batch], dtype=object)
        if dataset.geometry
        else None
    )
    write_raw(
        path,
        geometry,
        columns,
        np.array([c.name for c in dataset.columns], dtype=object),
        layer=dataset.name,
        driver="GPKG",
        geometry_type="Unknown" if dataset.geometry else None,
        crs="EPSG:4326" if dataset.geometry else None,
        append=append,
    )


def _schema(dataset: Dataset, options: dict[str, str]) -> Iterator[bytes]:
    fields = [{"name": c.name, "type": c.type, "title": str(c.title)} for c in dataset.columns]
    if dataset.geometry:
        fields += [
            {"name": "lat", "type": "number", "title": "latitude"},
            {"name": "lon", "type": "number", "title": "longitude"},
        ]
    yield json.dumps({**_head(dataset), "fields": fields}, ensure_ascii=False, indent=1).encode()


FORMATS: dict[str, Format] = {
    f.extension: f
    for f in (
        Format("csv", "text/csv; charset=utf-8", _csv),
        Format("json", "application/json", _json),
        Format("geojson", "application/geo+json", _geojson, geometry=True),
        Format("gpkg", "application/geopackage+sqlite3", _gpkg),
        Format("schema.json", "application/json", _schema),
    )
}
