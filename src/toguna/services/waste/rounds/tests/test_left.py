"""What a day leaves undone is first of all the next day; a truck that is sent out meanwhile costs its day; a change queued before an update."""

from __future__ import annotations

import json
import uuid
from datetime import date, time, timedelta

from django.contrib.gis.geos import Point
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.bins import learning
from toguna.services.waste.models import Call, DayPlan, Depot, Fill, PlaceSaid, Round, Truck, Visit
from toguna.services.waste.rounds import changing, planning, stops
from toguna.services.waste.rounds.tests.conftest import LAT, LON, place, truck
from toguna.services.waste.rounds.tests.test_rounds import driven, head, make, publish, record, send

__all__ = ["driven", "head"]  # fixtures


def served(plan: DayPlan) -> set[str]:
    return {stops.key_of(v) for v in Visit.objects.filter(round__plan=plan, kind="stop")}


def served_by(one: Round) -> set[str]:
    return {stops.key_of(v) for v in one.visits.filter(kind="stop")}


def left(day: date) -> dict[str, int]:
    """Key of a stop -> on how many days it was left."""
    return {one.key: len(one.facts["left"]) for one in stops.due(day) if one.facts.get("left")}


def test_what_a_day_left_goes_first_the_next_and_what_two_days_left_before_it(yard, head, monkeypatch):
    """One truck, and little time: each day serves as much of what was left the longest as if it had nothing else to do, though what was
    served before is due again."""
    today = timezone.localdate()
    days = [today, today + timedelta(days=1), today + timedelta(days=2)]
    monkeypatch.setattr(planning, "SECONDS", 1.0)
    Truck.objects.filter(plate="BB-2").update(active=False)
    Truck.objects.update(begins=time(7, 30), ends=time(9))
    due = stops.due

    def alone(day: date, keys: set[str]) -> set[str]:
        with monkeypatch.context() as only:
            only.setattr(stops, "due", lambda day, **more: [one for one in due(day, **more) if one.key in keys])
            return served(make(head, day=day.isoformat()))

    assert left(today) == {}
    first = publish(head, make(head))
    once = set(left(days[1]))
    assert 3 < len(served(first)) < len(once) and not served(first) & once
    with monkeypatch.context() as without:
        without.setattr(stops, "LEFT", 0)
        assert len(served(make(head, day=days[1].isoformat())) - once) > 3, (
            "by its reason alone, what is full goes first"
        )
    second = publish(head, make(head, day=days[1].isoformat()))
    assert len(served(second) & once) >= len(alone(days[1], once)) > 3
    times = left(days[2])
    twice = {key for key, n in times.items() if n == 2}
    assert twice == once - served(second) and set(times.values()) == {1, 2}
    third = make(head, day=days[2].isoformat())
    assert len(served(third) & twice) >= len(alone(days[2], twice)) > 1
    page = head.get(reverse("desk-rounds-plan", args=[third.pk])).content.decode()
    assert f"Left by the rounds before: these go first ({len(times)})" in page
    assert f"Left on {days[0]:%d/%m}, {days[1]:%d/%m}" in page
    page = head.get(reverse("desk-rounds-plan", args=[first.pk])).content.decode()
    assert "Left by the rounds before" not in page and "Left on" not in page


def test_who_lives_far_waits_three_days_longer_than_twenty_others_at_most():
    """However long these have waited: by the price that a truck weighs."""

    def price(days: int) -> int:
        return stops.worth(
            stops.Due("p1", (LON, LAT), "", None, 1, 1, 1, "soon", facts={"left": ["2026-01-01"] * days})
        )

    for days in range(1, 5):
        assert price(days) < price(days + 1) and 20 * price(days) < price(days + 3)


def test_what_another_day_can_cure_was_left(driven, yard):
    """A street that was blocked; what a round that is over has not done: not before it is over. No bin, an empty one, one that was done: not left."""
    plan, one, driver = driven
    tomorrow = plan.day + timedelta(days=1)
    visits = list(one.visits.filter(kind="stop"))
    blocked, missing, empty, done, waiting = visits[:5]
    send(
        driver,
        record(one, "start"),
        record(one, "skipped", blocked, reason="blocked"),
        record(one, "skipped", missing, reason="missing"),
        record(one, "skipped", empty, reason="empty"),
        record(one, "done", done, level=80),
    )
    assert left(tomorrow) == {stops.key_of(blocked): 1}
    send(driver, record(one, "end"))
    undone = {stops.key_of(v) for v in one.visits.filter(kind="stop", state="planned")}
    assert left(tomorrow) == {stops.key_of(blocked): 1} | dict.fromkeys(undone, 1) and stops.key_of(waiting) in undone
    Round.objects.filter(pk=one.pk).update(state=Round.State.BROKEN)  # or had it broken down
    assert left(tomorrow).keys() == {stops.key_of(blocked)} | undone
    # Whoever emptied it since: it is as any other.
    learning.found(blocked.place_id, 90, source=Fill.Source.DRIVER, at=timezone.now(), emptied=True)
    Visit.objects.filter(pk=waiting.pk).update(state="skipped", reason="locked")
    assert stops.key_of(blocked) not in left(tomorrow) and left(tomorrow)[stops.key_of(waiting)] == 1
    # What a plan that no crew had did not serve is nothing.
    DayPlan.objects.filter(pk=plan.pk).update(state=DayPlan.State.READY)
    assert left(tomorrow) == {}


