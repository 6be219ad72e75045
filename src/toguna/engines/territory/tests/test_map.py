"""The public map: whole without JavaScript, light, framed by others only where it may be, and nothing from outside."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from django.contrib.gis.geos import LineString, MultiPolygon, Polygon
from django.test import Client

from toguna.engines.territory import tiles, zones
from toguna.engines.territory.models import Feature, Layer, Zone
from toguna.kernel import registry

pytestmark = pytest.mark.django_db
WEST, SOUTH = -8.02, 12.58


@pytest.fixture(autouse=True)
def town() -> Any:
    whole = MultiPolygon(Polygon.from_bbox((WEST, SOUTH, WEST + 0.04, SOUTH + 0.04)), srid=4326)
    town = Zone.objects.create(level=0, name="Ville", source="test:town", geom=whole)
    half = MultiPolygon(Polygon.from_bbox((WEST, SOUTH, WEST + 0.02, SOUTH + 0.04)), srid=4326)
    Zone.objects.create(level=2, name="Quartier <b>Zongo</b>", source="test:zongo", geom=half, parent=town)
    streets = Layer.objects.create(slug="streets", names={"fr": "Rues"}, geometry="line")
    Feature.objects.create(
        layer=streets, source="test:1", kind="primary", geom=LineString((WEST, SOUTH), (WEST + 0.04, SOUTH + 0.03))
    )
    zones.forget()
    yield
    zones.forget()


def test_the_page_says_and_draws_the_town_without_javascript(client: Client) -> None:
    page = client.get("/map").content.decode()
    drawing = re.search(r"<svg class=\"drawing\".*?</svg>", page, re.S)
    assert drawing is not None
    assert len(re.findall(r"<path ", drawing[0])) >= 3  # the town, the district, the street
    assert "Quartier &lt;b&gt;Zongo&lt;/b&gt;" in drawing[0]
    assert "<b>Zongo</b>" not in page
    assert len(gzip.compress(page.encode())) < 30_000


def test_what_stands_in_the_town_is_listed_in_words(client: Client) -> None:
    there = Layer.objects.create(slug="facilities", names={"fr": "Équipements"})
    for n in range(3):
        Feature.objects.create(layer=there, source=f"test:s{n}", kind="school", geom=f"SRID=4326;POINT({WEST} {SOUTH})")
    Feature.objects.create(
        layer=there, source="test:gone", kind="market", valid_to="2026-01-01", geom=f"SRID=4326;POINT({WEST} {SOUTH})"
    )
    page = client.get("/map", headers={"Accept-Language": "en"}).content.decode()
    assert re.search(r"/search\?q=School.*?\(3\)", page)
    assert "/search?q=Market" not in page


def test_everything_of_the_style_comes_from_this_site(client: Client) -> None:
    style = client.get("/map/style.json").json()
    assert set(re.findall(r"https?://[^/\"]+", json.dumps(style))) == {"http://testserver"}
    assert "glyphs" not in style
    assert "sprite" not in style
    basemap = {*tiles.BASEMAP, "zones"}
    for layer in style["layers"]:
        if layer.get("source") == "town":
            assert layer["source-layer"] in basemap, f"{layer['id']} draws what no tile holds"
    assert {d.name for d in registry.declared(tiles.TileLayer) if not d.permission} <= set(style["sources"])


def test_every_layer_that_services_declare_makes_tiles(client: Client) -> None:
    for declared in registry.declared(tiles.TileLayer):
        for z in (9, 15):
            response = client.get(f"/tiles/{declared.name}/{z}/0/0.mvt")
            assert response.status_code == (403 if declared.permission else 200)


def test_by_night_the_colours_are_others(client: Client) -> None:
    light, dark = (client.get(f"/map/style.json?theme={theme}").json() for theme in ("light", "dark"))
    assert light["layers"][0]["paint"] != dark["layers"][0]["paint"]
    assert [x["id"] for x in light["layers"]] == [x["id"] for x in dark["layers"]]


def test_only_the_embedded_map_may_be_framed(client: Client) -> None:
    page, embed = client.get("/map"), client.get("/map/embed")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert re.search(r"frame-ancestors \*(;|$)", embed["Content-Security-Policy"])
    assert "X-Frame-Options" not in embed
    assert "script-src 'self'" in embed["Content-Security-Policy"]
    assert "/map/embed" in page.content.decode()


def test_a_place_that_was_shared_is_marked(client: Client) -> None:
    page = client.get("/map?at=12.6,-8.0").content.decode()
    assert 'data-lon="-8.0"' in page
    assert 'data-lat="12.6"' in page
    assert client.get("/map?at=nowhere").status_code == 200


def test_a_town_with_no_boundary_still_has_a_page(client: Client) -> None:
    Zone.objects.filter(level=2).delete()
    Zone.objects.all().delete()
    zones.forget()
    for path in ("/map", "/map/embed", "/map/style.json"):
        assert client.get(path).status_code == 200


def test_what_needs_an_opened_map_is_hidden_until_then(client: Client) -> None:
    Layer.objects.create(slug="wells", names={"fr": "Puits"})
    page = client.get("/map").content.decode()
    boxes = re.findall(r"<label ([^>]*)><input type=\"checkbox\"", page)
    assert len(boxes) > len([d for d in registry.declared(tiles.TileLayer) if d.permission])
    assert all("hidden" in box for box in boxes)
