"""Routes on the real roads of Accra, by a real Valhalla."""

import base64
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from django.contrib.gis.geos import LineString, Point
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import api
from toguna.engines.territory.models import Closure, Feature, LiveSpeed, RoadEdge, RoadSpeed
from toguna.engines.territory.routing import build, client, graph, learning, network, programs, routes, traffic
from toguna.engines.territory.routing.testing import routing
from toguna.kernel import town
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.testing import until

CIRCLE, MADINA = (-0.2148, 5.5694), (-0.1650, 5.6680)  # two places of Accra


@pytest.fixture(scope="module")
def accra(django_db_setup, django_db_blocker, shared_data):
    """The roads are put once for all these tests; each test's own changes are rolled back."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(town, "current", lambda: town.Town("Accra", "GH"))
        try:
            api.import_file(shared_data / "osm" / "accra_bus_roads_derived.osm.pbf")
            with routing() as home:
                yield home
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE territory_feature, territory_layer, territory_zone, territory_import, territory_road_edge, "
                    "territory_name, territory_word, procrastinate_jobs CASCADE"
                )


@pytest.fixture(autouse=True)
def open_roads(request):
    """The file of traffic knows nothing of a test that is rolled back."""
    yield
    if "accra" in request.fixturenames:
        Closure.objects.all().delete()
        LiveSpeed.objects.all().delete()
        traffic.refresh()


def points(many, seed=1):
    rng = random.Random(seed)
    return [(-0.28 + rng.random() * 0.14, 5.55 + rng.random() * 0.12) for _ in range(many)]


@pytest.mark.django_db
def test_a_way_its_steps_and_its_length(accra):
    found = api.route([CIRCLE, MADINA], "car", language="fr")
    assert 10_000 < found.metres < 25_000 and 500 < found.seconds < 3_000
    assert any("Tournez" in step.words or "Continuez" in step.words for step in found.legs[0].steps)
    walked = sum(Point(*a).distance(Point(*b)) for a, b in pairwise(found.line)) * 111_000
    assert walked == pytest.approx(found.metres, rel=0.03)
    through = api.route([CIRCLE, (-0.19, 5.60), MADINA], steps=False)
    assert len(through.legs) == 2 and through.legs[0].steps == [] and through.metres >= found.metres - 50


@pytest.mark.django_db
def test_each_mode_goes_its_own_way(accra):
    seconds = {mode: api.route([CIRCLE, MADINA], mode).seconds for mode in api.MODES}
    assert seconds["car"] < seconds["tricycle"] < seconds["foot"] < seconds["cart"]
    assert seconds["car"] <= seconds["truck"]
    assert seconds["cart"] * 3.5 / 3.6 == pytest.approx(api.route([CIRCLE, MADINA], "cart").metres, rel=0.05)
    with pytest.raises(ValueError):
        api.route([CIRCLE, MADINA], "boat")


@pytest.mark.django_db
def test_the_matrix_says_what_the_routes_say(accra):
    sources, targets = points(4), points(30, seed=2)
    found = api.matrix(sources, targets, "car")
    assert found.seconds.shape == found.metres.shape == (4, 30)
    for i, j in ((0, 0), (1, 7), (3, 29)):
        one = api.route([sources[i], targets[j]], "car", steps=False)
        assert found.seconds[i, j] == pytest.approx(one.seconds, rel=0.06, abs=20)
    assert api.matrix([], targets).seconds.shape == (0, 30)


@pytest.mark.django_db
def test_a_large_matrix_is_asked_in_parts(accra, monkeypatch):
    monkeypatch.setattr("toguna.engines.territory.routing.routes.PAIRS_AT_ONCE", 100)
    sources = points(25)
    parts = api.matrix(sources, sources[:20]).seconds
    monkeypatch.undo()
    assert np.array_equal(parts, api.matrix(sources, sources[:20]).seconds, equal_nan=True)


@pytest.mark.django_db
def test_what_is_reached_in_ten_minutes_is_in_what_is_reached_in_twenty(accra):
    found = api.isochrone(CIRCLE, [10, 20], "car")
    wide, narrow = found["features"]
    assert (wide["properties"]["minutes"], narrow["properties"]["minutes"]) == (20, 10)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_Area(ST_Intersection(a, b)) / ST_Area(b), ST_Area(a) / ST_Area(b), ST_Contains(b, ST_Point(%s, %s, 4326)) "
            "FROM (SELECT ST_GeomFromGeoJSON(%s) AS a, ST_GeomFromGeoJSON(%s) AS b) x",
            [*CIRCLE, json.dumps(wide["geometry"]), json.dumps(narrow["geometry"])],
        )
        covered, larger, inside = cursor.fetchone()
    assert covered > 0.97 and larger > 1.5 and inside


@pytest.mark.django_db
def test_edges_are_those_that_valhalla_knows(accra):
    """Our reading of the tiles and Valhalla's own word agree: number, street, direction and line."""
    for lon, lat in points(12, seed=5):
        for said in client.ask("locate", {"locations": [{"lon": lon, "lat": lat}], "costing": "auto", "verbose": True})[
            0
        ]["edges"]:
            row = RoadEdge.objects.get(network=programs.current().name, edge=said["edge_id"]["value"])
            assert (row.feature, row.forward) == (said["edge_info"]["way_id"], said["edge"]["forward"])
            assert row.metres == pytest.approx(said["edge"]["geo_attributes"]["length"], abs=1)
            line = [(round(x, 5), round(y, 5)) for x, y in row.geom.coords]
            shape = [(round(x, 5), round(y, 5)) for x, y in routes.decode(said["edge_info"]["shape"])]
            assert line == (shape if row.forward else shape[::-1])


