"""A day of rounds by the doors that people use: the plan made and explained, given, driven, changed; what residents are told."""

from __future__ import annotations

import io
import itertools
import json
import random
import time as clock
import uuid
from collections import Counter
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.gis.geos import LineString, Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from toguna.engines.assets import api as assets
from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.documents.api import File
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.engines.territory.routing import programs
from toguna.engines.territory.routing.learning import hour_of_week
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.bins import learning, reactions
from toguna.services.waste.models import Call, DayPlan, Depot, Fill, Nearing, PlaceSaid, PlanChange, Round, Truck, Visit
from toguna.services.waste.rounds import (
    changing,
    coming,
    driving,
    making,
    planning,
    reads,
    solving,
    stops,
    vehicles,
    ways,
)
from toguna.services.waste.rounds.problem import NEVER, faults
from toguna.services.waste.rounds.tests.conftest import LAT, LON, place, truck
from toguna.services.waste.tests.conftest import zone

EN = {"accept-language": "en"}
RoadEdge, LiveSpeed, RoadSpeed = (
    apps.get_model("territory", name) for name in ("RoadEdge", "LiveSpeed", "RoadSpeed")
)  # as the routing writes them


def make(client, **more) -> DayPlan:
    fields = {"day": timezone.localdate().isoformat(), "client_id": str(uuid.uuid4()), **more}
    answer = client.post(reverse("desk-rounds"), fields)
    assert answer.status_code == 302, answer.content.decode()[-1500:]
    run_jobs()
    return DayPlan.objects.get(pk=int(answer["Location"].rstrip("/").split("/")[-1]))


def publish(client, plan) -> DayPlan:
    assert client.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "publish"}).status_code == 302
    plan.refresh_from_db()
    return plan


@pytest.fixture
def head(hire):
    return hire("manager")


@pytest.fixture
def driven(yard, head, hire):
    """A published plan of today, and the driver of its longest round."""
    plan = publish(head, make(head))
    one = max(plan.rounds.all(), key=lambda r: r.visits.count())
    driver = hire("agent")
    Truck.objects.filter(pk=one.truck_id).update(driver=driver.account.pk)
    return plan, one, driver


def send(driver, *records, here=None):
    body = {"account": driver.account.pk, "records": list(records), **({"here": here} if here else {})}
    return driver.post(reverse("rounds-sync"), json.dumps(body), content_type="application/json")


def record(one, do, visit=None, **more):
    where = {"kind": visit.kind, "key": stops.key_of(visit) or f"p{visit.place_id}"} if visit else {}
    return {"id": str(uuid.uuid4()), "round": one.pk, "do": do, "at": timezone.now().isoformat(), **where, **more}


def test_a_plan_is_made_explained_compared_and_given(yard, head):
    PlaceSaid.objects.create(client_id=uuid.uuid4(), place=yard.bins[0], what="full")
    plan = make(head)
    assert plan.state == "ready" and not plan.by_roads
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert (
        "Somebody said that it is full" in page
        and "Expected" in page
        and "from the one before" in page
        and "from the garage" in page
    )
    assert "as the crow flies" in page and '<svg class="rounds"' in page
    # The drawing, and the map of the streets where there is JavaScript, say of each stop its hour, its reason and the load.
    visit = Visit.objects.filter(round__plan=plan, why="said").select_related("round__truck").get()
    share = round(100 * max(visit.volume / visit.round.truck.volume, visit.weight / visit.round.truck.weight))
    told = (
        f"{timezone.localtime(visit.arrives):%H:%M} · Somebody said that it is full · the truck is then {share} % full"
    )
    assert f"<title>{visit.number}. Bin 00: {told}</title>" in page
    shown = json.loads(page.split('id="rounds-shown" type="application/json">')[1].split("</script>")[0])["features"]
    lines = [f for f in shown if f["geometry"]["type"] == "LineString"]
    assert [f["geometry"]["coordinates"] for f in lines] == [
        r.line for r in plan.rounds.order_by("truck__plate")
    ] and len({f["properties"]["colour"] for f in lines}) == 2
    (stop,) = [f for f in shown if f["properties"].get("said", "").endswith(told)]
    assert stop["geometry"]["coordinates"] == list(ways.spot(visit.place.point))
    assert {f["properties"]["name"] for f in shown if f["properties"].get("square")} == {"Depot", "Dump"}
    figures = plan.figures
    assert figures["plan"]["km"] < figures["present"]["same"]["km"] < figures["present"]["all"]["km"] + 1e-9
    assert figures["plan"]["stops"] == figures["present"]["same"]["stops"] > 5
    assert figures["plan"]["litres"] < figures["present"]["same"]["litres"]
    assert 0 < figures["plan"]["hours"] < figures["present"]["same"]["hours"]
    assert 0 < figures["plan"]["co2"] < figures["present"]["same"]["co2"]
    for of in (figures["plan"], *figures["present"].values()):
        assert of["co2"] == pytest.approx(of["litres"] * 2.68, abs=0.3), "kilograms for a litre of diesel"
        assert of["litres"] == pytest.approx(of["km"] * 0.4, abs=0.2), "what these trucks burn"
    driven = sum((r.returns - r.departs).total_seconds() for r in plan.rounds.all()) / 3600
    assert figures["plan"]["hours"] == pytest.approx(driven, abs=0.1)
    assert publish(head, plan).state == "published"
    again = make(head)
    assert publish(head, again).state == "published"
    plan.refresh_from_db()
    assert plan.state == "ready"  # one plan a day
    Round.objects.filter(plan=again).update(state="started")
    assert publish(head, plan).state == "ready"  # not under the feet of crews


def test_the_same_form_twice_is_one_plan(yard, head):
    once = str(uuid.uuid4())
    assert make(head, client_id=once).pk == make(head, client_id=once).pk
    assert DayPlan.objects.count() == 1


def test_a_trial_without_a_truck(yard, head):
    plan = make(head, without=[str(yard.trucks[0].pk)])
    assert {r.truck.plate for r in plan.rounds.all()} == {"BB-2"}
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert "AA-1" in page and "Give these rounds to the crews" not in page
    # It is given to nobody, however it is asked.
    answer = head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "publish"}, follow=True)
    assert "This is a trial. To drive like this" in answer.content.decode().split("<h1")[0]
    whole, only = make(head), make(head, dumps=[str(yard.dump.pk)])
    assert publish(head, only).state == "ready" and publish(head, plan).state == "ready"
    assert publish(head, whole).state == "published"


def test_a_trial_with_one_dump_alone(yard, head):
    other = place("dump", "Other dump", (LON - 0.03, LAT - 0.03))

    def emptied(plan: DayPlan) -> set[int]:
        return set(Visit.objects.filter(round__plan=plan, kind="dump").values_list("place", flat=True))

    whole, plan = make(head), make(head, dumps=[str(other.pk)])
    assert emptied(whole) == {yard.dump.pk, other.pk} and emptied(plan) == {other.pk}
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert "A trial" in page and "with Other dump" in " ".join(page.split())


def test_what_cannot_be_planned_says_why(yard, head):
    yard.dump.state = "closed"
    yard.dump.save()
    plan = make(head)
    assert plan.state == "failed"
    assert (
        "No dump or transfer station is open" in head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    )
    old = head.post(reverse("desk-rounds"), {"day": "2020-01-01", "client_id": str(uuid.uuid4())})
    assert old.status_code == 422


