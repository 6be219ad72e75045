"""A scale on the network: what it signs is charged once, at the price of the day; everything else is kept with why."""

from __future__ import annotations

import json
import time
from datetime import date, timedelta

import pytest
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.intake import taking
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste import households
from toguna.services.waste.models import Scale, WastePlace, Weighing
from toguna.services.waste.tests.conftest import HOME
from toguna.services.waste.weighing import actions, starter


@pytest.fixture
def scale(town):
    starter.load()
    place = WastePlace.objects.create(
        code="STAT1", kind="station", name="Station", point="SRID=4326;POINT(0.05 0.05)", zone=town.north
    )
    return actions.save(None, actions.Told("Bascule", place, "pesee", most=60_000), by=SYSTEM)


@pytest.fixture
def home(town):
    return households.keep(HOME, spot=households.read_spot("Mosquée de Nord"), language="en")


@pytest.fixture
def weigh(scale):
    """weigh(12.5, seq=1, ...) -> what the scale sent; alter: changes the bytes after they were signed."""

    def said(
        kilos: float,
        seq: int,
        *,
        card: int | None = None,
        at: float | None = None,
        alter: bytes = b"",
        key: str = "",
        **more,
    ) -> bytes:
        values = {
            "at": at if at is not None else int(time.time()),
            "seq": seq,
            "weight": kilos,
            "lat": 0.05,
            "lon": 0.05,
            **more,
        }
        if card is not None:
            values["card"] = card
        name, real = actions.key_of(scale)
        body = json.dumps(values).encode()
        message = body + b"\n" + telemetry.sign(body, key or real).encode()
        if alter:
            message = message.replace(alter, alter[::-1])
        send(name, message)
        return message

    def send(name: str, message: bytes) -> None:
        taking.take([taking.record("http", name, message, proof="door")])
        run_jobs()

    said.again = lambda message: send(actions.key_of(scale)[0], message)
    return said


def whys() -> list[str]:
    return list(Weighing.objects.order_by("pk").values_list("why", flat=True))


def test_what_was_weighed_is_owed_and_said(weigh, home, heard, say):
    message = weigh(12.4, 1, card=households.number(home.code))
    row = Weighing.objects.get()
    assert (row.grammes, row.why, row.household, row.price) == (12_400, "", home, 185)
    assert row.bill is not None and row.bill.amount == 185 and row.bill.payer_id == row.household.payer_id
    told = heard(HOME)
    assert "12.4 kg" in told and "185 FCFA" in told and row.bill.reference in told
    assert "12.4 kg" in say("WEIGHT")
    weigh.again(message)
    assert whys() == ["", "replay"] and ledger.Bill.objects.count() == 1


def test_what_is_not_believed_is_kept_with_why_and_charges_nothing(weigh, home):
    card = households.number(home.code)
    weigh(12.75, 1, card=card, alter=b"12.75")
    weigh(12, 2, card=card, key="of somebody else")
    weigh(12, 3, card=card, lat=0.09)
    weigh(80, 4, card=card)
    weigh(12, 5, card=card + 1)
    weigh(12, 6, card=card, at=time.time() - 400 * 86400)
    assert whys() == ["signed", "signed", "moved", "range", "card", "clock"]
    claimed = [(row.number, row.grammes, row.household) for row in Weighing.objects.order_by("pk")]
    assert claimed == [
        (1, 57_210, home), (2, 12_000, home), (3, 12_000, home), (4, 80_000, home), (5, 12_000, None), (6, 12_000, home),
    ]  # fmt: skip
    assert not ledger.Bill.objects.exists()


def test_the_price_is_that_of_the_day_on_which_it_was_weighed(weigh, home):
    card, today = households.number(home.code), timezone.localdate()
    before = ledger.Tariff.objects.get(slug="pesee")
    ledger.Tariff.objects.create(
        slug="pesee",
        since=today,
        titles=before.titles,
        law="Act 2",
        rule={"type": "unit", "by": "kg", "price": 100},
        income=before.income,
    )
    weigh(10, 1, card=card, at=time.time() - 2 * 86400)
    weigh(10, 2, card=card)
    assert list(Weighing.objects.order_by("pk").values_list("price", flat=True)) == [150, 1000]
    ledger.Tariff.objects.create(
        slug="pesee",
        since=today + timedelta(days=1),
        titles=before.titles,
        law="Act 3",
        rule={"type": "unit", "by": "kg", "price": 7},
        income=before.income,
    )
    assert ledger.tariff("pesee", date.today()).law == "Act 2"


def test_a_truck_without_a_card_is_weighed_and_not_charged(weigh, scale):
    weigh(55, 1)
    assert Weighing.objects.get().why == "" and not ledger.Bill.objects.exists()
    Scale.objects.filter(pk=scale.pk).update(active=False)
    weigh(55, 2)
    assert whys() == ["", "off"]


def test_the_head_of_service_registers_a_scale_and_reads_what_it_refused(hire, scale, weigh, town, home):
    client = hire("manager")
    page = client.get("/desk/waste/scales/new").content.decode()
    assert "Station" in page
    weigh(12.75, 1, card=households.number(home.code), alter=b"12.75")
    page = client.get(f"/desk/waste/scales/{scale.code}?view=refused").content.decode()
    assert "altered" in page and "57.2" in page and home.code in page
    weigh(12, 2, alter=b'{"at')
    assert Weighing.objects.latest("pk").grammes is None
    assert actions.key_of(scale)[1] not in client.get(f"/desk/waste/scales/{scale.code}").content.decode()
    assert actions.key_of(scale)[1] in client.get(f"/desk/waste/scales/{scale.code}?key=show").content.decode()
    agent = hire("agent")
    assert actions.key_of(scale)[1] not in agent.get(f"/desk/waste/scales/{scale.code}?key=show").content.decode()
    assert agent.get("/desk/waste/scales/new").status_code == 403
    elsewhere = hire("agent", town.south.pk)
    assert elsewhere.get(f"/desk/waste/scales/{scale.code}").status_code == 403
