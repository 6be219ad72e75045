"""A real town comes in: Monaco, a francophone town with full tags."""

import osmium
import pytest
from django.db import connection

from toguna.engines.territory import api, editing, names, osm, zoning
from toguna.engines.territory.models import Feature, ImportRun, Layer, Zone, ZoneVersion
from toguna.kernel import town
from toguna.kernel.access import SYSTEM


@pytest.fixture
def monaco(shared_data, monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("Ville de Monaco", "MC"))
    api.import_file(shared_data / "osm" / "monaco.osm.pbf")
    return shared_data / "osm" / "monaco.osm.pbf"


def put(layer: str) -> int:
    return Feature.objects.filter(layer__slug=layer, valid_to=None).count()


@pytest.mark.django_db
def test_the_town_its_districts_and_its_layers(monaco):
    assert Zone.objects.get(level=0).name == "Monaco"
    districts = set(Zone.objects.filter(level=2, parent__level=0).values_list("name", flat=True))
    assert {"Fontvieille", "La Condamine", "Larvotto", "Monte-Carlo"} <= districts and len(districts) == 9
    assert ZoneVersion.objects.filter(valid_to=None).count() == 10
    assert not Feature.objects.filter(geom__isvalid=False).exists()
    assert put("buildings") > 20_000 and put("streets") > 2_500 and put("facilities") > 900
    place = api.place(7.4246, 43.7314)  # the prince's palace
    assert place.inside and api.zone(place.zone).name == "Monaco-Ville"
    assert not api.place(7.3, 43.6).inside  # in the sea
    assert not api.place(7.5, 43.75).inside  # the next town


@pytest.mark.django_db
def test_importing_again_changes_nothing_and_keeps_what_the_town_edited(monaco):
    cafe = (
        Feature.objects.filter(layer__slug="facilities", geom__isnull=False, kind="pharmacy").exclude(name="").first()
    )
    draft = editing.Draft("Pharmacie de la Paix", "pharmacy", {}, cafe.geom.geojson)
    editing.change(cafe.pk, draft, version=cafe.version, by=SYSTEM)
    report = api.import_file(monaco)
    assert (report.counts["added"], report.counts["changed"], report.counts["closed"]) == (0, 0, 0)
    assert Feature.objects.get(pk=cafe.pk).name == "Pharmacie de la Paix"
    assert any(hit.label == "Pharmacie de la Paix" for hit in api.geocode("pharmacie de la paix"))


@pytest.mark.django_db
def test_what_vanished_from_the_file_is_closed_and_not_deleted(monaco):
    layer = Layer.objects.get(slug="facilities")
    ghost = Feature.objects.create(
        layer=layer, source="osm:n1", name="Ancien cinéma", geom="SRID=4326;POINT(7.42 43.735)"
    )
    far = Feature.objects.create(layer=layer, source="osm:n2", name="Ailleurs", geom="SRID=4326;POINT(2 48)")
    report = api.import_file(monaco)
    assert report.counts["closed"] == 1
    ghost.refresh_from_db()
    far.refresh_from_db()
    assert ghost.valid_to is not None and far.valid_to is None


@pytest.mark.django_db(transaction=True)
def test_an_import_cut_in_the_middle_goes_on_where_it_stopped(shared_data, monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("Monaco", "MC"))
    path = shared_data / "osm" / "monaco.osm.pbf"
    real = osm._first

    def power_cut(stage, slug, layer):
        if slug == "streets":
            raise KeyboardInterrupt
        return real(stage, slug, layer)

    monkeypatch.setattr(osm, "_first", power_cut)
    with pytest.raises(KeyboardInterrupt):
        api.import_file(path)
    assert put("buildings") == 0 and Zone.objects.filter(level=2).count() == 9  # the stage that was cut left nothing
    monkeypatch.setattr(osm, "_first", real)
    monkeypatch.setattr(osm, "_read", lambda *a: pytest.fail("read again"))
    report = api.import_file(path)
    assert put("streets") > 2_500
    assert report.counts["added"] > 27_000
    assert ImportRun.objects.filter(state="done").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_import_cut_before_its_map_index_makes_it_the_next_time(shared_data, monkeypatch):
    def power_cut():
        raise KeyboardInterrupt

    roads = shared_data / "osm" / "djibouti_secondary-roads.osm.pbf"
    with monkeypatch.context() as patch:
        patch.setattr(osm, "_make_map_index", lambda: None)
        patch.setattr(names, "rebuild", power_cut)
        with pytest.raises(KeyboardInterrupt):
            api.import_file(roads)
    assert "territory_feature_geom" not in indexes() and put("streets") > 0
    monkeypatch.setattr(osm, "_read", lambda *a: pytest.fail("read again"))
    api.import_file(roads)
    assert {"territory_feature_geom", "territory_feature_page", "territory_feature_source"} <= indexes()
    assert ImportRun.objects.get().state == "done"


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'territory_feature'")
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_what_a_file_holds_twice_comes_in_once_and_the_first_import_counts_like_the_triggers(tmp_path):
    path = tmp_path / "pond.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, (lon, lat) in enumerate([(2.0, 6.0), (2.001, 6.0), (2.001, 6.001)], 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat), tags={"amenity": "school"}))
        both = {"natural": "water", "waterway": "canal"}  # an area of water, and a line of it
        writer.add_way(osmium.osm.mutable.Way(id=7, nodes=[1, 2, 3, 1], tags=both))
    first = api.import_file(path)
    assert first.counts["added"] == 4 and put("water") == 1
    assert (Layer.objects.get(slug="water").version, Layer.objects.get(slug="streets").version) == (2, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT layer_id, gx, gy, n FROM territory_grid ORDER BY 1, 2, 3")
        counted = cursor.fetchall()
        assert sum(row[3] for row in counted) == 4
        # The triggers are back: what goes and comes again is counted to the same.
        Feature.objects.update(valid_to="2020-01-01")
        cursor.execute("SELECT sum(n) FROM territory_grid")
        assert cursor.fetchone()[0] == 0
        Feature.objects.update(valid_to=None)
        cursor.execute("SELECT layer_id, gx, gy, n FROM territory_grid ORDER BY 1, 2, 3")
        assert cursor.fetchall() == counted
    again = api.import_file(path)
    assert (again.counts["added"], again.counts["changed"], again.counts["closed"]) == (0, 0, 0)
    Feature.objects.all().delete()  # and once more into an empty layer, whose old cells of the grid are still there
    assert api.import_file(path).counts["added"] == 4
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n) FROM territory_grid")
        assert cursor.fetchone()[0] == 4


