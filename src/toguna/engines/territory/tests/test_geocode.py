"""Points as people type them, what stands between two landmarks, and a name that is found as soon as it is given."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.territory import api, editing, names, points, zones
from toguna.engines.territory.models import Feature, Layer, Zone
from toguna.kernel.access import SYSTEM

BOUNDS = (-8.9, 13.9, -8.8, 14.0)


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if not request.node.get_closest_marker("django_db"):
        monkeypatch.setattr(zones, "town_bounds", lambda: BOUNDS)


def near(found: tuple[float, float] | None, lon: float, lat: float, within: float = 1e-4) -> bool:
    return found is not None and abs(found[0] - lon) < within and abs(found[1] - lat) < within


@pytest.mark.parametrize(
    "typed",
    [
        "13.94, -8.85", "13,94 -8,85", "13,94;-8,85", "-8.85, 13.94", "13.94N 8.85W", "13.94° N, 8.85° O", "N 13.94 W 8.85", "n13,94 o8,85",
        "13°56'24\"N 8°51'0\"W", "13° 56′ 24″ N, 8° 51′ 0″ O", "geo:13.94,-8.85", "https://www.openstreetmap.org/#map=17/13.94/-8.85",
        "https://maps.google.com/?q=13.94,-8.85", "https://www.google.com/maps/@13.94,-8.85,15z",
    ],
)  # fmt: skip
def test_a_point_however_it_is_typed(typed: str) -> None:
    assert near(points.read_point(typed), -8.85, 13.94)


@pytest.mark.parametrize(
    "typed", ["", "13", "13 8", "rue 13, porte 8", "91.5, 200.5", "13°75'0\"N 8°51'0\"W", "C++", "12+34", "8,85"]
)
def test_what_is_no_point(typed: str) -> None:
    assert points.read_point(typed) is None


@given(st.floats(-8.9, -8.8), st.floats(13.9, 14.0))
def test_a_plus_code_whole_or_short_leads_back(lon: float, lat: float) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(zones, "town_bounds", lambda: BOUNDS)
    with patch.context():
        code = points.plus_code(lon, lat)
        assert near(points.read_point(code), lon, lat, 1.3e-4)
        assert near(points.read_point(f"{code[4:].lower()} Soundiakoura"), lon, lat, 1.3e-4)
    patch.undo()


@given(
    st.floats(-90, 90).map(lambda v: round(v, 5)),
    st.floats(-180, 180).map(lambda v: round(v, 5)),
    st.sampled_from([",", " ", ";", ", "]),
)
def test_decimal_degrees_anywhere_on_earth(lat: float, lon: float, between: str) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(zones, "town_bounds", lambda: None)
    assert near(points.read_point(f"{lat:.5f}{between}{lon:.5f}"), lon, lat, 1e-9)
    patch.undo()


@given(st.text(max_size=60))
def test_no_words_break_it(typed: str) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(zones, "town_bounds", lambda: BOUNDS)
    found = points.read_point(typed)
    patch.undo()
    assert found is None or (abs(found[0]) <= 180 and abs(found[1]) <= 90)


@pytest.fixture
def landmarks(db: Any) -> Any:
    box = "SRID=4326;MULTIPOLYGON(((-8.9 13.9,-8.8 13.9,-8.8 14.0,-8.9 14.0,-8.9 13.9)))"
    Zone.objects.create(level=0, name="Soundiakoura", source="t:1", geom=box)
    layer = Layer.objects.create(slug="facilities", names={"fr": "Équipements"})
    for number, (name, kind, lon) in enumerate(
        [
            ("Marché central", "market", -8.86),
            ("École Sainte-Marie", "school", -8.85),
            ("École Sainte-Marie", "school", -8.81),
        ]
    ):
        Feature.objects.create(
            layer=layer, source=f"t:{number}", name=name, kind=kind, geom=f"SRID=4326;POINT({lon} 13.95)"
        )
    zones.forget()
    names.rebuild()
    yield layer
    zones.forget()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    [
        "entre le marché central et l'école Sainte-Marie",
        "between the central market and Sainte Marie",
        "entre a escola sainte marie e o marche central",
    ],
)
def test_between_two_landmarks_is_halfway_to_the_nearest(landmarks: Layer, typed: str) -> None:
    found = api.geocode(typed)[0]
    assert near((found.lon, found.lat), -8.855, 13.95)
    assert "Marché central" in found.label and "École Sainte-Marie" in found.label


@pytest.mark.django_db
def test_between_a_landmark_and_something_unknown_is_the_landmark(landmarks: Layer) -> None:
    assert api.geocode("entre le marché central et xyzzyq")[0].label == "Marché central"


@pytest.mark.django_db
def test_a_name_is_found_as_soon_as_it_is_given_and_no_more_when_taken_off(landmarks: Layer) -> None:
    assert not api.geocode("Fontaine Djidian")
    made = editing.create(landmarks, editing.Draft("Fontaine Djidian", "water-point", {}, "13.96, -8.84"), by=SYSTEM)
    assert api.geocode("fontaine djidian")[0].id == made.pk
    editing.remove(made.pk, version=made.version, by=SYSTEM)
    assert made.pk not in [hit.id for hit in api.geocode("fontaine djidian")]


@pytest.mark.django_db
def test_programs_find_places_too(landmarks: Layer, client: Client) -> None:
    first = client.get("/api/v1/places", {"q": "marche cenral", "limit": 1}).json()
    assert [hit["label"] for hit in first] == ["Marché central"]
    assert points.read_point(first[0]["plus_code"]) is not None
    assert "Marché central" in client.get("/api/v1/places/at", {"lon": -8.86, "lat": 13.9505}).json()["words"]
    assert client.get("/api/v1/places/at", {"lon": 500, "lat": 1}).status_code == 422
    assert client.get("/api/v1/places", {"q": "a", "limit": 10_000}).status_code == 422


@pytest.mark.django_db
def test_what_is_found_opens_on_the_map_without_javascript(landmarks: Layer, client: Client) -> None:
    page = client.get("/search", {"q": "marché central"}).content.decode()
    assert "/map?at=13.950000%2C-8.860000" in page
    assert 'data-lat="13.95"' in client.get("/map?at=13.950000,-8.860000").content.decode()


@pytest.mark.django_db
def test_ogc_counts_what_there_is_and_refuses_what_is_no_date(landmarks: Layer, client: Client) -> None:
    url = "/ogc/collections/facilities/items"
    first = client.get(f"{url}?limit=2").json()
    assert (first["numberMatched"], first["numberReturned"]) == (3, 2)
    assert "numberMatched" not in client.get(f"{url}?kind=school").json()
    for good in ("2026-01-01", "2026-01-01T00:00:00Z", "../2026-01-01", "2026-01-01/2026-02-01"):
        assert client.get(url, {"datetime": good}).json()["numberReturned"] == 3
    for bad in ("yesterday", "2026-13-01", "2026-02-01/2026-01-01", "..", "", "2026-02-31T00:00:00Z/.."):
        assert client.get(url, {"datetime": bad}).status_code == 400, bad
    assert client.get(f"{url}?limit=0").status_code == 400


@pytest.mark.django_db
def test_ogc_says_the_licence_of_openstreetmap_only_where_data_come_from_it(landmarks: Layer, client: Client) -> None:
    Layer.objects.create(slug="streets", names={"fr": "Rues"}, attribution="© OpenStreetMap")
    found = {
        c["id"]: {link["rel"] for link in c["links"]} for c in client.get("/ogc/collections").json()["collections"]
    }
    assert "license" in found["streets"]
    assert "license" not in found["facilities"]
    assert "license" not in found["zones"]