def test_an_idle_truck_is_sent_out_where_that_is_worth_its_day(yard, head):
    """Waste where no bin is, between a dump and the garage of a truck that has nothing to do: the other fetches it, when that one's day costs
    more than the way."""
    near = Depot.objects.create(name="Other garage", point=Point(LON - 0.12, LAT - 0.12, srid=4326))
    place("dump", "Other dump", (LON - 0.121, LAT - 0.12))
    Truck.objects.filter(plate="BB-2").update(active=False)
    Truck.objects.update(ends=time(20))
    for day_price, fetched_by in ((0, "CC-3"), (200_000, "AA-1")):
        plan = publish(head, make(head))
        call = Call.objects.create(
            point=Point(LON - 0.119, LAT - 0.12, srid=4326), name="A heap", volume=400, weight=100
        )
        plan.left.create(call=call, why="no_room", facts={"why": "call"})
        idle = truck(f"CC-{3 if day_price == 0 else 4}", near, cost_day=day_price, ends=time(20))
        changing.ask_change(plan.pk, words="A heap", by=SYSTEM)
        run_jobs()
        assert Visit.objects.get(round__plan=plan, call=call).round.truck.plate == fetched_by
        idle.active, call.state = False, Call.State.DONE
        idle.save()
        call.save()


def test_a_change_that_was_queued_before_the_town_was_updated_is_made(yard, head):
    plan = publish(head, make(head))
    for name in ("change", "refigure"):
        changing.ask_change(plan.pk, words="A jam", by=SYSTEM)
        old = f"toguna.services.waste.rounds.planning.{name}"
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET task_name = %s WHERE status = 'todo' AND task_name = %s",
                [old, changing.change.name if name == "change" else changing.refigure.name],
            )
        run_jobs()
    plan.refresh_from_db()
    assert plan.changing is None and plan.version == 2


def test_a_truck_that_has_not_set_off_saves_its_day_where_the_others_do_all(yard, head):
    """By a change; and only then: one that costs nothing keeps what it has, and so does one whose day is paid since it set off."""
    plan = publish(head, make(head))
    Truck.objects.update(ends=time(20), cost_day=0)
    one, other = sorted(plan.rounds.all(), key=lambda r: r.visits.filter(kind="stop").count())
    few = one.visits.filter(kind="stop").order_by("number")[:3]
    one.visits.filter(kind="stop").exclude(pk__in=[v.pk for v in few]).delete()
    had, planned = served_by(one), served(plan)

    def changed() -> dict[str, int]:
        changing.ask_change(plan.pk, words="More stops", by=SYSTEM)
        run_jobs()
        plan.refresh_from_db()
        assert served(plan) == planned and plan.version
        return plan.figures["plan"]

    assert changed()["trucks"] == 2 and served_by(one) == had, "a day that costs nothing"
    Truck.objects.filter(pk=one.truck_id).update(cost_day=10_000_000)
    Round.objects.update(state=Round.State.STARTED)
    assert changed()["trucks"] == 2 and served_by(one) == had, "a day that is paid"
    Round.objects.filter(pk=one.pk).update(state=Round.State.PLANNED)
    figures = changed()
    assert served_by(one) == set() and figures["trucks"] == 1 and figures["money"] < 10_000_000
    one.refresh_from_db()
    assert (one.state, one.metres, one.line) == ("planned", 0, []) and one.returns == one.departs
    page = head.get(reverse("desk-rounds-plan", args=[plan.pk])).content.decode()
    shown = json.loads(page.split('id="rounds-shown" type="application/json">')[1].split("</script>")[0])["features"]
    assert [f["properties"]["name"] for f in shown if f["geometry"]["type"] == "LineString"] == [other.truck.plate]
    # Without the other it sets off after all: now, and its day is paid.
    changing.ask_change(plan.pk, words="Puncture", broken=[other.truck_id], by=SYSTEM)
    run_jobs()
    one.refresh_from_db()
    assert served_by(one) == planned and abs(one.departs - timezone.now()) < timedelta(minutes=1)


def test_a_bin_that_is_not_worth_its_way_gets_a_truck_before_the_week_is_over(yard, head):
    """35 km from all others: each day that it waits it is worth more. Once somebody was there it is as any other."""
    Truck.objects.update(ends=time(20))
    far = place("bin", "Far", (LON + 0.32, LAT), capacity=660)
    PlaceSaid.objects.create(client_id=uuid.uuid4(), place=far, what="full")
    key, days = f"p{far.pk}", []
    for ahead in range(7):
        days.append(timezone.localdate() + timedelta(days=ahead))
        plan = publish(head, make(head, day=days[-1].isoformat()))
        if key in served(plan):
            break
        assert plan.left.get(place=far).why == "not_worth"
    else:
        raise AssertionError("nobody comes")
    assert 2 <= len(days) <= 5
    facts = {one.key: one.facts for one in stops.due(days[-1])}[key]
    assert facts["waits"] == [day.isoformat() for day in days[:-1]] and "left" not in facts
    Visit.objects.filter(round__plan=plan, place=far).update(state="done", at=timezone.now())
    assert not {"waits", "left"} & {one.key: one.facts for one in stops.due(days[-1] + timedelta(days=1))}[key].keys()