def uses(found, stretch):
    """The share of a stretch that a way runs along."""
    return LineString(found.line, srid=4326).buffer(0.00003).intersection(stretch).length / stretch.length


def middle(found):
    """A stretch of some 200 m in the middle of a way, as one would draw it."""
    i = len(found.line) // 2
    line, far = [found.line[i]], 0.0
    while far < 0.002:
        i += 1
        far += Point(*line[-1]).distance(Point(*found.line[i]))
        line.append(found.line[i])
    return LineString(line, srid=4326)


@pytest.mark.django_db
def test_a_closed_road_is_left_at_once_and_taken_again_when_it_opens(accra, django_capture_on_commit_callbacks):
    before, table = api.route([CIRCLE, MADINA]), api.matrix([CIRCLE], [MADINA]).metres[0, 0]
    stretch = middle(before)
    assert uses(before, stretch) > 0.9
    with django_capture_on_commit_callbacks(execute=True):
        api.close_road("test:1", stretch, by=SYSTEM, reason="works")
    around = api.route([CIRCLE, MADINA])
    assert uses(around, stretch) < 0.2
    assert api.matrix([CIRCLE], [MADINA]).metres[0, 0] == pytest.approx(around.metres, rel=0.01)
    assert around.metres != pytest.approx(table, abs=5)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.open_road("test:1", by=SYSTEM)
    assert api.route([CIRCLE, MADINA]).line == before.line
    assert not api.open_road("test:1", by=SYSTEM)


@pytest.mark.django_db
def test_a_closure_for_some_and_one_to_come(accra, django_capture_on_commit_callbacks):
    car, foot = api.route([CIRCLE, MADINA]), api.route([CIRCLE, MADINA], "foot")
    day = timezone.now() + timedelta(days=3)
    with django_capture_on_commit_callbacks(execute=True):
        api.close_road("test:foot", middle(foot), by=SYSTEM, modes=["foot", "cart"])
        api.close_road("test:later", middle(car), by=SYSTEM, starts=day, ends=day + timedelta(hours=5))
    assert uses(api.route([CIRCLE, MADINA], "foot"), middle(foot)) < 0.2
    assert api.route([CIRCLE, MADINA]).line == car.line
    assert uses(api.route([CIRCLE, MADINA], at=day + timedelta(hours=1)), middle(car)) < 0.2
    assert uses(api.route([CIRCLE, MADINA], at=day + timedelta(hours=6)), middle(car)) > 0.9


