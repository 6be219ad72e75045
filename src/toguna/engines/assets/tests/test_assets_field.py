"""What drivers and mechanics did without network: each record once, in the reach of whoever sends it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.gis.geos import MultiPolygon, Polygon
from django.utils import timezone

from toguna.engines.assets import work
from toguna.engines.assets.models import Asset, Fill, Reading, WorkOrder
from toguna.engines.assets.tests.conftest import HEAD
from toguna.engines.territory.models import Zone


def record(do: str, asset: Asset, **more: Any) -> dict[str, Any]:
    at = (timezone.now() - timedelta(hours=2)).isoformat()
    return {"id": str(uuid.uuid4()), "at": at, "do": do, "code": asset.code, **more}


def sent(client, *records: dict[str, Any], account: int | None = None) -> list[tuple[str, str]]:
    body = {"account": account or client.account.pk, "records": list(records)}
    answer = client.post("/a/sync", body, content_type="application/json")
    return (
        [(one["state"], one["says"]) for one in answer.json()["results"]]
        if answer.status_code == 200
        else [(str(answer.status_code), "")]
    )


def test_a_day_without_network_is_written_once_however_often_it_is_sent(
    truck, pump, hire, django_assert_max_num_queries
):
    mechanic = hire("agent")
    part = work.save_part("BELT", "Belt", by=HEAD)
    work.move(part.pk, "in", 5, price=1000, by=HEAD, client_id=uuid.uuid4())
    order = work.open_order(truck.pk, "Change the belt", by=HEAD)
    with django_assert_max_num_queries(9):
        day = mechanic.get("/a/day").json()
    assert [one["code"] for one in day["assets"]] == [pump.code, truck.code] and day["parts"] == [["BELT", "Belt"]]
    assert [(one["order"], one["title"], one["mine"]) for one in day["orders"]] == [
        (order.pk, "Change the belt", False)
    ]
    rows = [
        record("fuel", truck, litres="40,5", km="10100", price="30 000"), record("meter", truck, km="10150"),
        record("take", truck, order=order.pk), record("finish", truck, order=order.pk, minutes="45", parts="belt 2", words="Done"),
        record("broken", pump, words="No pressure"),
    ]  # fmt: skip
    for _again in range(2):
        assert sent(mechanic, *rows) == [("sent", "")] * 5
    fill, order = Fill.objects.get(), WorkOrder.objects.get(pk=order.pk)
    assert (fill.litres, fill.channel) == (40.5, "app") and abs(fill.at - timezone.now()) > timedelta(hours=1)
    assert (order.state, order.minutes, order.parts, order.taken_by) == ("done", 45, 2000, mechanic.account.pk)
    truck.refresh_from_db()
    pump.refresh_from_db()
    assert truck.km == 10_150 and pump.state == "broken" and pump.orders.count() == 1
    assert Reading.objects.filter(asset=truck, source="typed").exclude(account=None).count() == 1


def test_what_cannot_be_is_said_and_the_rest_is_kept(truck, hire):
    zone = Zone.objects.create(
        level=2, name="Far", source="t:9", geom=MultiPolygon(Polygon.from_bbox((9, 9, 10, 10)), srid=4326)
    )
    mechanic, elsewhere = hire("agent"), hire("agent", zone=zone.pk)
    bad = [record("meter", truck, km="5"), record("fuel", truck, litres="x"), record("dance", truck), {"do": "fuel"}]
    states = sent(mechanic, *bad, record("fuel", truck, litres="900", km="10100"))
    assert [state for state, _says in states] == ["refused"] * 4 + ["sent"]
    assert "does not go back" in states[0][1] and "more than the tank" in states[4][1]
    assert sent(elsewhere, record("broken", truck, words="Mine?"))[0][0] == "refused"
    assert sent(mechanic, record("broken", truck), account=elsewhere.account.pk) == [("403", "")]
    assert not WorkOrder.objects.exists()


def test_the_page_holds_nothing_and_its_worker_keeps_it(truck, hire, client):
    page = hire("agent").get("/a/app").content.decode()
    assert (
        truck.code not in page
        and 'data-do="fuel"' in page
        and "Work without network" in hire("agent").get("/a/").content.decode()
    )
    worker = client.get("/a/worker.js")
    assert worker["Service-Worker-Allowed"] == "/a/" and "assets/field" in worker.content.decode()
    assert client.get("/a/app").status_code == 302 and client.get("/a/day").status_code == 302


def test_a_breakdown_sent_again_after_its_repair_opens_nothing(truck, hire):
    mechanic = hire("agent")
    work.say_broken(truck.pk, "Brakes", by=HEAD, client_id=uuid.uuid4())
    said = record("broken", truck, words="No brakes")  # the answer is the order that is there
    assert sent(mechanic, said) == [("sent", "")]
    order = WorkOrder.objects.get()
    work.finish(order.pk, by=HEAD)
    assert sent(mechanic, said) == [("sent", "")]  # from a telephone that had not heard
    other = record("broken", truck, words="The brakes")  # somebody else's, said before the repair and heard after it
    assert sent(mechanic, other) == [("sent", "")]
    truck.refresh_from_db()
    assert truck.state == "service" and WorkOrder.objects.count() == 1
    again = {**record("broken", truck, words="Again"), "at": timezone.now().isoformat()}
    assert sent(mechanic, again) == [("sent", "")]
    assert WorkOrder.objects.count() == 2


def test_time_out_of_service_is_from_when_it_was_said_not_from_when_it_was_heard(truck, hire):
    mechanic, now = hire("agent"), timezone.now()
    since = now - timedelta(hours=10)
    Asset.objects.filter(pk=truck.pk).update(since=since)

    def said(do, hours, **more):
        return {**record(do, truck, **more), "at": (now - timedelta(hours=hours)).isoformat()}

    assert sent(mechanic, said("broken", 8, words="Brakes")) == [("sent", "")]
    order = WorkOrder.objects.get()
    assert (
        sent(mechanic, said("take", 5, order=order.pk), said("finish", 3, order=order.pk, minutes="30"))
        == [("sent", "")] * 2
    )
    order.refresh_from_db()
    hours = [round((now - at).total_seconds() / 3600, 3) for at in (order.opened, order.taken, order.closed)]
    assert hours == [8, 5, 3]
    states = truck.states.order_by("pk").values_list("state", "at")
    assert [(state, round((now - at).total_seconds() / 3600, 3)) for state, at in states][1:] == [
        ("broken", 8), ("upkeep", 5), ("service", 3),
    ]  # fmt: skip