def test_a_plan_of_a_day_that_has_begun_begins_now(yard, head, monkeypatch):
    """Nobody is told an hour that is over, nor sent to a dump that has closed; at night there is nothing left of the day."""
    real, ahead = timezone.now, timedelta()
    monkeypatch.setattr(timezone, "now", lambda: real() + ahead)
    ahead = timedelta(minutes=130)  # half past nine
    plan = make(head)
    first = min(plan.rounds.values_list("departs", flat=True))
    assert first >= timezone.now() - timedelta(minutes=1)
    assert max(plan.rounds.values_list("returns", flat=True)) <= stops.moment_of(plan.day, 10 * 3600 + 1800)
    assert plan.left.exists(), "in an hour not all of it can be done"
    ahead = timedelta(hours=16, minutes=30)  # ten to midnight
    late = planning.ask(timezone.localdate(), by=SYSTEM)
    tomorrow = planning.ask(timezone.localdate() + timedelta(days=1), by=SYSTEM)
    run_jobs()
    late.refresh_from_db()
    tomorrow.refresh_from_db()
    assert (
        tomorrow.state == "ready"
        and late.state == "failed"
        and late.says == "The day of the trucks is over: plan the rounds of tomorrow."
    )
    # Asked before midnight, made after it.
    DayPlan.objects.filter(pk=late.pk).update(state="asked")
    ahead = timedelta(hours=17)
    planning.build(plan=late.pk)
    late.refresh_from_db()
    assert late.state == "failed"


def test_only_who_plans_plans(yard, hire, head):
    agent, reader = hire("agent"), hire("reader")
    assert (
        agent.post(
            reverse("desk-rounds"), {"day": timezone.localdate().isoformat(), "client_id": str(uuid.uuid4())}
        ).status_code
        == 403
    )
    plan = make(head)
    assert agent.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "publish"}).status_code == 403
    assert reader.get(reverse("desk-rounds-plan", args=[plan.pk])).status_code == 200
    assert reader.get(reverse("rounds-app")).status_code == 403
    assert Client(headers=EN).get(reverse("desk-rounds-plan", args=[plan.pk])).status_code in (302, 403)


def test_pages_ask_the_database_little(yard, head):
    plan = publish(head, make(head))
    for address, most in (("desk-rounds-plan", 22), ("desk-rounds-board", 20)):
        url = reverse(address, args=[plan.pk] if address.endswith("plan") else [])
        with CaptureQueriesContext(connection) as asked:
            assert head.get(url).status_code == 200
        assert len(asked) <= most, [q["sql"][:120] for q in asked]


def test_a_driver_works_without_network_and_sends_twice(driven, head):
    _plan, one, driver = driven
    day = driver.get(reverse("rounds-day")).json()
    assert day["round"] == one.pk and len(day["visits"]) == one.visits.count()
    stop_, other = one.visits.filter(kind="stop").order_by("number")[:2]
    dump = one.visits.filter(kind="dump").first()
    records = [
        record(one, "start"), record(one, "done", stop_, level=75), record(one, "skipped", other, reason="blocked", words="A lorry"),
        record(one, "done", dump),
    ]  # fmt: skip
    spot = {"round": one.pk, "lon": stop_.place.point.x, "lat": stop_.place.point.y, "at": timezone.now().isoformat()}
    for _ in range(2):
        answer = send(driver, *records, here=spot).json()
        assert [r["state"] for r in answer["results"]] == ["sent"] * 4 and answer["version"] == 0
    stop_.refresh_from_db()
    assert stop_.state == "done" and stop_.level == 75
    assert (
        Fill.objects.filter(
            place=stop_.place, emptied=True, level=75, source="driver", client_id=records[1]["id"]
        ).count()
        == 1
    )
    photo = {
        "account": driver.account.pk,
        "id": str(uuid.uuid4()),
        "record": records[2]["id"],
        "photo": SimpleUploadedFile("p.jpg", jpeg((64, 64)), "image/jpeg"),
    }
    assert driver.post(reverse("rounds-photo"), photo).json()["state"] == "sent"
    other.refresh_from_db()
    file = File.objects.get(subject_name="waste.visit", subject_id=other.pk)
    board = head.get(reverse("desk-rounds-board")).content.decode()
    picture = reverse("document", args=[file.public_id])
    assert picture in board and head.get(picture).status_code == 200, "the office sees why"
    assert (
        "A lorry" in board
        and "The street is blocked" in board
        and f"1 / {one.visits.filter(kind='stop').count()}" in board
    )


def test_what_is_said_of_rounds_that_were_planned_anew_counts_in_those_of_now(driven, head):
    """The crew began without network; meanwhile the head of service gave other rounds for the day."""
    plan, one, driver = driven
    visit = one.visits.filter(kind="stop").order_by("number").first()
    again = publish(head, make(head))
    assert again.state == "published" and DayPlan.objects.get(pk=plan.pk).state == "ready"
    other = again.rounds.get(truck=one.truck_id)
    mine = Visit.objects.get(round__plan=again, place=visit.place_id, kind="stop")
    gone = Visit.objects.filter(round=one, kind="stop").order_by("-number").first()
    Visit.objects.filter(round__plan=again, place=gone.place_id).delete()  # not due in the new plan
    sent = send(driver, record(one, "start"), record(one, "done", visit, level=75), record(one, "done", gone, level=25))
    assert [r["state"] for r in sent.json()["results"]] == ["sent"] * 3
    for row in (other, mine, gone):
        row.refresh_from_db()
    assert (other.state, mine.state, mine.level, gone.state) == ("started", "done", 75, "done")
    assert Fill.objects.filter(place=gone.place_id, emptied=True, level=25, source="driver").exists()


def test_a_truck_that_was_emptied_where_its_round_no_longer_goes_is_empty(driven):
    """Its telephone had the old list. A change then starts from an empty truck."""
    _plan, one, driver = driven
    stop, dump = (one.visits.filter(kind=kind).order_by("number").first() for kind in ("stop", "dump"))
    old = place("dump", "Old dump", (LON + 0.02, LAT))
    said = [record(one, "done", stop), record(one, "done", dump) | {"key": f"p{old.pk}"}]
    assert [r["state"] for r in send(driver, *said).json()["results"]] == ["sent"] * 2
    dump.refresh_from_db()
    assert (dump.state, dump.place_id) == ("done", old.pk)
    one.refresh_from_db()
    visits = list(one.visits.select_related("place", "call"))
    assert changing._start(one, visits, 8 * 3600, None).load == (0, 0)
    nowhere = record(one, "done", dump) | {"key": f"p{stop.place_id}"}
    assert send(driver, nowhere).json()["results"][0]["state"] == "refused", "a bin is no dump"


def test_a_breakdown_that_is_sent_after_midnight_is_known_to_the_garage(driven, head):
    plan, one, driver = driven
    vehicles.register([Truck.objects.select_related("depot").get(pk=one.truck_id)], by=SYSTEM)
    DayPlan.objects.filter(pk=plan.pk).update(day=timezone.localdate() - timedelta(days=1))
    for _again in range(2):  # the telephone loses the answer, and says it anew
        assert send(driver, record(one, "broken", words="Axle")).json()["results"][0]["state"] == "sent"
    one.refresh_from_db()
    plan.refresh_from_db()
    assert one.state == "broken" and plan.changing is None
    asset = Truck.objects.get(pk=one.truck_id).asset
    assert assets.state_of([asset])[asset] == assets.Asset.State.BROKEN


