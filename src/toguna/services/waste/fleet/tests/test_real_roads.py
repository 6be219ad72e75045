"""On the real roads of Accra, at the speeds and with the people of a survey made on board its buses: the plan improves on the rounds as a
town drives them, and the fleet plays it through telemetry's door."""

from __future__ import annotations

import csv
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from statistics import median

import pytest
from django.apps import apps
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils import timezone

from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.engines.territory.routing import traffic
from toguna.engines.territory.routing.testing import routing
from toguna.kernel import codes, town
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs, run_jobs
from toguna.services.waste.bins import learning
from toguna.services.waste.fleet import playing
from toguna.services.waste.models import DayPlan, Depot, PresentRound, Round, Truck, Visit, WastePlace
from toguna.services.waste.rounds import demo, planning, reads, solving, speeds, stops, ways
from toguna.services.waste.rounds.problem import NEVER, Matrix, faults

pytestmark = pytest.mark.django_db


WEST, SOUTH, EAST, NORTH = -0.26, 5.56, -0.16, 5.64  # a part of the town, with the garage in its middle
GARAGE = (-0.21, 5.6)
BINS = 60
DAY = timezone.localdate() + timedelta(days=1)  # planned for: at the hours of a usual day, not as it is just now


@dataclass(frozen=True)
class Seen:
    """A stop of the survey: when the bus was there, and who got on."""

    line: str
    point: ways.Point
    at: datetime
    boarded: int


