"""Finding places as people name them; and the standard door for programs, tried with GDAL's own client."""

import subprocess

import pytest

from toguna.engines.territory import api, names
from toguna.engines.territory.models import Feature, Layer, Zone

SQUARE = "SRID=4326;MULTIPOLYGON((({w} {s},{e} {s},{e} {n},{w} {n},{w} {s})))"


@pytest.fixture
def town(transactional_db):
    from toguna.engines.territory import zones

    whole = Zone.objects.create(
        level=0, name="Soundiakoura", source="t:1", geom=SQUARE.format(w=-8.9, s=13.9, e=-8.8, n=14.0)
    )
    for name, w, e in (("Zongo", -8.9, -8.85), ("Hamdallaye", -8.85, -8.8)):
        Zone.objects.create(
            level=2, name=name, parent=whole, source=f"t:{name}", geom=SQUARE.format(w=w, s=13.9, e=e, n=14.0)
        )
    facilities = Layer.objects.create(slug="facilities", names={"fr": "Équipements"})
    hidden = Layer.objects.create(slug="secret", names={"fr": "Secret"}, public=False)
    rows = [
        ("Marché central", "market", -8.87, 13.95), ("Mosquée de Zongo", "mosque", -8.875, 13.951),
        ("École Sainte-Marie", "school", -8.83, 13.94), ("", "pharmacy", -8.82, 13.96), ("Pharmacie Salam", "pharmacy", -8.89, 13.92),
        ("Château d'eau", "water-tower", -8.81, 13.91),
    ]  # fmt: skip
    for number, (name, kind, lon, lat) in enumerate(rows):
        Feature.objects.create(
            layer=facilities, source=f"t:{number}", name=name, kind=kind, geom=f"SRID=4326;POINT({lon} {lat})"
        )
    Feature.objects.create(
        layer=hidden, source="t:9", name="Coffre du trésor", kind="", geom="SRID=4326;POINT(-8.82 13.95)"
    )
    zones.forget()
    names.rebuild()
    yield whole
    zones.forget()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("marché central", "Marché central"),
        ("MARCHE CENTRALE", "Marché central"),
        ("derrière la mosquée de Zongo", "Mosquée de Zongo"),
        ("behind the mosque", "Mosquée de Zongo"),
        ("atrás da mesquita", "Mosquée de Zongo"),
        ("en face de l'ecole ste marie", "École Sainte-Marie"),
        ("escola sainte marie", "École Sainte-Marie"),
        ("marche cenral", "Marché central"),
        ("quartier hamdalaye", "Hamdallaye"),
        ("chateau deau", "Château d'eau"),
    ],
)
def test_places_are_found_as_people_name_them(town, typed, found):
    assert api.geocode(typed)[0].label == found


def test_the_nearest_of_a_kind_comes_first_and_a_nameless_one_is_found_by_its_district(town):
    near = api.geocode("pharmacie", near=(-8.821, 13.961))
    assert (near[0].lon, near[0].lat) == (-8.82, 13.96)
    assert api.geocode("pharmacie hamdallaye")[0].lon == -8.82


def test_two_statements_and_no_more(town, django_assert_max_num_queries):
    api.geocode("marché")
    with django_assert_max_num_queries(2):
        api.geocode("marché central")
    api.zones()  # kept in memory for a while
    with django_assert_max_num_queries(1):
        words = api.reverse(-8.8701, 13.9509)
    assert "Marché central" in words and "Zongo" in words


def test_what_is_not_public_is_not_found(town, client):
    assert api.geocode("coffre du trésor") == [] or api.geocode("coffre du trésor")[0].label != "Coffre du trésor"
    assert client.get("/ogc/collections/secret/items").status_code == 404
    assert client.get("/tiles/secret/14/7793/7542.mvt").status_code == 403


def test_the_search_page_and_its_geojson(town, client):
    page = client.get("/search", {"q": "marché"}, headers={"accept-language": "fr"})
    assert page.status_code == 200 and "Marché central" in page.content.decode()
    answer = client.get("/search", {"q": "marché", "format": "json"}).json()
    assert answer["features"][0]["properties"]["label"] == "Marché central"
    assert client.get("/search", {"q": "\x00<script>'%"}).status_code == 200


def test_gdal_reads_every_collection(town, live_server):
    source = f"OAPIF:{live_server.url}/ogc"
    listing = subprocess.run(
        ["ogrinfo", "-ro", "-so", "-al", source], capture_output=True, text=True, check=True
    ).stdout
    assert "Layer name: facilities" in listing and "Feature Count: 6" in listing and "secret" not in listing


def test_pages_follow_one_another_and_hold_everything_once(town, client):
    seen, url = [], "/ogc/collections/facilities/items?limit=2"
    while url:
        page = client.get(url).json()
        seen += [f["id"] for f in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize("query", ["bbox=1,2", "bbox=a,b,c,d", "limit=many", "after=x", "bbox=1,9,2,3"])
def test_a_parameter_that_cannot_be_read_is_refused_in_words(town, client, query):
    answer = client.get(f"/ogc/collections/facilities/items?{query}")
    assert answer.status_code == 400 and answer.json()["description"]


def test_a_box_and_a_property_narrow_the_answer(town, client):
    inside = client.get("/ogc/collections/facilities/items?bbox=-8.88,13.94,-8.86,13.96").json()
    assert {f["properties"]["name"] for f in inside["features"]} == {"Marché central", "Mosquée de Zongo"}
    assert client.get("/ogc/collections/facilities/items?kind=school").json()["numberReturned"] == 1