def test_a_photo_of_a_dump_that_was_reported_is_seen_by_those_of_its_zone(driven, hire):
    _plan, one, driver = driven
    zones = [zone("East", -8.0, 12.5, -7.9, 12.7), zone("West", -8.1, 12.5, -8.0, 12.7)]
    call = Call.objects.create(point=Point(-7.95, 12.6), zone=zones[0], name="Wild dump", volume=1500, weight=400)
    visit = one.visits.filter(kind="stop").first()
    Visit.objects.filter(pk=visit.pk).update(place=None, call=call)
    visit.refresh_from_db()
    said = record(one, "skipped", visit, reason="blocked")
    send(driver, said)
    photo = {
        "account": driver.account.pk,
        "id": str(uuid.uuid4()),
        "record": said["id"],
        "photo": SimpleUploadedFile("p.jpg", jpeg((64, 64))),
    }
    assert driver.post(reverse("rounds-photo"), photo).json()["state"] == "sent"
    picture = reverse("document", args=[File.objects.get(subject_name="waste.visit").public_id])
    assert [hire("agent", z.pk).get(picture).status_code == 200 for z in zones] == [True, False]


def jpeg(size: tuple[int, int]) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", size, "green").save(kept, "JPEG")
    return kept.getvalue()


def test_a_round_is_its_drivers_alone(driven, hire):
    _plan, one, _driver = driven
    stranger = hire("agent")
    assert stranger.get(reverse("rounds-day")).json()["round"] is None
    assert stranger.get(reverse("rounds-day"), {"round": one.pk}).json()["round"] is None
    answer = send(stranger, record(one, "done", one.visits.filter(kind="stop").first(), level=50)).json()
    assert answer["results"][0]["state"] == "refused"
    assert not one.visits.filter(state="done").exists()


def test_a_broken_record_is_refused_and_changes_nothing(driven):
    _plan, one, driver = driven
    good = record(one, "done", one.visits.filter(kind="stop").first(), level=50)
    wrong = [
        {"id": "x"}, {"round": "?"}, {"do": "fly"}, {"key": "p"}, {"key": "p999999"}, {"level": "full"}, {"kind": "nap"},
    ]  # fmt: skip
    for sent in [{}, *({**good, "id": str(uuid.uuid4()), **one} for one in wrong)]:
        assert send(driver, sent).json()["results"][0]["state"] == "refused", sent
        assert not Visit.objects.filter(state="done").exists()


def test_a_breakdown_changes_the_rounds_and_little_else(driven, head):
    given, one, driver = driven
    plan = DayPlan.objects.get(pk=given.pk)
    assert plan.rounds.count() == 2
    done = one.visits.filter(kind="stop").order_by("number").first()
    other = plan.rounds.exclude(pk=one.pk).get()
    theirs = set(other.visits.filter(kind="stop").values_list("place", flat=True))
    left = set(one.visits.filter(kind="stop").exclude(pk=done.pk).values_list("place", flat=True))
    assert (
        send(driver, record(one, "done", done, level=100), record(one, "broken", words="Puncture")).json()["results"][
            1
        ]["state"]
        == "sent"
    )
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert "being changed" in page
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 1 and plan.changing is None
    now = set(other.visits.filter(kind="stop", state="planned").values_list("place", flat=True))
    assert theirs <= now and now - theirs <= left and done.place_id not in now
    assert not one.visits.filter(state="planned").exists()
    change = plan.changes.get()
    assert change.words == "Puncture" and change.took < 10
    assert "Puncture" in head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    # What the day is worth is counted anew, with what is left of it beside the same bins in their present order.
    before, figures = given.figures, plan.figures
    one.refresh_from_db()
    assert one.metres == done.metres and figures["plan"] != before["plan"]
    assert figures["plan"]["km"] == pytest.approx(sum(plan.rounds.values_list("metres", flat=True)) / 1000, abs=0.06)
    assert figures["plan"]["stops"] == figures["present"]["same"]["stops"] == len(now) + 1
    assert figures["plan"]["stops"] + figures["plan"]["left"] == before["plan"]["stops"] + before["plan"]["left"]
    changing.change(plan=plan.pk, version=0)  # the job comes again
    assert plan.changes.count() == 1
    # The driver's telephone hears of it, and what was done meanwhile by its old list counts where it is now.
    moved = other.visits.filter(place__in=left, state="planned").first()
    assert moved is not None
    send(driver, record(one, "done", moved, level=50))
    moved.refresh_from_db()
    assert moved.state == "done"


def test_a_breakdown_leaves_nothing_while_the_others_have_time(yard, head):
    """What nobody has any more is not dearer to fetch than it was, and a promise is not dropped since another crew would keep it."""
    plan = publish(head, make(head))
    planned = set(Visit.objects.filter(round__plan=plan, kind="stop").values_list("place", flat=True))
    one, other = sorted(plan.rounds.all(), key=lambda r: -r.visits.count())
    assert Visit.objects.filter(round=one, kind="stop", why="soon").exists(), "what is worth the least"
    Truck.objects.update(ends=time(20))
    changing.ask_change(plan.pk, words="Puncture", broken=[one.truck_id], by=SYSTEM)
    run_jobs()
    assert set(other.visits.filter(kind="stop").values_list("place", flat=True)) == planned
    assert plan.changes.get().left == plan.left.count() == 0


def test_who_waits_for_a_truck_that_comes_no_more_is_told_so(driven, head):
    """All trucks stand: the bins that wait are not said to be far from full; what was fetched before, beside the garage, counts."""
    plan, one, driver = driven
    done, waiting = one.visits.filter(kind="stop").order_by("number")[:2]
    Visit.objects.filter(pk=done.pk).update(metres=0)
    send(driver, record(one, "done", done, level=100))
    everybody = list(plan.rounds.values_list("truck", flat=True))
    changing.ask_change(plan.pk, words="Fuel", broken=everybody, by=SYSTEM)
    for _time in range(2):  # before the rounds are made anew, and after
        now = coming.coming([waiting.place])[0]
        assert now.left and now.at is None and "does not come today after all" in coming.said(now)
        page = Client(headers=EN).get(reverse("truck-comes"), {"at": waiting.place.code}).content.decode()
        assert "does not come today after all" in page
        run_jobs()
    assert not coming.coming([done.place])[0].left
    plan.refresh_from_db()
    found = plan.figures["plan"]
    assert (found["trucks"], found["stops"], found["km"]) == (1, 1, 0.0) and found["tonnes"] > 0


def test_another_truck_takes_what_had_been_left(yard, head):
    """Nobody drives any more; then a truck is put into use, after the hours of its rest: it takes all."""
    plan = publish(head, make(head))
    planned = set(Visit.objects.filter(round__plan=plan, kind="stop").values_list("place", flat=True))
    changing.ask_change(plan.pk, words="Fuel", broken=[t.pk for t in yard.trucks], by=SYSTEM)
    run_jobs()
    plan.refresh_from_db()
    assert plan.changing is None and set(plan.left.values_list("place", "why")) == {(pk, "no_room") for pk in planned}
    assert not Visit.objects.filter(round__plan=plan, state="planned").exists()
    truck("CC-3", yard.depot, ends=time(20), pause_from=time(7), pause_until=time(7, 10), pause_minutes=30)
    changing.ask_change(plan.pk, words="A truck of the neighbours", by=SYSTEM)
    run_jobs()
    one = plan.rounds.get(truck__plate="CC-3")
    assert set(one.visits.filter(kind="stop").values_list("place", flat=True)) == planned
    assert not plan.left.exists() and plan.changes.last().left == 0


