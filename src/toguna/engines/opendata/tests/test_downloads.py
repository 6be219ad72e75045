"""What a service declares comes out in every format, streamed, with its licence; read by independent programs."""

import csv
import gzip
import io
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from toguna.engines.opendata import formats, views
from toguna.engines.opendata.api import Column, Dataset
from toguna.engines.people import api as people
from toguna.engines.people import testing
from toguna.engines.territory import api as territory
from toguna.kernel import registry
from toguna.kernel.manifest import Service
from toguna.kernel.models import AuditEntry

COLUMNS = (Column("n", "integer", "Number"), Column("words", "string", "Words"), Column("at", "datetime", "When"))
WELLS = Dataset(
    "wells", "Wells", "All the wells.", "CC-BY-4.0", COLUMNS,
    "SELECT n, CASE n WHEN 1 THEN '=1+1' WHEN 2 THEN 'é,\";' || chr(10) END AS words, timestamptz '2026-01-01 00:00Z' AS at, "
    "CASE WHEN n <> 3 THEN ST_SetSRID(ST_MakePoint(-8 + n / 1e6, 14), 4326) END AS geom FROM generate_series(1, %s) n ORDER BY n",
    geometry=True, params=(5,),
)  # fmt: skip
PLAIN = Dataset("plain", "Plain", "No geometry.", "CC0-1.0", COLUMNS[:1], "SELECT 1 AS n ORDER BY 1")
KINDS = Dataset(
    "kinds", "Kinds", "Each type, and nothing.", "CC0-1.0",
    (Column("whole", "integer", "Whole"), Column("yes", "boolean", "Yes"), Column("day", "date", "Day"), Column("at", "datetime", "At")),
    "SELECT * FROM (VALUES (9007199254740993, true, date '2026-02-03', timestamptz '2026-01-01 12:00+02'), (NULL, NULL, NULL, NULL)) "
    "v (whole, yes, day, at) ORDER BY whole",
)  # fmt: skip
OWN = Dataset(
    "own", "Own", "Its own point.", "CC0-1.0", (Column("lon", "number", "Lon"), Column("lat", "number", "Lat")),
    "SELECT 1.5 AS lon, 2.5 AS lat, ST_SetSRID(ST_MakePoint(1.5, 2.5), 4326) AS geom ORDER BY 1", geometry=True,
)  # fmt: skip
MOVING = replace(PLAIN, name="moving", version="SELECT timestamptz '2026-01-01 00:00Z'")
SALARIES = replace(PLAIN, name="salaries", title="Salaries", permission="indicators.read")
MANY = Dataset(
    "many", "Many", "A million.", "CC0-1.0", COLUMNS[:1],
    "SELECT n, ST_SetSRID(ST_MakePoint(n / 1e6, 14), 4326) AS geom FROM generate_series(1, 1000000) n ORDER BY n", geometry=True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def service(monkeypatch):
    monkeypatch.setitem(
        registry._services,
        "wells",
        Service(
            "wells",
            provides=(WELLS, replace(WELLS, name="wells500", params=(500,)), PLAIN, KINDS, OWN, MOVING, SALARIES, MANY),
        ),
    )
    registry._declared.cache_clear()
    yield
    registry._declared.cache_clear()


def get(client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200
    return b"".join(answer)


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
    geo = json.loads(b"".join(answer))
    assert geo["features"][2]["geometry"] is None and geo["features"][0]["geometry"]["coordinates"][1] == 14


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["wells.gpkg", "wells.geojson", "wells.csv", "plain.gpkg"])
def test_gdal_reads_it(client, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(get(client, f"/data/{name}"))
    seen = subprocess.run(["ogrinfo", "-so", "-al", path], capture_output=True, text=True, check=True).stdout
    assert f"Feature Count: {1 if 'plain' in name else 5}" in seen


def memory() -> int:
    """What this process holds now, kB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("extension", ["csv", "geojson"])
def test_a_million_rows_take_no_memory(client, extension):
    get(client, f"/data/wells.{extension}")  # whatever is loaded once is loaded
    before, most, lines = memory(), 0, 0
    for n, chunk in enumerate(client.get(f"/data/many.{extension}").streaming_content):
        lines += chunk.count(b"\n")
        if n % 50 == 0:
            most = max(most, memory())
    assert lines >= 1_000_001
    assert most - before < 150_000


@pytest.mark.django_db
def test_a_geopackage_keeps_types_and_what_is_not_known(client, tmp_path):
    path = tmp_path / "kinds.gpkg"
    path.write_bytes(get(client, "/data/kinds.gpkg"))
    seen = subprocess.run(["ogrinfo", "-al", path], capture_output=True, text=True, check=True).stdout
    for said in (
        "whole (Integer64) = 9007199254740993",  # more than a float holds
        "whole (Integer64) = (null)",
        "yes (Integer(Boolean)) = (null)",
        "yes (Integer(Boolean)) = 1",
        "day (Date) = 2026/02/03",
        "day (Date) = (null)",
        "at (DateTime) = 2026/01/01 10:00:00+00",
        "license=https://creativecommons.org/publicdomain/zero/1.0/",
    ):
        assert said in seen, said


@pytest.mark.django_db
def test_a_geopackage_of_several_batches_is_whole_and_leaves_nothing_behind(client, tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(formats, "BATCH", 7)
    path = tmp_path / "wells.gpkg"
    path.write_bytes(get(client, "/data/wells500.gpkg"))
    seen = subprocess.run(["ogrinfo", "-so", "-al", path], capture_output=True, text=True, check=True).stdout
    assert "Feature Count: 500" in seen
    monkeypatch.setattr(views, "SHORT", 10)
    answer = client.get("/data/wells500.gpkg")
    assert list(folder.iterdir())
    answer.close()  # somebody who leaves before the end
    del answer
    assert not list(folder.iterdir())


@pytest.mark.django_db(transaction=True)  # a response that is closed ends the connection
def test_long_downloads_leave_the_site_to_the_others(client, monkeypatch):
    monkeypatch.setattr(views, "SHORT", 10)
    whole = get(client, "/data/wells500.csv")
    slow = [client.get("/data/wells500.csv") for _ in range(views.LONG_AT_ONCE)]
    refused = client.get("/data/wells500.csv", headers={"accept-language": "pt"})
    assert refused.status_code == 503 and refused["Retry-After"]
    assert "Descargas grandes a mais" in refused.content.decode()
    assert b"".join(slow.pop()) == whole
    slow.append(client.get("/data/wells500.csv"))
    assert slow[-1].status_code == 200
    for answer in slow:
        answer.close()
    assert [get(client, "/data/wells500.csv") for _ in range(views.LONG_AT_ONCE + 1)] == [whole] * 3


@pytest.mark.django_db
def test_a_point_that_the_dataset_has_itself_is_not_given_twice(client):
    assert get(client, "/data/own.csv") == b"lon,lat\r\n1.5,2.5\r\n"
    fields = json.loads(get(client, "/data/own.schema.json"))["fields"]
    assert [f["name"] for f in fields] == ["lon", "lat"]


@pytest.mark.django_db
def test_it_travels_squeezed_to_those_who_can_read_that(client):
    plain = get(client, "/data/wells.csv")
    answer = client.get("/data/wells.csv", headers={"accept-encoding": "gzip, br"})
    assert answer["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer["Vary"]
    assert gzip.decompress(b"".join(answer)) == plain


@pytest.mark.django_db
def test_what_did_not_change_is_not_sent_again(client):
    first = client.get("/data/moving.csv")
    assert first["Last-Modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    known = {"if-none-match": first["ETag"]}
    assert client.get("/data/moving.csv", headers=known).status_code == 304
    assert client.get("/data/moving.csv?sep=;", headers=known).status_code == 200
    assert client.get("/data/moving.json", headers=known).status_code == 200
    assert "ETag" not in client.get("/data/wells.csv")


@pytest.mark.django_db
def test_a_dataset_of_the_services_is_for_those_who_may(client):
    assert "Salaries" not in client.get("/data/").content.decode() + client.get("/data/catalog.jsonld").content.decode()
    assert client.get("/data/salaries.csv").status_code == client.get("/data/salaries").status_code == 403
    account = people.create_staff(
        email="chief@town.test", password="long enough to be one", name="Chief", grants=[("agent", "*", None)], teams=()
    )
    testing.sign_in(client, account)
    assert "Salaries" in client.get("/data/").content.decode()
    assert client.get("/data/salaries").status_code == 200
    answer = client.get("/data/salaries.csv")
    assert answer.status_code == 200 and "Access-Control-Allow-Origin" not in answer
    assert AuditEntry.objects.filter(action="opendata.download", account=account.pk).exists()


@pytest.mark.django_db
def test_what_is_not_there_is_said_with_what_is_near_it(client):
    answer = client.get("/data/wels.csv", headers={"accept-language": "fr"})
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "Ce jeu de données n’existe pas" in page and 'href="/data/wells"' in page
    wrong = client.get("/data/wells.exe", headers={"accept-language": "fr"})
    assert wrong.status_code == 404 and "csv, json, geojson, gpkg" in wrong.content.decode()


@pytest.mark.django_db
def test_the_page_says_what_each_file_weighs(client):
    page = client.get("/data/wells", headers={"accept-language": "en"}).content.decode()
    size = len(get(client, "/data/wells.csv"))
    assert f"({size}\xa0bytes)" in page
    many = client.get("/data/many", headers={"accept-language": "en"}).content.decode()
    assert "about 1000000" in many.replace(",", "") and "≈ " in many


@pytest.mark.django_db
def test_the_ground_of_the_town_is_there(client):
    names = {d["dct:identifier"] for d in client.get("/data/catalog.jsonld").json()["dcat:dataset"]}
    assert "zones" in names and {f"layer-{layer.slug}" for layer in territory.public_layers()} <= names
    assert json.loads(get(client, "/data/zones.geojson"))["type"] == "FeatureCollection"


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


@pytest.mark.parametrize("name", ["phone", "reporter_name", "contact", "e_mail", "email", "account_id", "birth"])
def test_a_column_about_a_person_must_say_how_it_is_masked(name):
    columns = (Column(name, "string", "Title"),)
    assert any(name in p for p in replace(PLAIN, columns=columns).problems())
    masked = (replace(columns[0], masked="the last four digits are left out"),)
    assert not list(replace(PLAIN, columns=masked).problems())
    assert not list(replace(PLAIN, columns=(Column("name", "string", "Name of the well"),)).problems())
