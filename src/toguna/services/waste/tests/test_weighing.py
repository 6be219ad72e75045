"""A scale on the network: what it signs is charged once, at the price of the day; everything else is kept with why."""

from __future__ import annotations

import hmac
import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.management import CommandError, call_command
from django.core.wsgi import WSGIHandler
from django.db import connections
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.intake import taking
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste import households
from toguna.services.waste.models import Scale, WastePlace, Weighing
from toguna.services.waste.tests.conftest import HOME
from toguna.services.waste.tests.test_working import person_at
from toguna.services.waste.weighing import actions, playing, starter


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
        seq: int | None,
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
    weigh(12, 7, card=card, lat=0, lon=0)
    weigh(12, 8, card=card, lat=None)
    assert whys() == ["signed", "signed", "moved", "range", "card", "clock", "where", "where"]
    claimed = [(row.number, row.grammes, row.household) for row in Weighing.objects.order_by("pk")]
    assert claimed == [
        (1, 57_210, home), (2, 12_000, home), (3, 12_000, home), (4, 80_000, home), (5, 12_000, None), (6, 12_000, home), (7, 12_000, home),
        (8, 12_000, home),
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


@pytest.fixture
def told(scale, hire):
    """What the page of the scale tells whoever installs it: name, key, address, example, its signature."""
    page = hire("manager").get(f"/desk/waste/scales/{scale.code}?key=show").content.decode()
    name, key, address, example, signature = map(unescape, re.findall(r"<code>(.*?)</code>", page))
    return SimpleNamespace(name=name, key=key, path=urlsplit(address).path, example=example, signature=signature)


@pytest.fixture
def post(told, client):
    """post({...}) -> the whole message: what the scale is told to send, changed and signed as its page says, by HTTP."""

    def sent(said: dict[str, object], *, body: str = "") -> str:
        line = json.dumps({**json.loads(told.example), "at": int(time.time()), **said})
        body = body or line + "\n" + hmac.new(told.key.encode(), line.encode(), "sha256").hexdigest()
        answer = client.post(told.path, body, content_type="text/plain")
        assert answer.status_code == 202, answer.content
        run_jobs()
        return body

    return sent


def test_what_its_page_tells_a_scale_to_send_is_charged_rung_for_and_seen(
    told, post, home, heard, company, hire, scale
):
    post({}, body=f"{told.example}\n{told.signature}")
    assert whys() == ["card"], "word for word, the example is signed right, and of a card that nobody has"
    fanta, _person = person_at(HOME)
    number = re.search(r"On a scale with keys: (\d+)", fanta.get("/waste/mine").content.decode())[1]
    post({"seq": 2, "weight": 12.4, "card": int(number)})
    bill = ledger.Bill.objects.get()
    assert "12.4 kg" in (said := heard(HOME, 9)) and "185 FCFA" in said and bill.reference in said
    page = fanta.get("/waste/mine").content.decode()
    assert "12.4 kg" in page and f'href="/pay/{bill.reference}"' in page
    rung = company.confirm()
    assert (rung.phone, rung.amount, rung.bills, rung.state) == (HOME, 185, [bill.pk], "succeeded")
    assert f"received for bill {bill.reference}" in heard(HOME, 9)
    assert f'href="/pay/{bill.reference}"' not in fanta.get("/waste/mine").content.decode()
    taken = hire("agent").get(f"/desk/waste/scales/{scale.code}").content.decode()
    assert "12.4 kg" in taken and bill.reference in taken and home.code in taken


def test_what_a_scale_must_not_send_is_refused_and_the_desk_sees_its_weight_and_why(post, home, hire, scale, heard):
    card = households.number(home.code)
    good = post({"seq": 2, "weight": 12.5, "card": card})
    bill = ledger.Bill.objects.get()
    post({}, body=good)
    post({}, body=good.replace("12.5", "11.5"))
    post({"seq": 3, "weight": 61.5, "card": card})
    post({"seq": 4, "weight": 14.5, "card": card, "lat": 0.06})
    post({"seq": 5, "weight": 15.5, "card": card, "lat": None, "lon": None})
    post({"seq": 6, "weight": 16.5, "card": card, "at": int(time.time()) - 40 * 86400})
    page = hire("agent").get(f"/desk/waste/scales/{scale.code}?view=refused").content.decode()
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page)
    shown = [(re.search(r"n° (\d+)", row)[1], re.search(r"([\d.]+) kg", row)[1]) for row in rows]
    assert shown == [("6", "16.5"), ("5", "15.5"), ("4", "14.5"), ("3", "61.5"), ("2", "11.5"), ("2", "12.5")]
    for row, why in zip(
        rows, ("its clock", "does not say where", "is not where", "beyond what", "altered", "sent before"), strict=True
    ):
        assert why in row, (why, row)
    assert list(ledger.Bill.objects.all()) == [bill] and heard(HOME, 9).count("Weighed") == 1
    assert "11.5 kg" not in person_at(HOME)[0].get("/waste/mine").content.decode()


def test_the_example_of_the_manual_is_one_that_a_scale_can_send(told, post, home, scale):
    manual = (Path(__file__).parents[5] / "docs" / "waste.md").read_text()
    line, signature = re.search(r'^    (\{"at".*\})\n    ([0-9a-f]{64})$', manual, re.M).groups()
    assert hmac.new(b"the-key-of-the-scale", line.encode(), "sha256").hexdigest() == signature
    written = json.loads(line)
    assert set(written) == set(json.loads(told.example))
    here = {name: json.loads(told.example)[name] for name in ("lat", "lon")}
    post(
        {**written, **here, "at": datetime.now(UTC).isoformat(timespec="seconds"), "card": households.number(home.code)}
    )
    assert whys() == [""] and ledger.Bill.objects.get().amount == 185