def test_what_is_left_is_in_the_plan_of_the_next_day(yard, head):
    """No time left for most: all of it is due tomorrow, and the page says so."""
    plan = publish(head, make(head))
    stop = stops.of_time(timezone.localtime().time()) + 1800
    Truck.objects.update(ends=time(stop // 3600, stop // 60 % 60))
    changing.ask_change(plan.pk, words="A jam", by=SYSTEM)
    run_jobs()
    left = {f"p{pk}" for pk in plan.left.values_list("place", flat=True)}
    assert len(left) > 5
    tomorrow = make(head, day=(timezone.localdate() + timedelta(days=1)).isoformat())
    assert left <= {d.key for d in stops.due(tomorrow.day)}
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert f"Left for another day: {len(left)}." in page and "They are in the plan of the next day." in page


def test_what_happens_while_rounds_are_changed_is_not_lost(yard, head, hire, monkeypatch):
    """A second truck breaks down, and a dump closes, while the rounds are made anew for the first: one change, for all of it."""
    plan = publish(head, make(head))
    other = place("dump", "Other dump", (LON - 0.03, LAT - 0.03))
    truck("CC-3", yard.depot, ends=time(20))
    first, second = plan.rounds.order_by("pk")[:2]
    drivers = {}
    for one in (first, second):
        drivers[one.pk] = hire("agent")
        Truck.objects.filter(pk=one.truck_id).update(driver=drivers[one.pk].account.pk)
    solve, solved = making.make, []

    def slow(*given, **more):
        found = solve(*given, **more)
        solved.append(found)
        if len(solved) == 1:
            send(drivers[second.pk], record(second, "broken", words="Engine"))
            asked = {"do": "change", "words": "The dump is shut", "dumps": [str(other.pk)]}
            head.post(reverse("desk-rounds-act", args=[plan.pk]), asked)
        return found

    monkeypatch.setattr(making, "make", slow)
    send(drivers[first.pk], record(first, "broken", words="Puncture"))
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 1 and plan.changing is None and len(solved) == 2
    assert plan.changes.get().words == "Puncture; Engine; The dump is shut"
    left = Visit.objects.filter(round__plan=plan, state="planned")
    assert {v.round.truck.plate for v in left.select_related("round__truck")} == {"CC-3"}
    assert set(left.filter(kind="dump").values_list("place", flat=True)) == {other.pk}
    # What is closed stays so in the next change, until somebody says which are open.
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    assert f'value="{other.pk}" id="id_dumps_1" checked' in page
    for ticked, open_ in (([], {other.pk}), ([str(yard.dump.pk)], {yard.dump.pk})):
        head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "change", "words": "Jam", "dumps": ticked})
        run_jobs()
        assert set(left.filter(kind="dump").values_list("place", flat=True)) == open_


def test_a_truck_that_goes_home_while_rounds_are_changed_is_given_nothing(driven, monkeypatch):
    plan, one, driver = driven
    other = plan.rounds.exclude(pk=one.pk).get()
    solve, solved = making.make, []

    def slow(*given, **more):
        solved.append(1)
        found = solve(*given, **more)
        if len(solved) == 1:
            assert send(driver, record(one, "end")).json()["results"][0]["state"] == "sent"
        return found

    monkeypatch.setattr(making, "make", slow)
    changing.ask_change(plan.pk, words="A road is closed", by=SYSTEM)
    run_jobs()
    plan.refresh_from_db()
    assert (plan.version, plan.changing, len(solved)) == (1, None, 2)
    waiting = Visit.objects.filter(round__plan=plan, state="planned", kind="stop")
    assert set(waiting.values_list("round", flat=True)) == {other.pk}


def test_a_change_starts_from_where_a_truck_is_and_what_it_carries(driven):
    plan, one, driver = driven
    tracker = telemetry.register_device("truck-1", "http", telemetry.Told(service="waste", kind="tracker"), by=SYSTEM)
    Truck.objects.filter(pk=one.truck_id).update(device=tracker.pk)
    now = timezone.now()

    def heard(minutes: int, lon: float) -> None:
        at = (now - timedelta(minutes=minutes)).timestamp()
        telemetry.ingest("truck-1", [telemetry.Observation(at=at, lat=LAT, lon=lon)], door="http")

    def changed() -> tuple[tuple[float, float], int, int]:
        """Where the rest of its day begins, and what is on board then."""
        changing.ask_change(plan.pk, words="A road is closed", by=SYSTEM)
        run_jobs()
        one.refresh_from_db()
        first = one.visits.filter(state="planned").order_by("number").first()
        return tuple(one.line[0]), first.volume - first.takes, first.weight - first.takes_kg

    def at(visit) -> object:
        return pytest.approx(ways.spot(visit.place.point), abs=1e-5)

    first = one.visits.filter(kind="stop").order_by("number").first()
    kilograms = first.takes_kg * 330 / first.takes
    phone = {"round": one.pk, "lon": LON + 0.05, "lat": LAT, "at": (now - timedelta(minutes=45)).isoformat()}
    send(driver, record(one, "done", first, level=50, at=(now - timedelta(minutes=40)).isoformat()), here=phone)
    heard(35, LON + 0.01)  # it may be anywhere by now
    assert changed() == (at(first), 330, pytest.approx(kilograms, abs=1))
    heard(5, LON - 0.01)
    assert changed() == (pytest.approx((LON - 0.01, LAT), abs=1e-5), 330, pytest.approx(kilograms, abs=1))
    second = one.visits.filter(kind="stop", state="planned").order_by("number").first()
    send(driver, record(one, "done", second, level=75))  # done since it was heard
    assert changed()[:2] == (at(second), 330 + 495)


def test_a_change_is_asked_by_who_plans(driven, head, hire):
    plan, one, _driver = driven
    asked = {"do": "change", "words": "The dump road is closed", "broken": [str(one.truck_id)]}
    assert hire("agent").post(reverse("desk-rounds-act", args=[plan.pk]), asked).status_code == 403
    head.post(reverse("desk-rounds-act", args=[plan.pk]), asked)
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 1 and plan.changes.get().words == "The dump road is closed"


