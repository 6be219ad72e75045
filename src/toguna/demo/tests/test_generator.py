"""The fictional town: the same for the same input, sound as a map, and believable as a year and a half of work."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import phonenumbers
import pyogrio
import pytest
import rasterio
import shapely

from toguna.demo import generator, speech, terrain

UNTIL = date(2026, 3, 1)
PEOPLE = 3_000


def quiet(step: str, share: float) -> None:
    pass


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town") / "files"
    generator.make(folder, PEOPLE, until=UNTIL, progress=quiet)
    return folder


@pytest.fixture(scope="module")
def reports(town: Path) -> list[dict[str, str]]:
    return rows(town / "reports.csv")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def layer(town: Path, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    meta, _, shapes, fields = pyogrio.raw.read(town / "town.osm.pbf", layer=name)
    return shapely.from_wkb(shapes), dict(zip(meta["fields"], fields, strict=True))


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def elsewhere(folder: Path, people: int, then: str = "", **environment: str) -> str:
    """Makes a town in another process; returns what `then` prints."""
    code = (
        "import datetime, pathlib, resource; from toguna.demo import generator;"
        f"generator.make(pathlib.Path({str(folder)!r}), {people}, datetime.date(2026, 3, 1), lambda s, f: None);{then}"
    )
    environment["PYTHONPATH"] = str(Path(generator.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_same_input_same_bytes(town: Path, tmp_path: Path) -> None:
    elsewhere(tmp_path / "again", PEOPLE, PYTHONHASHSEED="12345", TZ="Pacific/Auckland")
    assert digest(tmp_path / "again") == digest(town)


def test_another_seed_is_another_town(town: Path, tmp_path: Path) -> None:
    generator.make(tmp_path / "other", PEOPLE, until=UNTIL, progress=quiet, seed=8)
    assert not set(digest(town).values()) & set(digest(tmp_path / "other").values())


def test_a_town_that_is_there_is_not_made_again(town: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in town.iterdir()}
    generator.make(town, PEOPLE, until=UNTIL, progress=quiet)
    assert {path: path.stat().st_mtime_ns for path in town.iterdir()} == before


def test_an_interruption_leaves_nothing_half_done(tmp_path: Path) -> None:
    def interrupt(step: str, share: float) -> None:
        if step == "reports":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.make(tmp_path / "town", 1_000, until=UNTIL, progress=interrupt)
    assert not (tmp_path / "town").exists()
    generator.make(tmp_path / "town", 1_000, until=UNTIL, progress=quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["town"]
    assert {path.name for path in (tmp_path / "town").iterdir()} == {*generator.FILES, "manifest.json"}


def test_a_file_that_went_missing_is_made_again(tmp_path: Path) -> None:
    generator.make(tmp_path / "town", 1_000, until=UNTIL, progress=quiet)
    before = digest(tmp_path / "town")
    (tmp_path / "town" / "relief.tif").unlink()
    generator.make(tmp_path / "town", 1_000, until=UNTIL, progress=quiet)
    assert digest(tmp_path / "town") == before


@pytest.mark.parametrize("people", [0, 999, 2_000_001])
def test_refuses_a_town_too_small_or_too_large(people: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="between 1000 and 2000000"):
        generator.make(tmp_path / "town", people, until=UNTIL, progress=quiet)
    assert not list(tmp_path.iterdir())


def test_districts_tile_the_town_exactly(town: Path) -> None:
    shapes, fields = layer(town, "multipolygons")
    whole = shapes[(fields["boundary"] == "administrative") & (fields["admin_level"] == "8")]
    parts = shapes[(fields["boundary"] == "administrative") & (fields["admin_level"] == "10")]
    assert len(whole) == 1
    assert len(parts) == len(rows(town / "districts.csv")) >= 4
    assert shapely.coverage_is_valid(parts)
    assert shapely.symmetric_difference(shapely.coverage_union_all(parts), whole[0]).area == 0


def test_boroughs_tile_a_large_town(tmp_path: Path) -> None:
    generator.make(tmp_path / "town", 100_000, until=UNTIL, progress=quiet)
    shapes, fields = layer(tmp_path / "town", "multipolygons")
    official = fields["boundary"] == "administrative"
    whole = shapes[official & (fields["admin_level"] == "8")][0]
    boroughs = shapes[official & (fields["admin_level"] == "9")]
    quarters = shapes[official & (fields["admin_level"] == "10")]
    assert len(boroughs) >= 3
    assert shapely.coverage_is_valid(boroughs)
    assert shapely.symmetric_difference(shapely.coverage_union_all(boroughs), whole).area == 0
    inside = [sum(shapely.covers(b, shapely.point_on_surface(q)) for b in boroughs) for q in quarters]
    assert set(inside) == {1}


def test_map_is_sound_and_says_that_it_is_fictional(town: Path) -> None:
    shapes, fields = layer(town, "multipolygons")
    assert shapely.is_valid(shapes).all()
    buildings = shapes[[value is not None for value in fields["building"]]]
    assert len(buildings) == PEOPLE // 5
    a, b = shapely.STRtree(buildings).query(buildings, predicate="overlaps")
    assert not len(a), f"buildings overlap: {list(zip(a, b, strict=True))[:3]}"
    water = shapely.union_all(shapes[fields["natural"] == "water"])
    assert not shapely.intersects(water, buildings).any()
    amenities = Counter(str(value) for value in fields["amenity"])
    assert {"place_of_worship", "school", "marketplace", "townhall", "hospital", "pharmacy"} <= amenities.keys()
    town_row = next(i for i, level in enumerate(fields["admin_level"]) if level == "8")
    assert "fictional" in fields["other_tags"][town_row]


def test_streets_meet_at_shared_nodes(town: Path) -> None:
    lines, fields = layer(town, "lines")
    roads = lines[[value is not None for value in fields["highway"]]]
    ends = Counter(tuple(point) for line in roads for point in shapely.get_coordinates(line))
    touching = [any(ends[tuple(p)] > 1 for p in shapely.get_coordinates(line)) for line in roads]
    assert np.mean(touching) > 0.98
    bridges = [tags for tags in fields["other_tags"] if tags and '"bridge"=>"yes"' in tags]
    assert bridges
    assert 0 < sum(value is not None for value in fields["name"]) < 0.6 * len(lines)


def test_river_is_the_lowest_line_of_the_relief(town: Path) -> None:
    shapes, fields = layer(town, "lines")
    river = shapes[fields["waterway"] == "river"][0]
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(river, np.linspace(0.15, 0.85, 60), normalized=True)
    )
    with rasterio.open(town / "relief.tif") as relief:
        assert relief.crs.to_epsg() == 4326
        assert relief.tags()["TIFFTAG_IMAGEDESCRIPTION"].startswith("Soundiakoura: fictional")
        beds = np.array([v[0] for v in relief.sample(middle)])
        for bearing in np.linspace(0, 2 * np.pi, 8, endpoint=False):
            aside = middle + 0.003 * np.array([np.cos(bearing), np.sin(bearing)])
            banks = np.array([v[0] for v in relief.sample(aside)])
            # 300 m aside may be the river again, round a bend: never far below this point of it.
            assert (banks > 0).all()
            assert (banks >= beds - 1.5).all()
            assert (banks > beds + 0.5).mean() > 0.7
        values = relief.read(1)
    assert beds.max() < np.median(values)
    assert np.ptp(values) > 15


def test_people_add_up(town: Path) -> None:
    _, fields = layer(town, "multipolygons")
    assert sum(int(row["population"]) for row in rows(town / "districts.csv")) == PEOPLE
    level = next(i for i, value in enumerate(fields["admin_level"]) if value == "8")
    assert f'"population"=>"{PEOPLE}"' in fields["other_tags"][level]


def test_reports_are_of_the_town_and_in_order(town: Path, reports: list[dict[str, str]]) -> None:
    shapes, fields = layer(town, "multipolygons")
    whole = shapes[fields["admin_level"] == "8"][0]
    assert len(reports) == PEOPLE / 12 * 1.5
    points = shapely.points([[float(r["lon"]), float(r["lat"])] for r in reports])
    assert shapely.dwithin(whole, points, 0.001).all()
    assert [r["created"] for r in reports] == sorted(r["created"] for r in reports)
    assert reports[-1]["created"] < "2026-03-01" and reports[0]["created"] > "2024-08-29"
    filled = {
        "open": (), "acknowledged": ("acknowledged",), "in progress": ("acknowledged", "assigned"),
        "resolved": ("acknowledged", "assigned", "resolved"), "refused": ("acknowledged", "resolved"),
    }  # fmt: skip
    teams = {row["name"]: row["categories"].split(";") for row in rows(town / "teams.csv")}
    for report in reports:
        moments = [report[name] for name in ("created", "acknowledged", "assigned", "resolved") if report[name]]
        assert moments == sorted(moments) and moments[-1] < "2026-03-01"
        assert {n for n in ("acknowledged", "assigned", "resolved") if report[n]} == set(filled[report["status"]])
        assert report["category"] in teams[report["team"]]
        assert report["place"] in report["text"] or report["channel"] in ("sms", "web")
        assert report["phone"] or report["channel"] in ("web", "counter")


def test_rain_and_language(tmp_path: Path) -> None:
    generator.make(tmp_path / "town", 20_000, until=UNTIL, progress=quiet)
    reports = rows(tmp_path / "town" / "reports.csv")
    wet = Counter(r["category"] for r in reports if r["created"][5:7] in ("07", "08", "09"))
    dry = Counter(r["category"] for r in reports if r["created"][5:7] in ("01", "02", "03"))
    assert wet["flooding"] > 20 * max(dry["flooding"], 1)
    assert dry["water-point"] > wet["water-point"]
    assert set(wet | dry) == set(speech._TEXTS)
    share = Counter(r["language"] for r in reports)
    assert 0.70 < share["fr"] / len(reports) < 0.80 and 0.06 < share["pt"] / len(reports) < 0.14
    shapes, fields = layer(tmp_path / "town", "multipolygons")
    plain = shapely.union_all(shapes[fields["natural"] == "wetland"])

    def by_the_river(those: list[dict[str, str]]) -> float:
        points = shapely.points([[float(r["lon"]), float(r["lat"])] for r in those])
        return float(shapely.dwithin(plain, points, 0.001).mean())

    floods = [r for r in reports if r["category"] == "flooding"]
    assert by_the_river(floods) > 2 * by_the_river([r for r in reports if r["category"] == "noise"])


def test_telephone_numbers_can_ring_nobody(town: Path) -> None:
    for row in [*rows(town / "residents.csv"), *rows(town / "staff.csv")]:
        number = phonenumbers.parse(row["phone"])
        assert phonenumbers.is_possible_number(number) and not phonenumbers.is_valid_number(number)
    assert all(row["email"].endswith(".test") for row in rows(town / "staff.csv"))


@pytest.mark.parametrize(
    ("language", "name", "wrong"),
    [("fr", "Marché de Zongo", (" de le ", " à le ", "le le")), ("fr", "École fondamentale de Zongo", ("l' ", "la École")),
     ("pt", "Mesquita", (" de a ",)), ("pt", "Grande Mosquée", (" de a ", " de o ")), ("en", "Mairie", ("Mairie",))],
)  # fmt: skip
def test_places_are_said_correctly(language: str, name: str, wrong: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    said = {speech.place(rng, name, "Kalabanbougou", language) for _ in range(60)}
    assert len(said) > 4
    assert not [words for words in said for bad in wrong if bad in words]


def test_degrees_are_metres() -> None:
    (west, south), (east, north) = terrain.to_degrees(np.array([[-500.0, -500.0], [500.0, 500.0]]))
    assert north - south == pytest.approx(1000 / 111_195, rel=1e-4)
    assert (east - west) * np.cos(np.radians(terrain.LATITUDE)) == pytest.approx(1000 / 111_195, rel=1e-4)


def test_twenty_thousand_people_in_ten_seconds_and_400_mb(tmp_path: Path) -> None:
    # Not ru_maxrss: a child's begins at what its parent held.
    used = "u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"
    seconds, megabytes = map(float, elsewhere(tmp_path / "town", 20_000, used).split())
    assert seconds < 10
    assert megabytes < 400