@pytest.fixture(scope="module")
def survey(shared_data) -> list[list[Seen]]:
    """Each timed run of a bus, the part of it that is in our part of the town. The survey says the hour, not the day: a week before ours."""
    with (shared_data / "surveys" / "routes.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["stop_type"] != "-9999"]
    runs = defaultdict(list)
    for row in rows:
        lon, lat = float(row["stop_lon"]), float(row["stop_lat"])
        hour, minute, second = map(int, row["timestamp"].split(":"))
        if WEST < lon < EAST and SOUTH < lat < NORTH:
            at = stops.moment_of(DAY - timedelta(days=7), hour * 3600 + minute * 60 + second)
            runs[row["trip_id"]].append(Seen(row["trip_id"], (lon, lat), at, max(0, int(row["brd_alt"]))))
    return [run for run in runs.values() if len(run) > 2]


@pytest.fixture(scope="module")
def accra(django_db_setup, django_db_blocker, shared_data, survey):
    """The roads are put once, and what a third of the survey says of them is learned; each test's own rows are rolled back. Gives what is
    expected of the way of other runs before anything is learned."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(town, "current", lambda: town.Town("Accra", "GH"))
        try:
            territory.import_file(shared_data / "osm" / "accra_bus_roads_derived.osm.pbf")
            with connection.cursor() as cursor:  # this part of the town and what is around it: a network is made twice
                around = [WEST - 0.03, SOUTH - 0.03, EAST + 0.03, NORTH + 0.05]
                cursor.execute(
                    "DELETE FROM territory_feature WHERE NOT geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326)", around
                )
            with routing():
                supposed = [driven(run) for run in survey[::6]]
                for number, run in enumerate(survey):
                    if number % 3 == 1:
                        with suppress(territory.NoRoute):
                            territory.learn_speeds(
                                f"survey:{number}", [territory.Fix(*s.point, s.at) for s in run], "truck"
                            )
            with routing():
                yield supposed
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE territory_feature, territory_layer, territory_zone, territory_import, territory_road_edge, territory_road_speed, "
                    "territory_learned_trace, territory_name, territory_word, procrastinate_jobs CASCADE"
                )


def driven(run: list[Seen]) -> tuple[float, float]:
    """(seconds that the planner expects for the way of a run, at its hour of our day; seconds that it took)."""
    expected = territory.route([s.point for s in run], "truck", run[0].at + timedelta(days=7), steps=False).seconds
    return expected, (run[-1].at - run[0].at).total_seconds()


@pytest.fixture
def fleet(accra, survey):
    """A bin at each of the places where most people get on, as full as they are many; 2 trucks, and rounds as towns cut them by hand: a
    sector each, line after line of the survey, from the end of one to the nearest beginning of another."""
    forget_jobs()
    people: dict[ways.Point, int] = defaultdict(int)
    lines: dict[str, list[ways.Point]] = defaultdict(list)
    for seen in (s for run in survey for s in run):
        spot = round(seen.point[0] / 0.0015) * 0.0015, round(seen.point[1] / 0.0015) * 0.0015
        people[spot] += seen.boarded
        lines[seen.line].append(spot)
    many = sorted(people, key=lambda spot: -people[spot])[:BINS]
    bins = WastePlace.objects.bulk_create(
        WastePlace(code=codes.make(6), kind="bin", name=f"Bin {n}", capacity=1100, point=Point(*spot, srid=4326))
        for n, spot in enumerate(many)
    )
    emptied = stops.moment_of(DAY - timedelta(days=7), 9 * 3600)
    learning.keep(
        [
            (b.pk, emptied - timedelta(days=7 * before), max(20, min(people[spot], 150)), "driver", True, uuid.uuid4())
            for b, spot in zip(bins, many, strict=True)
            for before in (0, 1)
        ]
    )
    learning.forecast()
    WastePlace.objects.create(
        code=codes.make(6), kind="dump", name="Dump", capacity=0, point=Point(-0.26, 5.65, srid=4326)
    )
    depot = Depot.objects.create(name="Garage", point=Point(*GARAGE, srid=4326))
    for number, sector in enumerate(demo._sectors(bins, GARAGE, 2)):
        truck = Truck.objects.create(
            plate=f"T-{number}", depot=depot, volume=14_000, weight=6000, begins=time(0), ends=time(23, 59), cost_km=400, cost_hour=3000, burns=380
        )  # fmt: skip
        spots = {many[bins.index(b)]: b.pk for b in sector}
        PresentRound.objects.create(truck=truck, days=list(range(1, 8)), places=line_after_line(spots, lines))


def line_after_line(spots: dict[ways.Point, int], lines: dict[str, list[ways.Point]]) -> list[int]:
    """The bins in the order in which a crew that knows the lines drives them."""
    todo, at, order = dict(spots), GARAGE, []
    while todo:
        ends = [[spot for spot in dict.fromkeys(line) if spot in todo] for line in lines.values()]
        line = min((e for e in ends if e), key=lambda e: (ways.apart(at, e[0]) - 300 * len(e), e))
        order += [todo.pop(spot) for spot in line]
        at = line[-1]
    return order


def test_roads_take_as_long_as_the_survey_says(accra, survey):
    """Runs of buses that nothing was learned from, stops included."""

    def error(rows: list[tuple[float, float]]) -> float:
        return median(abs(expected - took) / took for expected, took in rows)

    now = [driven(run) for run in survey[::6]]
    assert len(now) > 50
    assert error(accra) > 0.6, "of what map speeds promise"
    assert error(now) < 0.4
    assert sum(expected for expected, _took in now) == pytest.approx(sum(took for _expected, took in now), rel=0.15)


def test_the_round_improves_on_the_present_one_and_is_driven(fleet, live_server, monkeypatch):
    solved, solve = [], solving.solve

    def kept(problem, *given, **more):
        solved.append((problem, solve(problem, *given, **more)))
        return solved[-1][1]

    monkeypatch.setattr(solving, "solve", kept)
    plan = planning.ask(DAY, by=SYSTEM, seconds=2.0)
    run_jobs()
    plan.refresh_from_db()
    assert plan.state == "ready" and plan.by_roads, plan.says
    ((problem, made),) = solved
    assert faults(problem, made) == []
    ours, theirs = plan.figures["plan"], plan.figures["present"]["same"]
    assert ours["stops"] == theirs["stops"] == BINS and ours["tonnes"] == theirs["tonnes"]
    for figure in ("km", "hours", "litres", "co2", "money"):
        assert ours[figure] < 0.8 * theirs[figure], figure
    for one in Round.objects.filter(plan=plan):
        assert len(one.line) > one.visits.count()  # it follows roads
    planning.publish(plan.pk, by=SYSTEM)
    done = playing.play(plan, live_server.url, seconds=0, beats=12, say=lambda _words: None)
    stops = Visit.objects.filter(round__plan=plan, kind="stop")
    assert done["positions"] == 12 * plan.rounds.count() and stops.filter(state="planned").count() == 0
    assert stops.filter(state="done").count() >= 50
    rounds = reads.rounds_of(plan)
    spots = reads.positions(rounds)
    assert len(spots) == len(rounds) and all(r.state == "ended" for r in rounds)
    for one in rounds:
        assert ways.apart(spots[one.pk].point, ways.spot(one.truck.depot.point)) < 600
        assert len(telemetry.track(one.truck.device, plan.created, timezone.now())) >= 10
    assert (
        playing.play(plan, live_server.url, seconds=0, beats=2, say=lambda _words: None)["done"] == 0
    )  # the day is over


def test_roads_are_longer_than_the_crow_and_what_is_at_sea_is_reached_by_nobody(fleet):
    points = [(-0.2148, 5.5694), (-0.1650, 5.6680), (-0.2, 5.6)]
    found = ways.matrices(points, ["truck"])
    assert found.by_roads
    matrix: Matrix = found.matrices["truck"]
    assert matrix.metres[0, 1] > ways.apart(points[0], points[1]) and matrix.seconds[0, 0] == 0
    far = ways.matrices([*points, (2.0, 3.0)], ["truck"]).matrices["truck"]
    assert far.seconds[0, 3] >= NEVER and far.seconds[0, 1] == matrix.seconds[0, 1]


def drive(device: str, line: list[ways.Point], kmh: float, end, *, stands: ways.Point) -> None:
    """Positions each ten seconds along a line at that speed, until `end`; it stands for half a minute near a place."""
    found, rest, last = [], 0.0, None
    for (x, y), (to_x, to_y) in pairwise(line):
        length = ways.apart((x, y), (to_x, to_y))
        while rest < length:
            at = (x + (to_x - x) * rest / length, y + (to_y - y) * rest / length)
            near = ways.apart(at, stands) < 25
            found += [at] * (4 if near and last is not None else 1)
            last = None if near else at
            rest += kmh / 3.6 * 10
        rest -= length
    begins = end - timedelta(seconds=10 * len(found))
    heard = [
        telemetry.Observation(at=(begins + timedelta(seconds=10 * n)).timestamp(), lat=y, lon=x)
        for n, (x, y) in enumerate(found, 1)
    ]
    telemetry.ingest(device, heard, door="http")


def test_trucks_under_way_say_how_fast_it_is_driven_and_days_that_are_over_teach_it(
    fleet, django_capture_on_commit_callbacks
):
    live, learned = apps.get_model("territory", "LiveSpeed"), apps.get_model("territory", "RoadSpeed")
    begin, end = (-0.2148, 5.5694), (-0.2000, 5.5850)
    before = territory.route([begin, end], "truck")
    line = [p for n, p in enumerate(before.line) if n == 0 or p != before.line[n - 1]]
    now, truck = timezone.now(), Truck.objects.get(plate="T-0")
    tracker = telemetry.register_device("t-0", "http", telemetry.Told(service="waste", kind="tracker"), by=SYSTEM)
    Truck.objects.filter(pk=truck.pk).update(device=tracker.pk)
    bin_ = WastePlace.objects.filter(kind="bin").first()
    bin_.point = Point(*next(p for p in line if ways.apart(p, end) < 500), srid=4326)
    bin_.save()

    def started(day, at) -> Round:
        plan = DayPlan.objects.create(day=day, state="published")
        one = Round.objects.create(
            plan=plan, truck=truck, state="started", departs=at, returns=at + timedelta(hours=8), metres=1, started=at
        )
        Visit.objects.create(
            round=one,
            number=1,
            kind="stop",
            place=bin_,
            arrives=at,
            leaves=at,
            metres=1,
            volume=1,
            weight=1,
            why="full",
        )
        return one

    started(timezone.localdate(), now - timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        speeds.live()  # nobody heard of it yet
        assert not live.objects.exists()
        drive("t-0", line, 6, now, stands=ways.spot(bin_.point))
        speeds.live()
    found = sorted(live.objects.values_list("kmh", flat=True))
    assert len(found) > 3 and set(found) <= {5, 6, 7}, "what it does at a bin is no jam"
    assert territory.route([begin, end], "truck").seconds > before.seconds + 15, "routes of now know it"
    # Nothing of today is learned: the day is not over. Yesterday is, once.
    surveyed = set(learned.objects.values_list("pk", flat=True))
    speeds.learn()
    assert learned.objects.count() == len(surveyed)
    day = timezone.localdate() - timedelta(days=1)
    one = started(day, stops.moment_of(day, 9 * 3600))
    drive("t-0", line, 15, stops.moment_of(day, 10 * 3600), stands=ways.spot(bin_.point))
    speeds.learn()
    kmh = sorted(
        3.6 * metres / seconds
        for metres, seconds in learned.objects.exclude(pk__in=surveyed).values_list("metres", "seconds")
    )
    assert len(kmh) > 5 and kmh[len(kmh) // 2] == pytest.approx(15, abs=2)
    passages = list(learned.objects.order_by("pk").values_list("passages", flat=True))
    speeds.learn()
    assert passages == list(learned.objects.order_by("pk").values_list("passages", flat=True))
    assert territory.speeds_learned([f"waste.round:{one.pk}", "another"]) == {f"waste.round:{one.pk}"}
    live.objects.all().delete()
    traffic.refresh()  # the file of traffic knows nothing of a test that is rolled back