def test_a_closed_road_on_the_way_proposes_a_change(driven, head, hire):
    plan, one, _driver = driven
    before = head.get(reverse("desk-rounds-board")).content.decode()
    assert "On the way" not in before
    lon, lat = one.line[len(one.line) // 2]
    territory.close_road("reports:1", f"POINT({lon} {lat})", by=SYSTEM, words="A lorry lies across")
    territory.close_road("reports:2", f"POINT({lon + 0.2} {lat})", by=SYSTEM, words="Far away")
    page = head.get(reverse("desk-rounds-board")).content.decode()
    assert "Closed: A lorry lies across" in page and "Far away" not in page
    territory.close_road("desk:3", f"POINT({lon} {lat})", by=SYSTEM, words="A weak bridge", weight_t=20)
    assert "A weak bridge" not in head.get(reverse("desk-rounds-board")).content.decode()
    Truck.objects.filter(pk=one.truck_id).update(gross=24_000)
    assert "A weak bridge" in head.get(reverse("desk-rounds-board")).content.decode()
    territory.open_road("desk:3", by=SYSTEM)
    asked = {"do": "change", "words": "Closed: A lorry lies across"}
    assert head.post(reverse("desk-rounds-act", args=[plan.pk]), asked).status_code == 302
    assert "being changed" in head.get(reverse("desk-rounds-board")).content.decode()
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 1 and plan.changes.get().words == asked["words"]
    # It is settled by the change, and not proposed again.
    PlanChange.objects.update(at=timezone.now())
    assert "A lorry lies across" not in head.get(reverse("desk-rounds-board")).content.decode()


def test_a_jam_on_the_way_proposes_a_change(driven, head, monkeypatch):
    """Where it is driven at far less than what was learned for this hour, on the way of a truck, and for more than a crossing."""
    plan, one, _driver = driven
    monkeypatch.setattr(programs, "current", lambda: Path("roads-1"))
    (x, y), (to_x, to_y) = one.line[-2:]
    now, far = timezone.now(), (x + 0.3, y)

    def road(number: int, kmh: int, learned: int | None, start=(x, y), passages=3, network="roads-1", until=10) -> None:
        """Three pieces of 60 m on the last leg of the round, or elsewhere. Their kind says 50 km/h."""
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        step = (0.00055 * (to_x - x) / length, 0.00055 * (to_y - y) / length)
        for n in range(3):
            edge, at = number * 10 + n, (start[0] + step[0] * (n + 1), start[1] + step[1] * (n + 1))
            line = LineString(at, (at[0] + step[0], at[1] + step[1]), srid=4326)
            RoadEdge.objects.create(
                network=network, edge=edge, feature=edge, forward=True, metres=60, kmh=50, geom=line
            )
            LiveSpeed.objects.create(network=network, edge=edge, kmh=kmh, until=now + timedelta(minutes=until))
            if learned:
                RoadSpeed.objects.create(
                    feature=edge, forward=True, hour=hour_of_week(now), metres=1000 * learned, seconds=3600, passages=passages
                )  # fmt: skip

    def board() -> str:
        return head.get(reverse("desk-rounds-board")).content.decode()

    road(1, 9, 40, far)  # slow, elsewhere
    road(2, 9, 40, until=-1)  # it was slow
    road(3, 21, 40)  # not half as fast is what counts: this is
    road(4, 22, None)  # its kind of road says 50; less than 25 would be a jam of its own
    RoadEdge.objects.filter(edge__in=(41, 42)).delete()  # but 60 m are a crossing
    road(5, 9, 40, network="roads-0")  # of a network of before
    assert "Traffic jam" not in board()
    LiveSpeed.objects.filter(network="roads-1", edge__in=(30, 31, 32)).update(kmh=8)
    RoadEdge.objects.filter(edge=40).delete()
    words = "Traffic jam: 8 km/h instead of 40 over 180 m"
    page = board()
    assert words in page and one.truck.plate in page
    RoadSpeed.objects.update(passages=2)  # two passages teach nothing: what its kind of road says is usual
    assert "8 km/h instead of 50" in board()
    RoadSpeed.objects.update(passages=3)
    assert head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "change", "words": words}).status_code == 302
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 1 and plan.changes.get().words == words


def test_reports_join_the_next_round_and_are_answered(driven, head, report_case):
    wild, full = (
        report_case("waste-pile"),
        report_case("full-bin", driven[1].visits.filter(kind="stop").first().place.point),
    )
    run_jobs()
    call = Call.objects.get(case=wild.pk)
    assert (
        PlaceSaid.objects.filter(done=None, what="full").count() == 1 and not Call.objects.filter(case=full.pk).exists()
    )
    due = {d.key: d for d in stops.due(timezone.localdate())}
    assert due[f"c{call.pk}"].why == "call" and "said" in {d.why for d in due.values()}
    _plan, one, driver = driven
    Visit.objects.filter(round=one, number=1).update(place=None, call=call, kind="stop", why="call")
    visit = one.visits.get(number=1)
    said = record(one, "done", visit)
    for _again in range(2):
        send(driver, said)
    call.refresh_from_db()
    assert call.state == "done" and wild.steps.filter(text__contains="fetched").count() == 1
    work, stops_ = wild.works.get(), one.visits.filter(kind="stop").count()
    visit.refresh_from_db()
    whole = making.money(one.truck, one.metres, int((one.returns - one.departs).total_seconds()))
    assert (work.cost, work.at, work.account) == (
        whole // stops_,
        visit.at,
        None,
    ) and work.cost > 0 < work.minutes < 120


def test_a_report_that_is_closed_is_not_fetched(yard, report_case):
    wild = report_case("waste-pile")
    run_jobs()
    cases.Case.objects.filter(pk=wild.pk).update(open=False, state="refused")
    reactions.on_case_moved(cases.CaseMoved(wild.pk, "reports", 1, "new", "refused"))
    assert Call.objects.get(case=wild.pk).state == "ended"


def test_residents_see_when_the_truck_comes(driven):
    _plan, one, driver = driven
    visit = one.visits.filter(kind="stop").order_by("number")[2]
    page = Client(headers=EN).get(reverse("truck-comes"), {"at": visit.place.code})
    assert visit.place.name in page.content.decode() and "–" in page.content.decode()
    around = (
        Client(headers=EN)
        .get(reverse("truck-comes"), {"at": f"{visit.place.point.y}, {visit.place.point.x}"})
        .content.decode()
    )
    assert visit.place.name in around
    assert Client(headers=EN).get(reverse("truck-comes-place", args=[visit.place.code])).status_code == 200
    assert '<svg class="rounds"' not in around  # no truck is under way
    near = {"lon": visit.place.point.x, "lat": visit.place.point.y + 0.01, "at": timezone.now().isoformat()}
    send(driver, record(one, "start"), here=near)
    now = Client(headers=EN).get(reverse("truck-comes-place", args=[visit.place.code])).content.decode()
    beside = place("bin", "Beside it", (visit.place.point.x + 0.0005, visit.place.point.y), capacity=660)
    assert coming.near(ways.spot(beside.point))[0] == beside, "no truck comes there"
    assert coming.served(ways.spot(beside.point)) == visit.place, (
        "who says a landmark is told of the one that it comes to"
    )
    assert "It is 1110 m from this bin" in now and '<svg class="rounds"' in now and one.truck.plate in now
    send(driver, record(one, "done", visit, level=50))
    assert "Emptied today" in Client(headers=EN).get(reverse("truck-comes"), {"at": visit.place.code}).content.decode()


def said(address: str) -> list[str]:
    return list(channels.Message.objects.filter(address=address).order_by("pk").values_list("text", flat=True))


def test_an_sms_asks_and_one_comes_when_the_truck_is_near(driven):
    _plan, one, driver = driven
    first, second = one.visits.filter(kind="stop").order_by("number")[:2]
    phone = "+22370000001"
    channels.receive("sms", phone, f"TRUCK {second.place.code}", reference="k0")
    run_jobs()
    assert "truck today between" in said(phone)[-1], "the time at once, before anything is asked"
    channels.receive("sms", phone, "1", reference="k1")
    run_jobs()
    assert second.place.name in said(phone)[-1] and "near" in said(phone)[-1]
    coming.tell_near()
    before = len(said(phone))
    send(driver, record(one, "start"), record(one, "done", first, level=50), here={
        "round": one.pk, "lon": second.place.point.x, "lat": second.place.point.y, "at": timezone.now().isoformat(),
    })  # fmt: skip
    page = Client(headers={"accept-language": "en"}).get(f"/truck/{second.place.code}").content.decode()
    assert "It is 0 m from" in page and "Where the truck is now" in page
    for _ in range(2):
        coming.tell_near()
    assert len(said(phone)) == before + 1 and "near" in said(phone)[-1]
    channels.receive("sms", phone, "TRUCK STOP", reference="k9")
    run_jobs()
    assert not Nearing.objects.exists()


