"""Files as people have them: dirty, in any coordinate system, in any encoding; and out again, read by GDAL itself."""

import json
import subprocess
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.territory import analyses, api, exporting, points
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.access import SYSTEM


def ogr(*args) -> str:
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("topology-irregular-form-oc_stone_town_2018_08_27.geojson", 1044),
        ("topology-irregular-forms-OC_Accra_hotosm_4969_2018_08_25.geojson", None),
        ("topology-overlap-oc_saint_louis_2018_08_27.geojson", 3833),
    ],
)
def test_dirty_buildings_are_mended_or_listed_and_never_stop_the_rest(shared_data, name, kept):
    path = shared_data / "buildings" / name
    total = len(json.loads(path.read_text())["features"])
    report = api.import_file(path, layer="dirty")
    assert report.counts["read"] == total
    assert report.counts["added"] + report.counts["refused"] == total
    assert report.counts["mended"] + report.counts["refused"] == len(report.problems)
    assert kept is None or report.counts["added"] == kept
    from django.db.models import Func
    from django.db.models.fields import BooleanField

    assert (
        not Feature.objects.annotate(ok=Func("geom", function="ST_IsValid", output_field=BooleanField()))
        .filter(ok=False)
        .exists()
    )


@pytest.mark.django_db
def test_a_bad_line_is_listed_with_its_number_and_the_others_come_in(tmp_path):
    path = tmp_path / "puits.csv"
    path.write_bytes(
        "nom;latitude;longitude\nPuits café;13,94;-8,85\nPerdu;abc;-8,85\nLoin;913,94;-8,85\nBon;13,95;-8,86\n".encode(
            "cp1252"
        )
    )
    report = api.import_file(path)
    assert report.counts["added"] == 2
    assert [p["line"] for p in report.problems] == [3, 4]
    assert Feature.objects.get(name="Puits café").geom.coords == (-8.85, 13.94)


@pytest.mark.django_db
def test_a_zip_that_unpacks_to_far_more_or_points_outside_is_refused(tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b"0" * 50_000_000)
    with pytest.raises(api.ImportRefused, match="far more than its size"):
        api.import_file(bomb)
    slip = tmp_path / "slip.zip"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../evil.geojson", b"{}")
    with pytest.raises(api.ImportRefused, match="outside"):
        api.import_file(slip)
    (tmp_path / "cut.zip").write_bytes(slip.read_bytes()[:40])
    with pytest.raises(api.ImportRefused, match="damaged"):
        api.import_file(tmp_path / "cut.zip")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["photo.jpg", "x.geojson", "lonely.shp"])
def test_what_is_no_map_is_refused_with_what_to_do(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"\xff\xd8\xff this is not a map")
    with pytest.raises(api.ImportRefused) as refused:
        api.import_file(path)
    assert len(str(refused.value)) > 30
    assert Feature.objects.count() == 0


@pytest.fixture
def layer(db):
    made = Layer.objects.create(slug="bornes", names={"fr": "Bornes-fontaines"}, geometry="point")
    rows = [(f"Borne n°{n} «é»", -8.85 + n / 1000, 13.94 + n / 2000) for n in range(40)]
    for name, lon, lat in rows:
        Feature.objects.create(
            layer=made,
            source=f"town:{name}",
            name=name,
            kind="water-point",
            attrs={"débit": "3"},
            geom=f"SRID=4326;POINT({lon} {lat})",
        )
    return made


@pytest.mark.parametrize("extension", sorted(exporting.FORMATS))
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32629"])
def test_what_goes_out_is_read_by_gdal_and_comes_back_the_same(layer, extension, crs, tmp_path):
    with exporting.export(layer, extension, crs) as made:
        path = tmp_path / f"out.{extension}"
        path.write_bytes(made.read_bytes())
    target = f"/vsizip/{path}" if extension == "zip" else str(path)
    assert "Feature Count: 40" in ogr("ogrinfo", "-so", "-al", target)
    if extension == "csv" and crs != "EPSG:4326":
        return  # a CSV says nothing of its coordinate system
    api.import_file(path, layer="back")
    back = {f.name: f.geom.coords for f in Feature.objects.filter(layer__slug="back")}
    for feature in Feature.objects.filter(layer=layer):
        lon, lat = back[feature.name][:2]
        assert abs(lon - feature.geom.x) < 1e-6 and abs(lat - feature.geom.y) < 1e-6


def test_an_unknown_coordinate_system_is_said_and_not_guessed(layer):
    with pytest.raises(exporting.ExportRefused, match="EPSG:32629"), exporting.export(layer, "csv", "EPSG:banana"):
        pass


def test_relief_is_read_where_it_is_asked(shared_data, db, tmp_path, monkeypatch):
    from toguna.kernel import places

    monkeypatch.setattr(places, "home", lambda: tmp_path)
    report = api.import_file(shared_data / "elevation" / "N43E007.hgt.zip")
    assert report.counts["cells"] == 1201 * 1201
    assert 350 < api.elevation(7.40, 43.7458) < 700  # La Turbie stands above Monaco
    assert api.elevation(0, 0) is None
    assert "COG" in ogr("gdalinfo", str(tmp_path / "rasters" / "n43e007.tif"))


ANSWERS = {"buffer": 40, "intersect": 40, "within": 40, "near": 40, "nearest": 40}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_analysis_gives_a_layer(layer, name):
    around = Layer.objects.create(slug="carré", names={"fr": "Carré"}, geometry="polygon")
    Feature.objects.create(
        layer=around, source="town:1", name="Nord", geom="SRID=4326;POLYGON((-9 13,-8 13,-8 14,-9 14,-9 13))"
    )
    made = analyses.run(name, f"Réponse {name}", layer, b=around, metres=500, by=SYSTEM)
    found = Feature.objects.filter(layer=made)
    assert found.count() == ANSWERS[name] and not made.public
    if name == "nearest":
        assert found.first().attrs["nearest"] == "Nord"


def test_an_analysis_without_what_it_needs_is_refused(layer):
    with pytest.raises(analyses.Refused, match="second layer"):
        analyses.run("within", "x", layer, by=SYSTEM)
    with pytest.raises(analyses.Refused, match="distance"):
        analyses.run("buffer", "x", layer, metres=10**9, by=SYSTEM)


@settings(max_examples=60)
@given(st.floats(-89, 89), st.floats(-179, 179))
def test_coordinates_are_read_back_as_written(lat, lon):
    from unittest import mock

    with mock.patch.object(points.zones, "town_bounds", lambda: None):
        read = points.read_point(f"{lat:.6f}, {lon:.6f}")
        assert read == pytest.approx((lon, lat), abs=1e-6)
        assert points.read_point(f"geo:{lat:.6f},{lon:.6f}") == pytest.approx((lon, lat), abs=1e-6)
        side = f"{abs(lat):.6f}°{'N' if lat >= 0 else 'S'} {abs(lon):.6f}°{'E' if lon >= 0 else 'O'}"
        assert points.read_point(side) == pytest.approx((lon, lat), abs=1e-5)
        plus = points.plus_code(lon, lat)
        assert points.read_point(f"au {plus} près du marché") == pytest.approx((lon, lat), abs=2e-4)


@given(st.text(max_size=60))
def test_no_words_break_the_reader_of_points(words):
    from unittest import mock

    with mock.patch.object(points.zones, "town_bounds", lambda: (-9, 13, -8, 14)):
        found = points.read_point(words)
        assert found is None or (abs(found[0]) <= 180 and abs(found[1]) <= 90)
