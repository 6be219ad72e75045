"""State, work, upkeep, parts and papers: through the pages where there are pages."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.assets import actions, fuel, reads, work
from toguna.engines.assets.events import AssetState
from toguna.engines.assets.models import Fill, Paper, Part, PartMove, Reading, StateChange, WorkOrder
from toguna.engines.assets.tests.conftest import HEAD, MECHANIC
from toguna.engines.channels.models import Message
from toguna.engines.people import api as people
from toguna.kernel.access import Denied
from toguna.kernel.models import AuditEntry, EventRow
from toguna.kernel.testing import forget_jobs


def test_broken_said_on_the_telephone_taken_and_finished_with_parts(truck, hire):
    head, mechanic = hire("manager"), hire("agent")
    head.post("/desk/assets/parts/", {"do": "part", "code": "filter-01", "name": "Oil filter", "low": "2"})
    part = Part.objects.get(code="FILTER-01")
    came = {"do": "move", "client_id": str(uuid.uuid4()), "part": part.pk, "kind": "in", "many": "3", "price": "4500"}
    for _twice in range(2):
        head.post("/desk/assets/parts/", came)
    part.refresh_from_db()
    assert (part.stock, part.price) == (3, 4500)
    page = mechanic.get(f"/a/{truck.code}").content.decode()
    sent = {"do": "broken", "words": "Brakes", "client_id": re.search(r'name="client_id" value="([^"]+)"', page)[1]}
    for _twice in range(2):
        assert "knows" in mechanic.post(f"/a/{truck.code}", sent, follow=True).content.decode()
    order = WorkOrder.objects.get()
    truck.refresh_from_db()
    assert (truck.state, order.title, order.stops, order.source) == ("broken", "Brakes", True, "driver")
    assert reads.unavailable([truck.pk, 10**9]) == {truck.pk}
    assert "Brakes" in mechanic.get("/desk/assets/orders/").content.decode()
    mechanic.post(f"/a/{truck.code}", {"do": "take", "order": order.pk})
    truck.refresh_from_db()
    assert truck.state == "upkeep"
    assert "Brakes" in mechanic.get("/a/").content.decode()
    done = {"do": "finish", "order": order.pk, "minutes": "90", "other": "2000", "parts": "filter-01 9", "words": "New"}
    assert "Only 3" in mechanic.post(f"/a/{truck.code}", done, follow=True).content.decode()
    order.refresh_from_db()
    assert order.state == "taken" and Part.objects.get().stock == 3
    mechanic.post(f"/a/{truck.code}", done | {"parts": "filter-01 2"})
    for row in (order, truck, part):
        row.refresh_from_db()
    assert (order.state, order.minutes, order.cost, truck.state, part.stock) == ("done", 90, 11_000, "service", 1)
    assert [s.state for s in truck.states.order_by("pk")] == ["service", "broken", "upkeep", "service"]
    assert "running out" in head.get("/desk/assets/parts/").content.decode()
    assert "11,000" in head.get(f"/desk/assets/orders/{order.pk}").content.decode()
    names = [row.payload["state"] for row in EventRow.objects.filter(name__endswith=AssetState.__name__).order_by("pk")]
    assert names == ["broken", "upkeep", "service"]
    assert AuditEntry.objects.filter(action="assets.finish").exists()


def test_another_breakdown_keeps_it_out_of_service(truck):
    first = work.say_broken(truck.pk, "Brakes", by=MECHANIC, client_id=uuid.uuid4())
    assert work.say_broken(truck.pk, "Still", by=MECHANIC, client_id=uuid.uuid4()) == first
    second = work.open_order(truck.pk, "Clutch", stops=True, by=MECHANIC)
    work.finish(first.pk, by=MECHANIC)
    truck.refresh_from_db()
    assert truck.state == "broken"
    work.cancel(second.pk, "sold", by=HEAD)
    truck.refresh_from_db()
    assert truck.state == "service"
    with pytest.raises(Denied):
        work.cancel(work.open_order(truck.pk, "Paint", by=MECHANIC).pk, "", by=MECHANIC)
    actions.set_state(truck.pk, "retired", by=HEAD)
    with pytest.raises(actions.Refused):
        work.open_order(truck.pk, "Paint", by=MECHANIC)


def test_a_meter_that_was_changed_counts_from_there_and_plans_have_as_much_left_as_before(truck, hire):
    """Of kilometres or of hours: what the old one showed, the new one would never reach."""
    head, address = hire("manager"), f"/desk/assets/at/{truck.code}/act"
    actions.read_meter(truck.pk, km=10_500, hours=4000, by=MECHANIC)
    work.save_plan(truck.pk, "Oil change", hours=100, km=1000, by=HEAD)
    actions.read_meter(truck.pk, km=10_600, hours=4060, by=MECHANIC)
    assert "it does not go back" in head.post(address, {"do": "meter", "hours": "3"}, follow=True).content.decode()
    head.post(address, {"do": "change-meter", "hours": "3", "km": ""})
    truck.refresh_from_db()
    assert (truck.hours, truck.km) == (3, 10_600)
    hire("agent").post(address, {"do": "change-meter", "hours": "1", "km": "1"})
    head.post(address, {"do": "change-meter", "hours": "", "km": "0"})
    assert "Give the kilometres" in head.post(address, {"do": "change-meter"}, follow=True).content.decode()
    actions.read_meter(truck.pk, hours=42, km=899, by=MECHANIC)
    assert work.run_plans() == 0
    actions.read_meter(truck.pk, hours=43, by=MECHANIC)
    assert work.run_plans() == 1
    changed = truck.meters.filter(source="changed").order_by("pk").values_list("metres", "minutes")
    assert list(changed) == [(None, 180), (0, None)]


@pytest.mark.parametrize("kind", ["days", "km", "hours"])
def test_a_plan_opens_its_work_once_and_begins_anew(truck, hire, kind):
    sent = {"do": "plan", "title": "Oil change", "days": "", "km": "", "hours": "", kind: "100"}
    assert "Oil change" in hire("manager").post(f"/desk/assets/at/{truck.code}/act", sent, follow=True).content.decode()
    assert work.run_plans() == 0
    if kind == "days":
        truck.plans.update(last_day=timezone.localdate() - timedelta(days=100))
    elif kind == "km":
        actions.read_meter(truck.pk, km=10_100, by=MECHANIC)
    else:
        actions.read_meter(truck.pk, hours=100, by=MECHANIC)
    assert "to be done now" in hire("reader").get("/desk/assets/due/").content.decode()
    assert (work.run_plans(), work.run_plans()) == (1, 0)
    order = WorkOrder.objects.get()
    assert (order.title, order.source, order.stops) == ("Oil change", "plan", False)
    work.finish(order.pk, by=MECHANIC)
    assert work.run_plans() == 0


def test_papers_that_end_are_told_before_and_on_the_day_once(truck, hire):
    head = hire("manager")
    today = timezone.localdate()
    sent = {
        "do": "paper",
        "kind": "insurance",
        "number": "A1",
        "ends": str(today + timedelta(days=20)),
        "client_id": str(uuid.uuid4()),
    }
    for _twice in range(2):
        head.post(f"/desk/assets/at/{truck.code}/act", sent)
    paper = Paper.objects.get()
    assert (work.tell_due(), work.tell_due()) == (1, 0)
    told = Message.objects.get()
    assert told.address == head.account.email and "VM-101" in told.text and "insurance" in told.text
    assert "VM-101" in head.get("/desk/assets/due/").content.decode()
    Message.objects.all().delete()
    Paper.objects.update(ends=today)
    assert (work.tell_due(), work.tell_due()) == (1, 0)
    assert Message.objects.count() == 1
    work.save_paper(truck.pk, "insurance", today + timedelta(days=365), "A2", by=HEAD)
    paper.refresh_from_db()
    assert paper.renewed and not reads.ending(HEAD).exists()


def test_a_paper_is_told_only_when_somebody_can_be(truck, hire):
    head = hire("manager")
    people.Account.objects.filter(pk=head.account.pk).update(email=None)
    work.save_paper(truck.pk, "insurance", timezone.localdate() + timedelta(days=3), by=HEAD)
    assert work.tell_due() == 0 and not Message.objects.exists()
    assert Paper.objects.get().told == [] and "Nobody was told" in head.get("/desk/assets/due/").content.decode()
    person = people.person_for(name="Head", phone="+22370000009")
    people.Account.objects.filter(pk=head.account.pk).update(person=person)
    assert (work.tell_due(), work.tell_due()) == (1, 0)
    assert Message.objects.get().address == "+22370000009" and Paper.objects.get().told == [30, 7]
    assert "Nobody was told" not in head.get("/desk/assets/due/").content.decode()


def test_what_happened_is_only_added_to(truck):
    part = work.save_part("A", "Bolt", by=HEAD)
    work.move(part.pk, "in", 1, by=HEAD, client_id=uuid.uuid4())
    actions.read_meter(truck.pk, km=10_001, by=MECHANIC)
    for model in (StateChange, Reading, PartMove):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_time_in_service(truck):
    now = timezone.now()
    start = now - timedelta(days=10)
    for state, days in (("service", 10), ("broken", 6), ("upkeep", 5), ("service", 4)):
        StateChange.objects.create(asset=truck, state=state, at=now - timedelta(days=days))
    assert reads.availability([truck.pk], start, now)[truck.pk] == pytest.approx(0.8, abs=0.001)
    assert reads.availability([truck.pk], now - timedelta(days=30), start - timedelta(days=1)) == {}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("in"), st.integers(0, 9)), st.tuples(st.just("out"), st.integers(0, 9)), st.tuples(st.just("count"), st.integers(0, 9)),
        st.tuples(st.just("km"), st.integers(9_000, 13_000)), st.tuples(st.just("fill"), st.integers(9_000, 30_000)),
        st.tuples(st.sampled_from(["service", "broken", "upkeep", "retired"]), st.just(0)),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_done_stock_odometer_and_availability_hold(quiet, steps):
    with transaction.atomic():
        truck = actions.save(None, actions.Told("vehicle", "Tipper"), km=10_000, by=HEAD)
        part = work.save_part(uuid.uuid4().hex[:10], "Bolt", by=HEAD)
        seen = truck.metres
        for do, many in steps:
            try:
                if do in PartMove.Kind.values:
                    work.move(part.pk, do, many, by=HEAD, client_id=uuid.uuid4())
                elif do == "km":
                    actions.read_meter(truck.pk, km=many, by=HEAD)
                elif do == "fill":
                    fuel.fill(truck.pk, 20, km=many, by=HEAD, client_id=uuid.uuid4())
                else:
                    actions.set_state(truck.pk, do, by=HEAD)
            except actions.Refused:
                pass
            truck.refresh_from_db()
            part.refresh_from_db()
            assert truck.metres >= seen and part.stock >= 0
            seen = truck.metres
            assert sum(part.moves.values_list("change", flat=True)) == part.stock
            now = timezone.now()
            assert all(0 <= s <= 1 for s in reads.availability([truck.pk], now - timedelta(days=1), now).values())
        assert truck.states.order_by("-at", "-pk")[0].state == truck.state
        assert Fill.objects.filter(asset=truck).count() == sum(do == "fill" for do, _n in steps)
        transaction.set_rollback(True)


@pytest.fixture
def quiet(db):
    forget_jobs()