def test_a_round_that_is_played_tells_a_resident_once_in_their_language(driven, monkeypatch):
    """The tracker speaks over HTTP, the crew by its telephone, an SMS is looked for after each word of either."""
    _plan, one, driver = driven
    monkeypatch.setattr(clock, "time", lambda: timezone.now().timestamp())  # the same morning for devices
    tracker = telemetry.register_device("truck-1", "http", telemetry.Told(service="waste", kind="tracker"), by=SYSTEM)
    Truck.objects.filter(pk=one.truck_id).update(device=tracker.pk)
    first, *_others, last = one.visits.filter(kind="stop").order_by("number").select_related("place")
    french, late = "+22370000021", "+22370000022"
    for n, words in enumerate((f"CAMION {last.place.code}", "1")):
        channels.receive("sms", french, words, reference=f"f{n}")
        run_jobs()
    asked, came, seconds = len(said(french)), {}, itertools.count()

    def heard(visit: Visit) -> None:
        """Where it is, said twice by the line; the job that looks each minute, twice."""
        x, y = ways.spot(visit.place.point)
        body = json.dumps({"at": timezone.now().timestamp() + next(seconds) / 100, "lat": y, "lon": x, "speed": 5})
        for _twice in range(2):
            key = {"Authorization": f"Bearer {telemetry.key_of(tracker)}"}
            answer = Client(headers=key).post("/telemetry/in/truck-1", body, content_type="application/json")
            assert answer.status_code == 202
            coming.tell_near()
        if len(said(french)) > asked:
            came.setdefault("at", visit.number)

    send(driver, record(one, "start"))
    for visit in one.visits.exclude(place=None).order_by("number").select_related("place"):
        heard(visit)
        if visit == first:
            assert not came, "it has all its stops to do"
        send(driver, record(one, "done", visit, level=60))
        coming.tell_near()
        if visit == first:
            coming.ask(late, "pt", first.place)
    assert said(french)[asked:] == [f"Le camion des ordures est près de {last.place.name}. Sortez vos déchets."]
    assert first.number < came["at"] <= last.number
    heard(last)  # again, and the stop is done
    assert len(said(french)) == asked + 1 and said(late) == []


def test_who_asks_from_a_chat_hears_it_there(driven):
    _plan, one, driver = driven
    first, second = one.visits.filter(kind="stop").order_by("number")[:2]
    chats = {"telegram": "telegram:5", "facebook": "facebook:24680135792468013579"}
    for medium, address in chats.items():
        channels.receive(medium, address, f"TRUCK {second.place.code}", reference=f"{medium}0")
        channels.receive(medium, address, "1", reference=f"{medium}1")
        assert "You get a message when it is near" in said(address)[-1]
    send(driver, record(one, "start"), record(one, "done", first, level=50), here={
        "round": one.pk, "lon": second.place.point.x, "lat": second.place.point.y, "at": timezone.now().isoformat(),
    })  # fmt: skip
    coming.tell_near()
    last = channels.Message.objects.filter(key__startswith="waste.near:")
    assert {(row.medium, row.address) for row in last} == set(chats.items())


def test_who_is_forgotten_hears_no_more(yard):
    person = people.person_for(name="Awa", phone="+22370000009")
    coming.ask("+22370000009", "en", yard.bins[0])
    assert coming.export(person.pk)[0]["place"] == yard.bins[0].name
    coming.forget(person.pk)
    assert not Nearing.objects.exists()


def test_a_sensor_and_a_tracker_are_heard(driven, head):
    _plan, one, _driver = driven
    bin_ = one.visits.filter(kind="stop").last().place
    sensor = telemetry.register_device("bin-1", "http", telemetry.Told(service="waste"), by=SYSTEM)
    tracker = telemetry.register_device("truck-1", "http", telemetry.Told(service="waste", kind="tracker"), by=SYSTEM)
    bin_.device = sensor.pk
    bin_.save()
    Truck.objects.filter(pk=one.truck_id).update(device=tracker.pk)
    now = timezone.now()
    telemetry.ingest("bin-1", [telemetry.Observation(at=now.timestamp(), values={"fill": 88})], door="http")
    telemetry.ingest("truck-1", [telemetry.Observation(at=now.timestamp(), lat=12.6, lon=-8.0, speed=20)], door="http")
    for _ in range(2):
        reactions.listen()
    assert Fill.objects.filter(place=bin_, source="sensor", level=88).count() == 1
    learning.forecast()
    bin_.refresh_from_db()
    assert 85 < bin_.forecast.level < 95 and bin_.forecast.full < now + timedelta(days=2)
    spot = reads.positions([Round.objects.select_related("truck").get(pk=one.pk)])[one.pk]
    lines = head.get(reverse("desk-rounds-board")).context["lines"]
    assert spot.point == (-8.0, 12.6) and [line["spot"] for line in lines if line["spot"]] == [spot]


def sound(plan: DayPlan, due: set[str], *, whole: bool = True) -> None:
    """The rows that are kept of a plan: each bin once, no truck over what it holds or carries, each round emptied last, and at each transfer
    point what carts brought is fetched once, after they came, by a truck that takes it elsewhere; all of it, or (whole=False) what is not is left."""
    visits = list(Visit.objects.filter(round__plan=plan).select_related("round__truck").order_by("round", "number"))
    found = Counter(key for v in visits if (key := stops.key_of(v)) and v.why != "point")
    left = {f"p{row.place_id}" if row.place_id else f"c{row.call_id}" for row in plan.left.exclude(facts__why="point")}
    assert set(found.values()) == {1} and set(found) | left == due and not set(found) & left
    brought, fetched, last, points = Counter(), Counter(), {}, {}
    for one in plan.rounds.select_related("truck"):
        litres, kilograms, small, kind, fetches = 0, 0, one.truck.mode != "truck", "", set()
        for visit in (v for v in visits if v.round_id == one.pk):
            if visit.kind == "dump":
                assert visit.place_id not in fetches, "it would leave there what it fetched there"
                if small:
                    brought[visit.place_id] += litres
                    last[visit.place_id] = max(last.get(visit.place_id, visit.leaves), visit.leaves)
                litres = kilograms = 0
            elif visit.kind == "stop":
                litres, kilograms = litres + visit.takes, kilograms + visit.takes_kg
                assert litres <= one.truck.volume and kilograms <= one.truck.weight
                if visit.why == "point":
                    assert not small
                    fetches.add(visit.place_id)
                    fetched[visit.place_id] += visit.takes
                    points[visit.place_id] = max(points.get(visit.place_id, visit.arrives), visit.arrives)
            kind = visit.kind if visit.kind != "pause" else kind
        assert kind in ("dump", "") or one.state == "broken", "emptied last; or it has nothing to do"
    if whole or not plan.left.filter(facts__why="point").exists():
        assert fetched == brought and all(points[key] >= last[key] for key in points)
    else:
        assert fetched < brought, "what trucks have no time for is said to be left"


@pytest.fixture
def carts(yard):
    """Two carts that feed a transfer point in the middle of the yard."""
    station = place("station", "Transfer point", (LON + 0.002, LAT + 0.002))
    for plate in ("CART-1", "CART-2"):
        truck(
            plate, yard.depot, mode="cart", volume=1400, weight=700, begins=time(6), ends=time(20), cost_km=0, cost_hour=300, cost_day=0, burns=0
        )  # fmt: skip
    Truck.objects.filter(mode="truck").update(ends=time(23))
    return station


def test_carts_feed_a_transfer_point_that_a_truck_empties(yard, carts, head):
    due = {d.key for d in stops.due(timezone.localdate())}
    plan = make(head)
    sound(plan, due)
    by_carts = Visit.objects.filter(round__plan=plan, round__truck__mode="cart", kind="stop")
    assert by_carts.count() > 1
    points = Visit.objects.filter(round__plan=plan, why="point")
    assert points.count() > 1, "they bring more than a truck holds"
    assert {v.place_id for v in points} == {carts.pk}
    assert plan.figures["plan"]["stops"] + plan.figures["plan"]["left"] == len(due), "the point is no bin"