@pytest.mark.django_db
def test_an_area_and_a_point_close_what_is_there(accra, django_capture_on_commit_callbacks):
    centre = middle(api.route([CIRCLE, MADINA])).interpolate_normalized(0.5).coords
    for source, where in (
        ("test:area", Point(*centre, srid=4326).buffer(0.002)),
        ("test:point", Point(*centre, srid=4326)),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            api.close_road(source, where, by=SYSTEM, reason="flood")
        way = LineString(api.route([CIRCLE, MADINA]).line, srid=4326)
        assert way.distance(Point(*centre, srid=4326)) > 0.0001, source
        with django_capture_on_commit_callbacks(execute=True):
            api.open_road(source, by=SYSTEM)


@pytest.mark.django_db
def test_avoiding_an_area(accra):
    before = api.route([CIRCLE, MADINA])
    x, y = before.line[len(before.line) // 2]
    e = 0.001
    ring = [(x - e, y - e), (x + e, y - e), (x + e, y + e), (x - e, y + e)]
    around = LineString(api.route([CIRCLE, MADINA], avoid=[ring]).line)
    assert around.distance(Point(x, y)) > e / 2


def fixes(found, kmh, start, every=5):
    """A track along a way at an even speed, a fix every so many seconds, some metres off."""
    rng, out, at, carry = random.Random(3), [], start, 0.0
    step = kmh / 3.6 * every / 111_000
    for (x1, y1), (x2, y2) in pairwise(found.line):
        length = Point(x1, y1).distance(Point(x2, y2))
        while length and carry <= length:
            share = carry / length
            out.append(
                api.Fix(x1 + share * (x2 - x1) + rng.gauss(0, 3e-5), y1 + share * (y2 - y1) + rng.gauss(0, 3e-5), at)
            )
            at, carry = at + timedelta(seconds=every), carry + step
        carry -= length
    return out


@pytest.mark.django_db
def test_a_track_is_laid_on_its_roads_with_its_speed(accra):
    found = api.route([CIRCLE, MADINA])
    traced = api.trace(fixes(found, 24, timezone.now())[:240], "car")
    speeds = np.array([e.kmh for e in traced.edges if e.kmh and e.metres > 100])
    assert len(speeds) > 10 and np.median(speeds) == pytest.approx(24, rel=0.08)
    assert {e.feature for e in traced.edges} <= set(Feature.objects.values_list("id", flat=True))
    short = api.trace(fixes(found, 6, timezone.now())[3:30], "car")  # it begins and ends somewhere on a street
    assert sum(e.metres for e in short.edges) == pytest.approx(26 * 5 * 6 / 3.6, rel=0.05)
    with pytest.raises(api.NoRoute):
        api.trace([api.Fix(-0.5, 4.0, timezone.now()), api.Fix(-0.5, 4.01, timezone.now())])
    with pytest.raises(api.NoRoute):  # a tracker that speaks seldom
        api.trace([api.Fix(*CIRCLE, timezone.now()), api.Fix(*MADINA, timezone.now() + timedelta(minutes=9))])


@pytest.mark.django_db
def test_live_speeds_count_now_and_are_forgotten(accra, django_capture_on_commit_callbacks):
    before = api.route([CIRCLE, MADINA])
    traced = api.trace(fixes(before, 40, timezone.now()))
    with django_capture_on_commit_callbacks(execute=True):
        kept = api.set_speeds({e.edge: 4 for e in traced.edges} | {1 << 40: 4})
    assert kept == len({e.edge for e in traced.edges})  # one that is no road is left out
    slow = api.route([CIRCLE, MADINA])
    assert slow.seconds > before.seconds + 60
    later = api.route([CIRCLE, MADINA], at=timezone.now() + timedelta(days=1))
    assert later.seconds == pytest.approx(before.seconds, rel=0.1)
    LiveSpeed.objects.update(until=timezone.now() - timedelta(seconds=1))
    traffic.keep_fresh()
    assert api.route([CIRCLE, MADINA]).seconds == pytest.approx(before.seconds, abs=1)


@pytest.mark.django_db
def test_a_closure_outweighs_a_speed_and_the_file_agrees_with_the_tables(accra):
    edges = list(RoadEdge.objects.order_by("edge").values_list("edge", flat=True)[:3])
    api.set_speeds(dict.fromkeys(edges, 30))
    first = RoadEdge.objects.get(edge=edges[0]).geom
    Closure.objects.create(source="x", geom=first.interpolate_normalized(0.5), starts=timezone.now())
    assert traffic.refresh() > 0
    assert traffic.refresh() == 0  # again changes nothing
    with (programs.current() / "traffic.tar").open("rb") as file:
        slots = graph.traffic_slots(programs.current() / "traffic.tar")

        def word(edge):
            tile, place = graph.place(edge)
            file.seek(slots[tile][0] + 8 * place)
            return int.from_bytes(file.read(8), "little")

        assert word(edges[0]) == traffic.CLOSED and word(edges[1]) in {traffic.speed_word(30), traffic.CLOSED}
    Closure.objects.all().delete()
    LiveSpeed.objects.all().delete()
    traffic.refresh()


@pytest.mark.django_db
def test_who_may_close_a_road_and_what_is_refused(accra):
    with pytest.raises(Denied):
        api.close_road("a", "POINT(-0.21 5.57)", by=NOBODY)
    json = (
        '{"type": "Point"}',
        '{"type": "LineString", "coordinates": [1]}',
        '{"type": "Moon"}',
        "{}",
        '{"a',
        '{"type": "Point", "coordinates": [["x"]]}',
    )
    for wrong in ("rubbish", "POINT(200 5)", "POLYGON((0 0, 5 0, 5 5, 0 0))", "POINT EMPTY", "POINT(1 nan)", *json):
        with pytest.raises(api.ClosureRefused):
            api.close_road("a", wrong, by=SYSTEM)
    now = timezone.now()
    with pytest.raises(api.ClosureRefused):
        api.close_road("a", "POINT(-0.21 5.57)", by=SYSTEM, starts=now, ends=now - timedelta(hours=1))
    assert not Closure.objects.exists()
    high = '{"type": "Point", "coordinates": [-0.21, 5.57, 61]}'
    assert api.close_road("a", high, by=SYSTEM) == api.close_road("a", "POINT(-0.22 5.57)", by=SYSTEM)
    assert Closure.objects.count() == 1


@pytest.mark.django_db
def test_speeds_are_learned_by_hour_and_used_in_the_next_network(accra, shared_data):
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    before = api.route([CIRCLE, MADINA], at=monday + timedelta(days=14))
    stretch = middle(before).coords
    piece = [stretch[0], stretch[-1]]
    free = api.route(piece).seconds
    for week in range(12):
        track = fixes(before, 8, monday - timedelta(weeks=week), every=10)[:340]  # an hour on Mondays at 8
        assert api.learn_speeds(f"truck 1 week {week}", track, "car") > 10
    assert api.learn_speeds("truck 1 week 0", track, "car") == 0  # it is known
    assert set(RoadSpeed.objects.values_list("hour", flat=True)) <= {32, 33}
    with routing():
        jam = api.route(piece, at=monday + timedelta(days=14, minutes=20))
        night = api.route(piece, at=monday + timedelta(days=14, hours=16))
        assert jam.seconds > 1.5 * night.seconds
        assert night.seconds == pytest.approx(free, rel=0.2)


def test_a_profile_comes_back_from_its_cosines():
    speeds = learning.profile([(32, 1000, 600, 30)], 50)
    assert speeds[32] == pytest.approx(33 / (30 / 6 + 3 / 50)) and speeds[32] < speeds[31] < 10 < speeds[29] == 50
    terms = np.frombuffer(base64.b64decode(learning.packed_profile(speeds)), dtype=">i2").astype(float)
    terms[0] /= np.sqrt(2)
    back = np.sqrt(2 / learning.BUCKETS) * (terms @ learning._cosines())
    assert abs(back[32 * 12 + 6] - speeds[32]) < 12 and abs(back[100 * 12] - 50) < 6


@pytest.mark.django_db
def test_the_network_is_made_once_for_the_same_streets(accra):
    used = programs.current()
    assert not build.build() and programs.current() == used
    street = Feature.objects.filter(layer__slug="streets").first()
    street.attrs = {**street.attrs, "oneway": "yes"}
    street.updated = timezone.now()
    street.save()
    assert network.version() != used.name.partition("-")[0] and build.stale(network.version())


@pytest.mark.django_db
def test_without_valhalla_it_is_said(accra, monkeypatch):
    monkeypatch.setattr(programs, "serving", lambda: None)
    client.forget()
    with pytest.raises(api.RoutingUnavailable):
        api.route([CIRCLE, MADINA])
    assert not api.routing_ready()
    monkeypatch.setattr(programs, "program", lambda name: None)
    with pytest.raises(api.RoutingUnavailable, match="not installed"):
        build.build()


@pytest.mark.django_db
def test_no_way_and_no_road(accra):
    with pytest.raises(api.NoRoute):
        api.route([CIRCLE, (-0.2, 4.0)])
    assert api.nearest_road((-0.2, 4.0)) is None
    near = api.nearest_road(CIRCLE)
    assert near.metres < 500 and Feature.objects.filter(pk=near.feature).exists()


@pytest.mark.django_db
def test_the_api_answers_with_the_way_and_its_steps(accra, client, monkeypatch):
    through = ";".join(f"{lat},{lon}" for lon, lat in (CIRCLE, MADINA))
    found = client.get("/api/v1/routing/route", {"through": through, "mode": "truck"}).json()
    assert found["geometry"]["type"] == "LineString" and found["metres"] > 10_000 and found["steps"][0]["point"]
    around = client.get("/api/v1/routing/isochrone", {"point": through.split(";")[0], "minutes": 10})
    assert around["Content-Type"] == "application/geo+json" and around.json()["features"][0]["properties"] == {
        "minutes": 10
    }
    for wrong, status in (({"through": "nowhere"}, 422), ({"through": through + ";4.0,-0.2"}, 404)):
        assert client.get("/api/v1/routing/route", wrong).status_code == status
    monkeypatch.setattr("toguna.engines.territory.routing.rest.A_MINUTE", 2)
    assert client.get("/api/v1/routing/route", {"through": through}).status_code == 429


@pytest.fixture
def officer(accra):
    account = people.create_staff(
        email="voirie@mairie.test", password="long enough to be one", name="Awa", grants=[("agent", "territory", None)]
    )
    browser = Client(headers={"accept-language": "en"})
    sign_in(browser, account)
    return browser


@pytest.mark.django_db
def test_an_officer_closes_a_stretch_on_the_desk_and_everybody_is_told(
    officer, client, django_capture_on_commit_callbacks, django_assert_max_num_queries
):
    before = api.route([CIRCLE, MADINA])
    stretch = middle(before).coords
    where, until = (f"{lat:.6f}, {lon:.6f}" for lon, lat in (stretch[0], stretch[-1]))
    form = {"where": where, "until": until, "reason": "works", "words": "Pipes", "client_id": str(uuid.uuid4())}
    with django_capture_on_commit_callbacks(execute=True):
        officer.post("/desk/territory/closures/", form)
        officer.post("/desk/territory/closures/", form)  # sent twice by a bad line
    assert Closure.objects.count() == 1
    assert uses(api.route([CIRCLE, MADINA]), middle(before)) < 0.2
    assert "Pipes" in officer.get("/desk/territory/closures/").content.decode()
    with django_assert_max_num_queries(4):
        page = client.get("/map/closed-roads")
    assert "Pipes" in page.content.decode()
    assert client.get("/api/v1/routing/closures").json()["features"][0]["properties"]["reason"] == "works"
    assert client.post("/desk/territory/closures/1/open").status_code in {302, 403}
    with django_capture_on_commit_callbacks(execute=True):
        officer.post(f"/desk/territory/closures/{Closure.objects.get().pk}/open")
    assert api.route([CIRCLE, MADINA]).line == before.line
    assert "Pipes" not in client.get("/map/closed-roads").content.decode()
    refused = officer.post("/desk/territory/closures/", {"where": "rubbish", "reason": "works"}).content.decode()
    assert "This is no point, line or area." in refused


@pytest.mark.django_db
def test_a_closure_for_high_and_heavy_trucks_touches_those_alone(officer, client, django_capture_on_commit_callbacks):
    low, high, heavy = (api.Vehicle("truck", weight_t=t, height_m=m) for t, m in ((3.0, 1.9), (3.0, 2.6), (7.5, 1.9)))
    ways = {who: api.route([CIRCLE, MADINA], who) for who in ("car", low, high, heavy)}
    stretch = middle(ways[high])
    assert all(uses(way, stretch) > 0.9 for way in ways.values())
    where, until = (f"{lat:.6f}, {lon:.6f}" for lon, lat in (stretch.coords[0], stretch.coords[-1]))
    form = {
        "where": where,
        "until": until,
        "reason": "works",
        "height_m": "2",
        "weight_t": "3.5",
        "client_id": str(uuid.uuid4()),
    }
    with django_capture_on_commit_callbacks(execute=True):
        officer.post("/desk/territory/closures/", form)
    for who, way in ways.items():
        now, touched = api.route([CIRCLE, MADINA], who), who in (high, heavy)
        assert (uses(now, stretch) < 0.2) is touched and (now.line != way.line) is touched, who
        assert bool(api.trouble_on({1: (way.line, who)})[1]) is touched, who
    assert not api.trouble_on({1: (ways["car"].line, "cart")})[1], "a cart has no size, and no motor"
    assert "de plus de 2,0 m de haut" in client.get("/map/closed-roads").content.decode()
    page = officer.get("/map/closed-roads").content.decode()
    assert "Only trucks higher than 2.0 m." in page and "Only trucks heavier than 3.5 t." in page
    assert "For all that have a motor" not in page
    told = client.get("/api/v1/routing/closures").json()["features"][0]["properties"]
    assert (told["height_m"], told["weight_t"]) == (2.0, 3.5)


@pytest.mark.django_db
def test_the_process_that_serves_ends_with_valhalla_and_tells_its_port(accra):
    """What `serve` keeps alive: it answers, and when Valhalla is killed it ends, so that it is started again."""
    before = programs.serving_file().read_text()
    environment = {**os.environ, "TOGUNA_HOME": str(accra)}
    command = [sys.executable, "-m", "toguna.engines.territory.routing.process"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: programs.serving_file().read_text() != before)
            told = programs.serving()
            client.forget()
            assert api.route([CIRCLE, MADINA]).metres > 10_000
            assert [line.connection.port for line in client._kept.lines] == told.ports
            os.kill(told.pids[-1], signal.SIGKILL)
            assert process.wait(60) == 1
        finally:
            process.kill()
            programs.serving_file().write_text(before)
    assert api.route([CIRCLE, MADINA]).metres > 10_000  # the other again, on a new connection


@pytest.mark.django_db
def test_who_finds_one_valhalla_busy_asks_another_and_where_all_are_waits(accra):
    """One for each processor, held there; who asks holds a lock that a process that dies lets go."""
    told = programs.serving()
    assert told is not None
    assert [os.sched_getaffinity(pid) for pid in told.pids] == [
        {n} for n in sorted(os.sched_getaffinity(0))[: len(told.pids)]
    ]
    client.forget()
    way = api.route([CIRCLE, MADINA])
    with ExitStack() as held:
        for n in range(len(told.pids)):
            lock = held.enter_context(programs.busy_file(n).open())
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody kept one after its answer
            assert api.route([CIRCLE, MADINA]) == way
            free = told.ports[n + 1 :]
            assert not free or client._kept.lines[0].connection.port in free
    assert api.route([CIRCLE, MADINA]) == way


@pytest.mark.django_db
def test_a_thread_that_ends_leaves_no_file_open(accra):
    def asks() -> None:
        answers.append(client.ask("status", {}))

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    answers, before = [], opened()
    for _time in range(3):
        thread = threading.Thread(target=asks)
        thread.start()
        thread.join()
    assert len(answers) == 3 and opened() == before
