"""Vector tiles: what is in them is read back from their bytes; counts stay exact whatever changes; caches; access."""

from __future__ import annotations

import gzip
import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.gis.geos import LineString, Point, Polygon
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.territory import tiles
from toguna.engines.territory.models import Feature, Layer

pytestmark = pytest.mark.django_db
LON, LAT = -8.0, 12.6
NUMBERS = itertools.count()


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field of a protocol buffer message: enough of the format to read a tile."""

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    at = 0
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            size = varint()
            yield key >> 3, data[at : at + size]
            at += size
        else:
            size = 8 if key & 7 == 1 else 4
            yield key >> 3, data[at : at + size]
            at += size


def read(data: bytes) -> dict[str, list[dict[str, Any]]]:
    """{layer: [properties of each feature]} of a tile (the Mapbox vector tile format, version 2)."""
    found: dict[str, list[dict[str, Any]]] = {}
    for number, layer in fields(data):
        assert number == 3
        name, keys, values, features = "", [], [], []
        for part, value in fields(layer):
            if part == 1:
                name = value.decode()
            elif part == 2:
                features.append(value)
            elif part == 3:
                keys.append(value.decode())
            elif part == 4:
                ((kind, raw),) = fields(value)
                values.append(raw.decode() if kind == 1 else raw)
        rows = []
        for feature in features:
            parts = dict(fields(feature))
            tags = [v for n, v in _packed(parts.get(2, b""))]
            rows.append({keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)})
        found[name] = rows
    return found


def _packed(data: bytes) -> Iterator[tuple[int, int]]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield 0, value
            value = shift = 0


def at(z: int, lon: float = LON, lat: float = LAT) -> str:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return f"{z}/{int((lon + 180) / 360 * 2**z)}/{int(y * 2**z)}"


def layer(slug: str, geometry: str = "point", **more: Any) -> Layer:
    return Layer.objects.create(slug=slug, names={"fr": slug}, geometry=geometry, **more)


def put(into: Layer, n: int = 1, **more: Any) -> Feature:
    values = {"geom": Point(LON, LAT, srid=4326), "kind": "tree", "name": "Baobab", **more}
    made = [Feature.objects.create(layer=into, source=f"test:{next(NUMBERS)}", **values) for _ in range(n)]
    return made[-1]


def asked(client: Client, slug: str, z: int, **headers: str) -> dict[str, list[dict[str, Any]]]:
    response = client.get(f"/tiles/{slug}/{at(z)}.mvt", headers=headers)
    assert response.status_code == 200
    assert response["Content-Type"] == tiles.CONTENT
    return read(response.content)


def test_raw_from_14_counted_below(client: Client) -> None:
    put(layer("wells"), 5)
    near = asked(client, "wells", 14)["wells"]
    assert len(near) == 5
    assert near[0]["name"] == "Baobab"
    assert near[0]["kind"] == "tree"
    assert [f["n"] for f in asked(client, "wells", 13)["wells"]] == [5]
    assert [f["n"] for f in asked(client, "wells", 6)["wells"]] == [5]


def test_counts_stay_exact_through_every_kind_of_change(client: Client) -> None:
    wells = layer("wells")
    first = put(wells, 4)
    put(wells, 3, geom=Point(LON + 0.2, LAT, srid=4326))

    def counted() -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM territory_grid WHERE layer_id = %s AND n > 0 ORDER BY n", [wells.pk])
            return [row[0] for row in cursor.fetchall()]

    assert counted() == [3, 4]
    first.geom = Point(LON + 0.2, LAT, srid=4326)
    first.save()
    assert counted() == [3, 4]  # 3 stay, 4 there
    Feature.objects.filter(pk=first.pk).update(valid_to="2026-01-01")
    assert counted() == [3, 3]
    Feature.objects.filter(layer=wells).exclude(pk=first.pk).delete()
    assert counted() == []


def test_areas_are_simplified_and_small_ones_left_out_from_afar(client: Client) -> None:
    land = layer("landuse", "polygon")
    put(land, geom=Polygon.from_bbox((LON, LAT, LON + 0.00002, LAT + 0.00002)), name="a yard")
    put(land, geom=Polygon.from_bbox((LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01)), name="a wood")
    assert {f["name"] for f in asked(client, "landuse", 15)["landuse"]} == {"a yard", "a wood"}
    assert {f["name"] for f in asked(client, "landuse", 10)["landuse"]} == {"a wood"}


def test_small_streets_come_with_the_zoom(client: Client) -> None:
    streets = layer("streets", "line")
    for kind in ("primary", "residential", "footway"):
        put(streets, kind=kind, name=kind, geom=LineString((LON - 0.02, LAT), (LON + 0.02, LAT), srid=4326))
    assert {f["kind"] for f in asked(client, "streets", 10)["streets"]} == {"primary"}
    assert {f["kind"] for f in asked(client, "streets", 12)["streets"]} == {"primary", "residential"}
    assert len(asked(client, "streets", 14)["streets"]) == 3


def test_the_basemap_is_one_tile_of_several_layers(client: Client) -> None:
    put(layer("water", "mixed"), kind="river", geom=LineString((LON - 0.02, LAT), (LON + 0.02, LAT), srid=4326))
    put(layer("facilities", "mixed"), kind="school")
    put(layer("secret-pipes"), kind="school")
    found = asked(client, "basemap", 14)
    assert {name for name, rows in found.items() if rows} == {"water", "facilities"}


def test_etag_changes_with_the_layer_and_only_then(client: Client) -> None:
    wells = layer("wells")
    put(wells)
    url = f"/tiles/wells/{at(14)}.mvt"
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    put(layer("others"))
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize("change", ["added", "changed", "closed", "deleted"])
def test_whatever_changes_a_feature_is_seen(client: Client, change: str) -> None:
    wells = layer("wells")
    put(wells, 2)
    url = f"/tiles/wells/{at(14)}.mvt"
    first = client.get(url)
    one = Feature.objects.filter(pk=Feature.objects.filter(layer=wells).values_list("pk", flat=True)[0])
    if change == "added":
        put(wells)
    elif change == "changed":
        one.update(name="Manguier")
    elif change == "closed":
        one.update(valid_to="2026-01-01")
    else:
        one.delete()
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 200
    assert again.content != first.content


def test_an_unchanged_tile_costs_one_statement_a_new_one_two(client: Client, django_assert_num_queries: Any) -> None:
    put(layer("wells"))
    url = f"/tiles/wells/{at(14)}.mvt"
    with django_assert_num_queries(2):
        etag = client.get(url)["ETag"]
    with django_assert_num_queries(1):
        client.get(url, headers={"If-None-Match": etag})


def test_a_layer_that_is_not_public_is_for_staff(client: Client) -> None:
    put(layer("pipes", public=False))
    response = client.get(f"/tiles/pipes/{at(14)}.mvt")
    assert response.status_code == 403
    assert b"Baobab" not in response.content


@pytest.mark.parametrize("path", ["wells/3/8/0", "wells/3/0/8", "wells/25/1/1", "nothing/3/1/1", "zones-x/3/1/1"])
def test_a_tile_that_is_not_there(client: Client, path: str) -> None:
    layer("wells")
    assert client.get(f"/tiles/{path}.mvt").status_code == 404


def test_compressed_for_whom_takes_it(client: Client) -> None:
    put(layer("wells"), 60, name="Puits du marché central")
    url = f"/tiles/wells/{at(15)}.mvt"
    plain, packed = client.get(url), client.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content)


@given(st.integers(0, 13))
def test_a_tile_never_asks_for_more_than_its_share_of_cells(z: int) -> None:
    across = 360 / 2**z / tiles.CELL / 2 ** tiles.grid_level(z)
    assert across <= 48
    assert across > 20 or tiles.grid_level(z) == 0  # fine enough to show a shape


def test_straight_tiles_are_where_mercator_puts_them() -> None:
    """From zoom 14 no vertex is projected: it must stay within half a unit of 4096 of where the projection puts it."""
    with connection.cursor() as cursor:
        for lat in (-33.9, 0.5, 12.6, 43.7):
            z, x, y = (int(part) for part in at(14, lat=lat).split("/"))
            cursor.execute(
                f"""
                WITH t AS (SELECT ST_TileEnvelope({z}, {x}, {y}) AS env), d AS (SELECT env, ST_Transform(env, 4326) AS box FROM t),
                p AS (SELECT env, box, ST_SetSRID(ST_MakePoint(ST_XMin(box) + (ST_XMax(box) - ST_XMin(box)) * a,
                    ST_YMin(box) + (ST_YMax(box) - ST_YMin(box)) * b), 4326) AS point
                    FROM d, generate_series(0.05, 0.95, 0.1) a, generate_series(0.05, 0.95, 0.1) b)
                SELECT max(abs((ST_Y(point) - ST_YMin(box)) / (ST_YMax(box) - ST_YMin(box))
                    - (ST_Y(ST_Transform(point, 3857)) - ST_YMin(env)) / (ST_YMax(env) - ST_YMin(env)))) * 4096 FROM p
                """
            )
            assert cursor.fetchone()[0] < 0.5