def test_a_change_counts_what_carts_brought_once(yard, carts, head, hire):
    due = {d.key for d in stops.due(timezone.localdate())}
    plan = publish(head, make(head))
    cart = max(plan.rounds.filter(truck__mode="cart"), key=lambda r: r.visits.filter(kind="dump").count())
    driver = hire("agent")
    Truck.objects.filter(pk=cart.truck_id).update(driver=driver.account.pk)
    done = []
    for visit in cart.visits.order_by("number"):
        done.append(record(cart, "done", visit, level=75))
        if visit.kind == "dump":
            break
    rest = cart.visits.filter(kind="stop", number__gt=len(done)).first()
    assert rest is not None, "it goes on, with a load"
    done.append(record(cart, "done", rest, level=75))
    assert {r["state"] for r in send(driver, *done).json()["results"]} == {"sent"}

    def change(words: str) -> None:
        asked = {"do": "change", "words": words}
        assert head.post(reverse("desk-rounds-act", args=[plan.pk]), asked).status_code == 302
        run_jobs()
        plan.refresh_from_db()
        assert plan.changing is None and plan.changes.filter(words=words).exists()
        sound(plan, due)

    change("A road is closed")
    # A truck comes sooner than all carts have: what they bring since is fetched once more, and only that.
    point = Visit.objects.filter(round__plan=plan, why="point").order_by("arrives").first()
    heap = sum(v.takes for v in cart.visits.filter(kind="stop", state="done").exclude(pk=rest.pk))
    assert 0 < heap < point.takes
    Visit.objects.filter(pk=point.pk).update(state="done", at=timezone.now(), takes=heap, arrives=timezone.now())
    head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "change", "words": "Again"})
    run_jobs()
    assert plan.changes.filter(words="Again").exists()
    points = Visit.objects.filter(round__plan=plan, why="point").values_list("takes", flat=True)
    by_carts = Visit.objects.filter(round__plan=plan, round__truck__mode="cart", kind="stop")
    assert sum(points) == sum(by_carts.values_list("takes", flat=True)) and list(points).count(heap) == 1
    assert Visit.objects.filter(pk=point.pk, state="done").exists()


def test_what_a_broken_cart_carries_is_fetched(yard, carts, head, hire):
    due = {d.key for d in stops.due(timezone.localdate())}
    plan = publish(head, make(head))
    cart = max(plan.rounds.filter(truck__mode="cart"), key=lambda r: r.visits.count())
    driver = hire("agent")
    Truck.objects.filter(pk=cart.truck_id).update(driver=driver.account.pk)
    first = cart.visits.order_by("number").first()
    send(driver, record(cart, "done", first, level=90))
    send(driver, here={"round": cart.pk, "lon": LON + 0.004, "lat": LAT, "at": timezone.now().isoformat()})
    first.refresh_from_db()
    broken = record(cart, "broken", words="A wheel")
    for _twice in range(2):
        send(driver, broken)
        run_jobs()
    call = Call.objects.get()
    assert (call.volume, call.weight) == (first.takes, first.takes_kg) and call.point.coords == (LON + 0.004, LAT)
    visit = Visit.objects.get(call=call)
    assert visit.state == "planned" and visit.round.state != "broken" and visit.round_id != cart.pk
    sound(plan, due | {f"c{call.pk}"})
    assert "Load of CART" in head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()


def test_what_nobody_fetched_at_a_transfer_point_is_in_the_plan_of_the_next_day(yard, carts, head):
    plan = publish(head, make(head))
    brought = Visit.objects.filter(round__plan=plan, round__truck__mode="cart")
    brought.update(state="done", at=F("leaves"))
    left = sum(v.takes for v in brought.filter(kind="stop"))
    Truck.objects.filter(mode="cart").update(active=False)
    tomorrow = make(head, day=(timezone.localdate() + timedelta(days=1)).isoformat())
    points = Visit.objects.filter(round__plan=tomorrow, why="point")
    assert left > 0 and sum(v.takes for v in points) == left


def test_a_cart_that_is_late_holds_nothing_up(yard, carts, head):
    """One cart works when the trucks are home: what the other brings is fetched, in parts as it comes."""
    Truck.objects.filter(mode="truck").update(ends=time(15))
    Truck.objects.filter(plate="CART-1").update(ends=time(13))
    Truck.objects.filter(plate="CART-2").update(begins=time(15), ends=time(20))
    plan = make(head)
    early, late = (plan.rounds.get(truck__plate=plate).visits.filter(kind="stop") for plate in ("CART-1", "CART-2"))
    points = Visit.objects.filter(round__plan=plan, why="point")
    assert sum(v.takes for v in points) == sum(v.takes for v in early) > 0
    assert late.exists() and {row.why for row in plan.left.filter(facts__why="point")} == {"window"}
    rows = [(8 * 3600, 700, 300), (9 * 3600, 700, 300), (12 * 3600, 600, 200)]
    assert list(making._parts(rows, (1000, 1000))) == [(9 * 3600, 1000, 400), (12 * 3600, 1000, 400)]
    assert list(making._parts(rows, (5000, 5000))) == [(12 * 3600, 2000, 800)] and not list(making._parts([], (1, 1)))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_day_its_plan_and_its_changes_can_be_driven(yard, carts, head, monkeypatch, seed):
    """Two garages, rests, carts that feed a transfer point, bins with hours; then two changes, with some of it done and somebody out."""
    draw = random.Random(seed)
    far = Depot.objects.create(name="Other garage", point=Point(LON - 0.025, LAT - 0.025, srid=4326))
    truck("CC-3", far, mode=draw.choice(("truck", "tricycle")), volume=5000, weight=2500, ends=time(18))
    for one in Truck.objects.all():
        one.depot, one.ends = draw.choice((far, yard.depot)), time(draw.randint(14, 20))
        if draw.random() < 0.7:
            one.pause_from, one.pause_until, one.pause_minutes = time(11), time(13), 30
        one.save()
    for bin_ in draw.sample(yard.bins, 6):
        bin_.hours = [{"days": list(range(1, 8)), "from": "08:00", "to": "12:00"}]
        bin_.save()
    problems, solve = [], solving.solve
    monkeypatch.setattr(
        solving, "solve", lambda p, *given, **more: problems.append((p, solve(p, *given, **more))) or problems[-1][1]
    )
    due = {d.key for d in stops.due(timezone.localdate())}
    plan = publish(head, make(head))
    sound(plan, due, whole=False)
    for out in draw.sample(sorted(plan.rounds.values_list("truck", flat=True)), 2):
        for one in plan.rounds.exclude(state="broken"):
            for visit in one.visits.filter(state="planned").order_by("number")[: draw.randint(0, 4)]:
                assert driving.apply(record(one, "done", visit, level=80), by=SYSTEM).state == "sent"
        head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "change", "words": "It happened", "broken": [out]})
        run_jobs()
        due |= {f"c{pk}" for pk in Call.objects.values_list("pk", flat=True)}
        visits = Visit.objects.filter(round__plan=plan)
        found = Counter(key for v in visits if (key := stops.key_of(v)) and v.why != "point")
        left = {
            f"p{row.place_id}" if row.place_id else f"c{row.call_id}" for row in plan.left.exclude(facts__why="point")
        }
        assert set(found.values()) == {1} and set(found) | left == due and not set(found) & left
        assert not visits.filter(round__state="broken", state="planned").exists()
    assert len(problems) >= 4
    for problem, made in problems:
        assert faults(problem, made) == []