@pytest.mark.django_db
def test_a_square_is_an_area_and_no_street(tmp_path):
    path = tmp_path / "square.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, (lon, lat) in enumerate([(2.0, 6.0), (2.001, 6.0), (2.001, 6.001)], 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat)))
        square = {"highway": "pedestrian", "area": "yes", "name": "Place du marché", "name:en": "Market square"}
        writer.add_way(osmium.osm.mutable.Way(id=7, nodes=[1, 2, 3, 1], tags=square))
    api.import_file(path)
    feature = Feature.objects.get()
    assert (feature.layer.slug, feature.kind, feature.name) == ("landuse", "pedestrian", "Place du marché")
    assert feature.names == {"en": "Market square"} and feature.attrs == {"highway": "pedestrian", "area": "yes"}
    assert feature.geom.geom_type == "Polygon"


@pytest.mark.django_db
def test_a_file_cut_short_changes_nothing_and_says_so(shared_data, tmp_path):
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes((shared_data / "osm" / "monaco.osm.pbf").read_bytes()[:900_000])
    with pytest.raises(api.ImportRefused, match="damaged or cut short"):
        api.import_file(cut)
    assert Feature.objects.count() == 0 and Zone.objects.count() == 0
    (tmp_path / "empty.osm.pbf").write_bytes(b"")
    with pytest.raises(api.ImportRefused):
        api.import_file(tmp_path / "empty.osm.pbf")


@pytest.mark.django_db
def test_a_redrawn_zone_keeps_its_identity_and_its_past(monaco):
    zone = Zone.objects.get(name="Larvotto")
    ZoneVersion.objects.filter(zone=zone).update(valid_from="2020-01-01")
    Zone.objects.filter(pk=zone.pk).update(geom=Zone.objects.get(name="La Rousse").geom)
    ZoneVersion.objects.filter(zone=zone).update(geom=Zone.objects.get(name="La Rousse").geom)
    api.import_file(monaco)
    versions = ZoneVersion.objects.filter(zone=zone).order_by("valid_from")
    assert versions.count() == 2
    assert versions[0].valid_to is not None and versions[1].valid_to is None


@pytest.mark.django_db
def test_zones_that_do_not_fit_together_are_listed(monaco):
    fontvieille = Zone.objects.get(name="Fontvieille")
    Zone.objects.filter(pk=fontvieille.pk).update(geom=Zone.objects.get(name="Monaco-Ville").geom)
    reasons = " ".join(p["reason"] for p in zoning.topology())
    assert "Fontvieille and Monaco-Ville overlap" in reasons or "Monaco-Ville and Fontvieille overlap" in reasons
    assert "are in none of its zones" in reasons


@pytest.mark.django_db
def test_where_a_point_is_costs_one_statement(monaco, django_assert_num_queries):
    with django_assert_num_queries(1):
        api.place(7.42, 43.735)


@pytest.mark.django_db
def test_a_file_of_roads_alone_comes_in_and_its_report_reads_well(shared_data):
    report = api.import_file(shared_data / "osm" / "djibouti_secondary-roads.osm.pbf")
    assert "djibouti_secondary-roads.osm.pbf" in str(report) and "added" in str(report)
