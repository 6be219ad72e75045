"""A real town comes in: Monaco, a francophone town with full tags."""

import pytest

from toguna.engines.territory import api, editing, osm, zoning
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
