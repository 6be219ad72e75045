"""What a service declares comes out in every format, streamed, with its licence; read by independent programs."""

import csv
import io
import json
import resource
import subprocess

import pytest

from toguna.engines.opendata.api import Column, Dataset
from toguna.kernel import registry
from toguna.kernel.manifest import Service

COLUMNS = (Column("n", "integer", "Number"), Column("words", "string", "Words"), Column("at", "datetime", "When"))
WELLS = Dataset(
    "wells", "Wells", "All the wells.", "CC-BY-4.0", COLUMNS,
    "SELECT n, CASE n WHEN 1 THEN '=1+1' WHEN 2 THEN 'é,\";' || chr(10) END AS words, timestamptz '2026-01-01 00:00Z' AS at, "
    "CASE WHEN n <> 3 THEN ST_SetSRID(ST_MakePoint(-8 + n / 1e6, 14), 4326) END AS geom FROM generate_series(1, %s) n ORDER BY n",
    geometry=True, params=(5,),
)  # fmt: skip
PLAIN = Dataset("plain", "Plain", "No geometry.", "CC0-1.0", COLUMNS[:1], "SELECT 1 AS n ORDER BY 1")
MANY = Dataset(
    "many", "Many", "A million.", "CC0-1.0", COLUMNS[:1], "SELECT n FROM generate_series(1, 1000000) n ORDER BY n"
)


@pytest.fixture(autouse=True)
def service(monkeypatch):
    monkeypatch.setitem(registry._services, "wells", Service("wells", provides=(WELLS, PLAIN, MANY)))
    registry._declared.cache_clear()
    yield
    registry._declared.cache_clear()


def get(client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


@pytest.mark.django_db
def test_csv_is_read_back_and_holds_no_formula(client):
    rows = list(csv.DictReader(io.StringIO(get(client, "/data/wells.csv").decode())))
    assert len(rows) == 5
    assert rows[0]["words"] == "'=1+1"
    assert rows[1]["words"] == 'é,";\n'
    assert rows[2]["lat"] == ""
    spreadsheet = get(client, "/data/wells.csv?sep=;").decode()
    assert spreadsheet.startswith("\ufeffn;words;at;lat;lon")


@pytest.mark.django_db
def test_json_and_geojson_are_whole_and_say_their_licence(client):
    plain = json.loads(get(client, "/data/wells.json"))
    assert len(plain["rows"]) == 5 and plain["license"].startswith("https://creativecommons.org")
    answer = client.get("/data/wells.geojson")
    assert 'rel="license"' in answer["Link"]
    geo = json.loads(b"".join(answer.streaming_content))
    assert geo["features"][2]["geometry"] is None and geo["features"][0]["geometry"]["coordinates"][1] == 14


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["wells.gpkg", "wells.geojson", "wells.csv", "plain.gpkg"])
def test_gdal_reads_it(client, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(get(client, f"/data/{name}"))
    seen = subprocess.run(["ogrinfo", "-so", "-al", path], capture_output=True, text=True, check=True).stdout
    assert f"Feature Count: {1 if 'plain' in name else 5}" in seen


@pytest.mark.django_db(transaction=True)
def test_a_million_rows_take_no_memory(client):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = client.get("/data/many.csv")
    lines = sum(chunk.count(b"\n") for chunk in answer.streaming_content)
    assert lines == 1_000_001
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB


@pytest.mark.django_db
def test_the_catalogue_and_what_is_not_in_it(client):
    page = client.get("/data/").content.decode()
    assert "Wells" in page and "Creative Commons" in page
    catalog = client.get("/data/catalog.jsonld").json()
    wells = next(d for d in catalog["dcat:dataset"] if d["dct:identifier"] == "wells")
    assert {d["dcat:mediaType"] for d in wells["dcat:distribution"]} >= {"text/csv", "application/geo+json"}
    assert client.get("/data/wells").status_code == 200
    assert client.get("/data/unknown.csv").status_code == 404
    assert "csv, json, gpkg" in client.get("/data/plain.geojson").content.decode()


def test_a_dataset_without_a_licence_is_refused_at_start():
    bad = Dataset("x", "X", "X", "", COLUMNS, "SELECT 1")
    assert any("licence" in p for p in bad.problems()) and any("ORDER BY" in p for p in bad.problems())