def test_hours_are_those_of_the_roads_when_they_are_driven(yard, head, monkeypatch):
    """Until eight, roads take twice as long. The plan is made with what they take in the middle of the day, and says when trucks come."""
    asked = []

    def ask(action, question):
        at = question["date_time"].get("value", "now")
        asked.append((action, at))
        slow = 2 if at[-5:] < "08:00" else 1
        if action == "sources_to_targets":
            ends = [[(p["lon"], p["lat"]) for p in question[key]] for key in ("sources", "targets")]
            found = ways.straight([*ends[0], *ends[1]], "truck")
            many = len(ends[0])
            tables = [(t[:many, many:] * share).tolist() for t, share in ((found.seconds, slow), (found.metres, 0.001))]
            return {"sources_to_targets": {"durations": tables[0], "distances": tables[1]}}
        points = [(p["lon"], p["lat"]) for p in question["locations"]]
        legs = [ways.straight(pair, "truck") for pair in pairwise(points)]
        said = [{"summary": {"time": int(m.seconds[0, 1]) * slow, "length": 1.0}, "shape": ""} for m in legs]
        return {"trip": {"summary": {"time": 1, "length": 1.0}, "legs": said}}

    monkeypatch.setattr("toguna.engines.territory.routing.routes.ask", ask)
    tomorrow = timezone.localdate() + timedelta(days=1)
    plan = make(head, day=tomorrow.isoformat())
    assert plan.state == "ready" and plan.by_roads, plan.says
    assert {at for action, at in asked if action == "sources_to_targets"} == {f"{tomorrow}T08:45"}
    shares = []
    for one in plan.rounds.select_related("truck__depot"):
        here, free = one.truck.depot.point, one.departs
        for visit in one.visits.select_related("place").order_by("number"):
            leg = int(ways.straight([ways.spot(here), ways.spot(visit.place.point)], "truck").seconds[0, 1])
            shares.append((free.hour, round((visit.arrives - free).total_seconds() / leg, 1)))
            here, free = visit.place.point, visit.leaves
        assert one.departs.hour == 7 and one.returns <= stops.moment_of(tomorrow, 10 * 3600 + 1800)
        assert one.returns - free > timedelta(seconds=60)
    assert {share for hour, share in shares if hour == 7} == {2.0} and {s for h, s in shares if h > 8} == {1.0}
    # In mid-day, the roads are those of now.
    asked.clear()
    plan = publish(head, make(head))
    assert {at for action, at in asked if action == "sources_to_targets"} == {f"{timezone.localdate()}T08:45"}
    asked.clear()
    changing.ask_change(plan.pk, words="A jam", by=SYSTEM)
    changing.change(plan=plan.pk, version=0)
    assert asked[0] == ("sources_to_targets", "now") and {at for action, at in asked if action == "route"} == {"now"}
    # The present rounds beside a plan are driven at the same hours: slow in the first.
    asked.clear()
    run_jobs()
    assert f"{timezone.localdate()}T07:00" in {at for action, at in asked if action == "route"}
    at_their_hours = making.present(tomorrow, yard.trucks, stops.dumps(tomorrow), set())["all"]
    monkeypatch.setattr(
        ways, "seconds", lambda legs, kind: [int(ways.straight([a, b], kind).seconds[0, 1]) for a, b, _at in legs]
    )
    at_once = making.present(tomorrow, yard.trucks, stops.dumps(tomorrow), set())["all"]
    assert (
        at_once["hours"] + 0.8 < at_their_hours["hours"] < at_once["hours"] + 2
        and at_once["km"] == at_their_hours["km"]
    )


def test_the_present_rounds_leave_out_what_no_road_reaches(yard, monkeypatch):
    day, dumps, trucks = (
        timezone.localdate(),
        stops.dumps(timezone.localdate()),
        list(Truck.objects.select_related("depot")),
    )
    before, matrices = making.present(day, trucks, dumps, set())["all"], ways.matrices

    def cut(*given):
        found = matrices(*given)
        for one in found.matrices.values():
            one.seconds[3, :] = one.metres[3, :] = NEVER  # a street that one may only enter
        return found

    monkeypatch.setattr(ways, "matrices", cut)
    after = making.present(day, trucks, dumps, set())["all"]
    assert after["stops"] == before["stops"] - 1 and after["hours"] < before["hours"] and after["km"] < before["km"] + 5


def test_two_garages_in_one_plan(yard, head, monkeypatch):
    far = Depot.objects.create(name="Other garage", point=Point(LON - 0.025, LAT - 0.025, srid=4326))
    Truck.objects.filter(plate="BB-2").update(depot=far)
    made, solve = [], solving.solve
    monkeypatch.setattr(
        solving,
        "solve",
        lambda problem, *given, **more: made.append((problem, solve(problem, *given, **more))) or made[-1][1],
    )
    plan = make(head)
    sound(plan, {d.key for d in stops.due(timezone.localdate())})
    ((problem, found),) = made
    assert faults(problem, found) == [] and len({v.start for v in problem.vehicles}) == 2
    rounds = {r.truck.plate: r for r in plan.rounds.select_related("truck__depot")}
    assert set(rounds) == {"AA-1", "BB-2"}
    for one in rounds.values():
        home = [one.truck.depot.point.x, one.truck.depot.point.y]
        assert one.line[0] == one.line[-1] == pytest.approx(home, abs=1e-5), "from its own garage, and back to it"
        first = one.visits.order_by("number").first()
        assert first.metres == pytest.approx(ways.apart(tuple(home), ways.spot(first.place.point)) * 1.35, rel=0.02)


def test_a_bin_that_is_said_to_be_full_comes_before_those_that_will_be(yard):
    """Room for three of the seven: the one that somebody complains of is far, and is served."""

    def due(n: int, why: str, at) -> stops.Due:
        return stops.Due(f"p{n}", at, f"Bin {n}", None, 600, 150, 300, why)

    soon = [due(n, "soon", (LON + 0.0025, LAT + 0.0002 * n)) for n in range(1, 7)]
    full = (LON - 0.006, LAT)
    dump = stops.Emptied("p99", 99, (LON + 0.0005, LAT), "Dump", False, 600, ((0, 24 * 3600),))
    Truck.objects.filter(plate="AA-1").update(ends=time(7, 30))
    trucks = list(Truck.objects.filter(plate="AA-1").select_related("depot"))
    for why, served in (("said", True), ("soon", False)):
        plan = making.make(timezone.localdate(), trucks, [*soon, due(7, why, full)], [dump], 0.3).plan
        assert ("p7" in plan.of()) is served
        assert 0 < len(plan.of()) < 7 and len(plan.of()) + len(plan.left) == 7


def test_a_trucks_weight_and_height_go_with_what_is_asked_of_the_roads(yard, head, monkeypatch):
    """A heavy, high truck may go another way than one of which nothing is known."""
    asked = []

    def ask(action, question):
        asked.append((action, question["costing_options"]["truck"]))
        raise territory.RoutingUnavailable

    Truck.objects.filter(plate="AA-1").update(gross=26_000, height=410)
    Truck.objects.filter(plate="BB-2").update(height=280)
    heavy, low = Truck.objects.order_by("plate")
    monkeypatch.setattr("toguna.engines.territory.routing.routes.ask", ask)
    for one in (heavy, low):
        ways.matrices([(LON, LAT), (LON + 0.01, LAT)], [ways.kind_of(one)])
        ways.line([(LON, LAT), (LON + 0.01, LAT)], ways.kind_of(one), by_roads=True)
    found = [(action, options["weight"], options["height"]) for action, options in asked]
    assert found == [
        ("sources_to_targets", 26.0, 4.1), ("route", 26.0, 4.1), ("sources_to_targets", 16.0, 2.8), ("route", 16.0, 2.8),
    ]  # fmt: skip
    # A plan asks for them, and goes on without roads.
    asked.clear()
    plan = make(head)
    assert plan.state == "ready" and plan.figures["plan"]["stops"]
    assert ("sources_to_targets", 26.0, 4.1) in {(a, o["weight"], o["height"]) for a, o in asked}
    assert ways.kind_of(Truck(mode="cart", gross=900)) == "cart" and ways.mode_of("truck") == "truck"
