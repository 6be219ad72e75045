"""The back office's other pages: trucks, their present rounds, how full bins are; what each refuses."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.services.waste.bins import learning, reads
from toguna.services.waste.models import Depot, Fill, Forecast, ForecastTrial, PresentRound, Truck, WastePlace
from toguna.services.waste.rounds import stops
from toguna.services.waste.tests.conftest import zone

FIELDS = {
    "plate": "CC-3", "name": "Benne", "mode": "truck", "depot_name": "New garage", "place": "12.61, -8.01", "driver": "", "volume": "9000",
    "weight": "4000", "begins": "06:00", "ends": "14:00", "pause_from": "10:00", "pause_until": "11:30", "pause_minutes": "30",
    "cost_km": "400", "cost_hour": "3000", "cost_day": "0", "burns": "400", "gross": "16500", "height": "340", "active": "on",
}  # fmt: skip


def test_a_truck_is_added_and_changed(yard, hire):
    head = hire("manager")
    assert head.post(reverse("desk-truck-new"), FIELDS).status_code == 302
    truck = Truck.objects.get(plate="CC-3")
    assert truck.depot.name == "New garage" and abs(truck.depot.point.y - 12.61) < 1e-6
    assert (truck.gross, truck.height) == (16_500, 340)
    page = head.get(reverse("desk-truck", args=[truck.pk])).content.decode()
    assert "New garage" in page and 'value="10:00"' in page
    assert (
        head.post(
            reverse("desk-truck", args=[truck.pk]), FIELDS | {"depot_name": "Depot", "place": "", "volume": "9500"}
        ).status_code
        == 302
    )
    truck.refresh_from_db()
    assert truck.volume == 9500 and truck.depot == yard.depot and Depot.objects.count() == 2
    assert "CC-3" in head.get(reverse("desk-trucks")).content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends": "06:30"}, "ends"),
        ({"place": "", "depot_name": "Nowhere"}, "place"),
        ({"pause_from": ""}, "pause_from"),
        ({"pause_until": "09:00"}, "pause_until"),
        ({"plate": "AA-1"}, "plate"),
        ({"gross": "1000"}, "gross"),
        ({"height": "35"}, "height"),
    ],
)
def test_a_wrong_truck_is_not_kept(yard, hire, wrong, field):
    answer = hire("manager").post(reverse("desk-truck-new"), FIELDS | wrong)
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert Truck.objects.count() == 2


def test_the_present_round_is_said_by_numbering_its_places(yard, hire):
    head, truck = hire("manager"), yard.trucks[0]
    address = reverse("desk-truck-present", args=[truck.pk])
    first, second, third = (b.pk for b in yard.bins[:3])
    listed = [(p.pk, number) for p, number in head.get(address).context["places"]]
    assert listed[:2] == [(yard.bins[0].pk, 1), (yard.bins[2].pk, 2)] and len(listed) == len(yard.bins)
    said = {f"n{third}": "1", f"n{second}": "2", f"n{first}": "1,5", "days": ["1", "4"]}
    assert head.post(address, said).status_code == 302
    kept = PresentRound.objects.get(truck=truck)
    assert kept.days == [1, 4] and kept.places == [third, first, second]
    wrong = head.post(address, said | {f"n{second}": "last"})
    assert wrong.status_code == 422 and 'value="last"' in wrong.content.decode()
    assert head.post(address, said | {f"n{second}": "nan"}).status_code == 422
    assert PresentRound.objects.get(truck=truck).places == [third, first, second]
    east = zone("East", -8.0, 12.5, -7.9, 12.7)
    WastePlace.objects.filter(pk=yard.bins[5].pk).update(zone=east)
    near = [p.pk for p, _number in head.get(address, {"zone": east.pk}).context["places"]]
    assert near == [third, first, second, yard.bins[5].pk], "what it visits, and the others of the district"


def test_a_truck_has_a_present_round_for_some_days_and_another_for_others(yard, hire):
    head, truck = hire("manager"), yard.trucks[0]
    address = reverse("desk-truck-present", args=[truck.pk])
    first, second = (b.pk for b in yard.bins[:2])
    assert head.post(address, {f"n{first}": "1", "days": ["1", "4"]}).status_code == 302
    assert head.post(f"{address}?round=new", {f"n{second}": "1", "days": ["4", "5"]}).status_code == 422, "two on a day"
    assert head.post(f"{address}?round=new", {f"n{second}": "1"}).status_code == 422, "on no day"
    assert head.post(f"{address}?round=new", {f"n{second}": "1", "days": ["2", "3", "5"]}).status_code == 302
    rounds = list(PresentRound.objects.filter(truck=truck).order_by("pk").values_list("pk", "days", "places"))
    assert [r[1:] for r in rounds] == [([1, 4], [first]), ([2, 3, 5], [second])]
    assert "Its round of Tue, Wed, Fri: 1 place" in head.get(address).content.decode()
    other = f"{address}?round={rounds[1][0]}"
    assert [n for p, n in head.get(other).context["places"] if p.pk == second] == [1]
    assert head.post(other, {}).status_code == 302, "with no place it is no more"
    assert [r.places for r in PresentRound.objects.filter(truck=truck)] == [[first]]


def test_how_full_bins_are_with_the_error_and_the_methods(yard, hire):
    reader = hire("reader")
    page = reader.get(reverse("desk-bins")).content.decode()
    assert "How near the forecasts are" in page and "A line through all visits" in page
    assert all(b.name in page for b in yard.bins)
    one = reader.get(reverse("desk-bin", args=[yard.bins[0].code])).content.decode()
    assert one.count("driver") >= 9 and "Full on" in one
    assert reader.get(reverse("desk-bin", args=["NOSUCH"])).status_code == 404


def test_bins_are_forecast_by_the_method_that_misses_by_least_in_this_town(yard, hire):
    def used() -> str:
        page = hire("reader").get(reverse("desk-bins")).content.decode()
        return re.search(r'<th scope="row">([^<]+) <span class="tag done">', page)[1]

    assert used() == "A line through all visits", "rates that never change"
    # Bins that fill a fifth faster from one visit to the next, without noise: the last visit says most.
    Fill.objects.all().delete()
    now, first = timezone.now(), yard.bins[0]
    learning.keep(
        [
            (b.pk, now - timedelta(days=3 * (12 - n)), round(20 * 1.15**n), "driver", True, uuid.uuid4())
            for b in yard.bins
            for n in range(12)
        ]
    )
    learning.forecast()
    assert used() == "The last visit alone"
    made, tried = Forecast.objects.get(place=first), ForecastTrial.objects.get(method="last")
    assert made.rate == pytest.approx(round(20 * 1.15**11) / 3, abs=0.01) and tried.visits > 200
    assert made.error < ForecastTrial.objects.get(method="ours").error


def test_a_bin_that_was_emptied_is_forecast_from_then_on_at_once(yard, hire):
    """Forecasts are made anew four times a day: a plan that is made in between sends no truck to what was emptied this morning."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    due = next(d for d in stops.due(tomorrow) if d.why == "full")
    one, now = int(due.key[1:]), timezone.now()
    learning.found(one, 100, source="driver", emptied=True, at=now)
    assert due.key not in {d.key for d in stops.due(tomorrow)}
    known = Forecast.objects.get(place=one)
    assert known.level == 0 and known.full == now + timedelta(days=100 / known.rate)
    assert "low" in reads.shade_of(reads.levels([one])[one])
    # What comes late, of before, changes nothing; a sensor that says more, from then on.
    learning.found(one, 90, source="driver", emptied=True, at=now - timedelta(hours=2))
    assert Forecast.objects.get(place=one).computed == now
    learning.found(one, 97, source="sensor", at=now + timedelta(minutes=5))
    assert due.key in {d.key for d in stops.due(tomorrow)}


def test_who_may_not_see_does_not(yard, hire):
    other = hire("")
    for name, args in (
        ("desk-rounds", []),
        ("desk-bins", []),
        ("desk-trucks", []),
        ("desk-rounds-board", []),
        ("desk-bin", [yard.bins[0].code]),
    ):
        assert other.get(reverse(name, args=args)).status_code == 403, name
    assert hire("agent").get(reverse("desk-truck", args=[yard.trucks[0].pk])).status_code == 403
    assert Client().get(reverse("desk-rounds")).status_code in (302, 403)


def test_the_board_without_rounds_says_so(yard, hire):
    assert "No rounds were given" in hire("reader").get(reverse("desk-rounds-board")).content.decode()
