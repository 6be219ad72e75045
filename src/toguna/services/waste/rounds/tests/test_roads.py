"""What the town's own roads say to a round, by a real Valhalla: a low bridge, and the turns that are spoken."""

from __future__ import annotations

import uuid
from datetime import time

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.utils import timezone

from toguna.engines.territory import api as territory
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs, run_jobs
from toguna.services.waste.models import Depot, PlaceSaid, Truck
from toguna.services.waste.rounds import planning, solving
from toguna.services.waste.rounds.tests.conftest import place, truck
from toguna.services.waste.rounds.tests.roads import ALONE, EAST, LENGTH_AROUND, LENGTH_UNDER, WEST, small_town
from toguna.services.waste.rounds.tests.turns import Turns


@pytest.fixture(scope="module")
def roads(django_db_setup, django_db_blocker):
    """Built once for these tests."""
    with django_db_blocker.unblock():
        try:
            with small_town():
                yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(
                    "TRUNCATE territory_feature, territory_layer, territory_road_edge, territory_name, territory_word CASCADE"
                )


@pytest.fixture
def planned(roads, db, early, monkeypatch):
    """planned(truck's more) -> its round of today: one bin west of the bridge, garage and dump east of it."""
    forget_jobs()
    solve = solving.solve
    monkeypatch.setattr(planning, "SECONDS", 0.05)
    monkeypatch.setattr(solving, "solve", lambda *given, **more: solve(*given, **more, clock=Turns()))

    def made(**more):
        depot = Depot.objects.create(name="Garage", point=Point(*EAST, srid=4326))
        place("dump", "Décharge", EAST)
        bin_ = place("bin", "Marché", WEST, capacity=660)
        PlaceSaid.objects.create(client_id=uuid.uuid4(), place=bin_, what="full")
        truck("AA-1", depot, **({"begins": time(0), "ends": time(23, 59)} | more))
        plan = planning.ask(timezone.localdate(), by=SYSTEM)
        run_jobs()
        return planning.publish(plan.pk, by=SYSTEM).rounds.get()

    return made


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "under"),
    [
        (territory.Vehicle("truck", height_m=4.0, weight_t=8), False),
        (territory.Vehicle("truck", height_m=2.8, weight_t=12), False),
        (territory.Vehicle("truck", height_m=2.8, weight_t=8), True),
        ("truck", False),  # 3.5 m and 16 t where nothing is said
        ("tricycle", True),
        ("cart", True),
        ("car", True),
    ],
)
def test_a_low_weak_bridge_stops_what_is_too_high_or_too_heavy(roads, who, under):
    found = territory.route([WEST, EAST], who, steps=False)
    assert found.metres == pytest.approx(LENGTH_UNDER if under else LENGTH_AROUND, rel=0.02)
    assert territory.matrix([WEST], [EAST], who).metres[0, 0] == pytest.approx(found.metres, rel=0.02)


@pytest.mark.django_db
def test_there_is_a_way_back_from_a_track_that_meets_no_street(roads):
    """Matrices agree with routes, in which the nearest street that goes somewhere is taken."""
    both = territory.matrix([ALONE, EAST], [ALONE, EAST], "truck")
    out, back = (territory.route(list(ends), "truck", steps=False) for ends in ((EAST, ALONE), (ALONE, EAST)))
    assert both.seconds[1, 0] == pytest.approx(out.seconds, rel=0.05)
    assert both.seconds[0, 1] == pytest.approx(back.seconds, rel=0.05)
    assert both.metres[0, 1] == pytest.approx(back.metres, rel=0.05)


@pytest.mark.parametrize(
    ("more", "under"),
    [
        ({"height": 400, "gross": 8000}, False),
        ({"height": 280, "gross": 16_000}, False),
        ({"height": 280, "gross": 8000}, True),
        ({"mode": "tricycle"}, True),
        ({"mode": "cart"}, True),
    ],
)
def test_a_plan_sends_a_truck_around_the_bridge_that_a_cart_goes_under(planned, more, under):
    one = planned(**more)
    assert one.plan.by_roads
    assert one.metres == pytest.approx(2 * (LENGTH_UNDER if under else LENGTH_AROUND), rel=0.02), "there and back"
    north = max(y for _x, y in one.line)
    assert (north < 12.601) is under


TURNS = {
    "fr": ("à droite", "à gauche"),
    "pt": ("à direita", "à esquerda"),
    "en": ("right", "left"),
}


@pytest.mark.parametrize("language", TURNS)
def test_the_crew_hears_streets_and_turns_in_its_language(planned, hire, language):
    """From the east, around the bridge: north, then west, then south, then west."""
    one = planned(height=400)
    driver = hire("agent")
    Truck.objects.filter(pk=one.truck_id).update(driver=driver.account.pk)
    visits = driver.get("/rounds/day", headers={"accept-language": language}).json()["visits"]
    turns = next(v["turns"] for v in visits if v["kind"] == "stop")
    said = " | ".join(turns)
    for street in ("Avenue de la Liberté", "Boulevard du Fleuve", "Avenue de la République"):
        assert street in said
    assert "Rue du Pont" not in said
    right, left = TURNS[language]
    fleuve, republique = (
        next(t for t in turns if name in t) for name in ("Boulevard du Fleuve", "Avenue de la République")
    )
    assert left in fleuve and left in republique and right not in fleuve + republique