@pytest.fixture
def serving(db, monkeypatch):
    """The address of this town, served over TCP from the test's own transaction."""
    ours = connections["default"]
    ours.inc_thread_sharing()
    monkeypatch.setattr(ours, "close", lambda: None)

    def serve() -> None:
        connections["default"] = ours
        server.serve_forever(0.05)

    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet) as server:
        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    ours.dec_thread_sharing()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_said: object) -> None:
        pass


def test_a_played_scale_weighs_and_does_what_it_is_told_it_must_not(serving, scale, home):
    done = playing.play(serving, weighings=2, seconds=0, say=lambda _words: None, seed=1)
    run_jobs()
    assert done == {"taken": 2} and whys() == ["", ""] and ledger.Bill.objects.count() == 2
    for fault in playing.FAULTS:
        playing.play(serving, weighings=1, seconds=0, faults={fault: 1}, say=lambda _words: None)
        run_jobs()
    assert whys()[2:] == ["signed", "", "replay", "moved", "where", "range", "clock", "card"]
    assert ledger.Bill.objects.count() == 3, "what was sent again is one"
    with pytest.raises(CommandError, match="altered"):
        call_command("simulate_scale", faults="broken:1")
    Scale.objects.update(active=False)
    with pytest.raises(CommandError, match="no scale in service"):
        call_command("simulate_scale")


def test_what_has_no_number_or_one_that_was_used_is_kept_with_why(weigh, home):
    card, now = households.number(home.code), int(time.time())
    weigh(12, 1, card=card, at=now - 60)
    weigh(9, 1, card=card, at=now - 30)  # its count began anew: who looks at the desk sees it
    weigh(9, None, card=card, at=now - 20)
    run_jobs()
    assert list(Weighing.objects.order_by("pk").values_list("why", "grammes")) == [
        ("", 12_000),
        ("replay", 9000),
        ("number", 9000),
    ]
    assert ledger.Bill.objects.count() == 1


def test_a_scale_whose_count_began_anew_is_said_so_at_the_desk_and_what_was_kept_is_taken_once(
    post, home, hire, scale, heard, town
):
    """Replaced by a new one, by the page and by HTTP: its numbers come again, at other moments and with other weights."""
    card, now = households.number(home.code), int(time.time())
    address, head = f"/desk/waste/scales/{scale.code}", hire("manager")

    def page(client=head, view=""):
        return " ".join(client.get(address + view).content.decode().split())

    for number, kilos in ((1, 10), (2, 11), (4, 12)):
        post({"seq": number, "weight": kilos, "card": card, "at": now - 3000 + number})
    # A repeat with a new time is no new count, nor is one that telemetry does not believe.
    again = post({"seq": 4, "weight": 12, "card": card, "at": now - 2900})
    post({}, body=again)
    post({"seq": 2, "weight": 13, "card": card, "at": now - 2800, "lat": 0.09})
    assert whys() == ["", "", "", "replay", "replay", "moved"] and "began anew" not in page()
    refused = head.post(address, {}, follow=True).content.decode()
    assert "Nothing that it sent says that its count began anew." in refused and len(ledger.Bill.objects.all()) == 3
    # The new scale: 1 and 2 were used, 3 was not, 4 was; then an old one comes late, from before it.
    for number, kilos in ((1, 20), (2, 21), (3, 22), (4, 80), (5, 25)):
        post({"seq": number, "weight": kilos, "card": card, "at": now - 2000 + number})
    assert whys()[6:] == ["replay", "replay", "", "replay", ""]
    assert "3 weighings came under numbers that this scale had used" in page() and "Yes, its count began anew" in page()
    agent = hire("agent")
    assert "Yes, its count began anew" not in page(agent) and agent.post(address).status_code == 403
    assert hire("manager", town.south.pk).post(address).status_code == 403
    said = heard(HOME, 20)
    assert "20 kg" not in said and Weighing.objects.filter(why="").count() == 5
    done = head.post(address, {}, follow=True).content.decode()
    assert "2 weighings more are taken." in done
    run_jobs()
    assert whys()[6:] == ["", "", "", "range", ""], "judged as if it came now: 80 kg is beyond it"
    assert [(row.number, row.price) for row in Weighing.objects.filter(why="", series=1).order_by("at")] == [
        (1, 300), (2, 315), (3, 330), (5, 375),
    ]  # fmt: skip
    assert ledger.Bill.objects.count() == 7 and "20 kg" in (said := heard(HOME, 20)) and "21 kg" in said
    assert "Its count began anew" in page() and "Yes, its count began anew" not in page()
    # Once: pressed again, sent again; and each count goes on by itself.
    assert "Nothing that it sent says" in head.post(address, {}, follow=True).content.decode()
    post({"seq": 1, "weight": 20, "card": card, "at": now - 1999})
    assert ledger.Bill.objects.count() == 7
    post({"seq": 3, "weight": 9, "card": card, "at": now - 2995})
    post({"seq": 6, "weight": 8, "card": card, "at": now - 1000})
    post({"seq": 6, "weight": 7, "card": card, "at": now - 900})
    assert list(Weighing.objects.order_by("pk").values_list("number", "series", "why"))[-3:] == [
        (3, 0, ""), (6, 1, ""), (6, 1, "replay"),
    ]  # fmt: skip
    assert ledger.Bill.objects.count() == 9 and scale.counts.get().since.timestamp() == now - 1999
