"""Infractions: written without network, once each; paid, contested, more by the law, on to the court; vehicles that are held."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone
from PIL import Image

from toguna.engines.channels import api as channels
from toguna.engines.channels.talk import understanding
from toguna.engines.indicators.api import refresh
from toguna.engines.indicators.models import Snapshot
from toguna.engines.ledger import api as ledger
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.dunning import running
from toguna.services.revenue.fines import demo, escalating, figures, impounding, reads, starter, tickets
from toguna.services.revenue.models import (
    DunningStep,
    Impound,
    Infraction,
    Reminded,
    Ticket,
    TicketBook,
    TicketContest,
    VoidTicket,
)
from toguna.services.revenue.profile import actions as profile

PLATE, PHONE = "AB 123-cd", "+22370000001"


@pytest.fixture(autouse=True)
def prices(town, settings, tmp_path):
    """The kinds of infraction, with a council's prices."""
    settings.MEDIA_ROOT = tmp_path
    demo.load(None)
    understanding.forget()


class Officer:
    """An officer's telephone: it writes as the app does, and sends when it is told to."""

    def __init__(self, client):
        self.client, self.device, self.leaf = client, str(uuid.uuid4()), 0
        self.day = self.load()

    def load(self, **more):
        answer = self.client.get("/tickets/day", {"device": self.device, **more})
        assert answer.status_code == 200, answer.content
        self.day = answer.json()
        return self.day

    def record(self, kind="stationnement-genant", **more):
        self.leaf += 1
        return {
            "id": str(uuid.uuid4()), "book": self.day["book"]["id"], "leaf": self.leaf, "kind": kind, "plate": PLATE, "phone": PHONE,
            "at": timezone.now().isoformat(), "lat": 12.0051, "lon": -0.995, "accuracy": 8, "amount": 6000, **more,
        }  # fmt: skip

    def send(self, *rows):
        body = {"account": self.client.account.pk, "records": list(rows)}
        answer = self.client.post("/tickets/sync", json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()["results"]


@pytest.fixture
def officer(hire):
    return Officer(hire())


@pytest.fixture
def ticket(officer):
    """ticket(days ago) -> one that was sent."""

    def made(days: int = 0, **more) -> Ticket:
        at = (timezone.now() - timedelta(days=days)).isoformat()
        result = officer.send(officer.record(at=at, **more))[0]
        assert result["state"] == "sent", result
        row = Ticket.objects.get(number=result["number"])
        if days > 29:  # older than a device is believed: moved in the test's own way
            move(row, days)
        return row

    return made


def move(row: Ticket, days: int) -> None:
    """As if it had been written so many days earlier."""
    back = timedelta(days=days)
    Ticket.objects.filter(pk=row.pk).update(
        at=row.at - back, due=row.due - back, contest_until=row.contest_until - back, then_on=row.then_on - back,
        more_on=row.more_on - back if row.more_on else None,
    )  # fmt: skip


def paid(bill: ledger.Bill, amount: int | None = None) -> None:
    desk = ledger.new_desk("Counter", by=SYSTEM)
    bill.refresh_from_db()
    key = str(uuid.uuid4())
    ledger.take(
        amount or bill.left, bill.currency, "cash", desk=desk, key=key, by=SYSTEM, payer=bill.payer_id, bills=[bill.pk]
    )


def picture() -> io.BytesIO:
    made, kept = Image.new("RGB", (1400, 700), "green"), io.BytesIO()
    exif = made.getexif()
    exif[0x010F] = "Secret Maker"
    made.save(kept, "JPEG", exif=exif)
    kept.seek(0)
    return kept


# --- Written


def test_written_once_whatever_is_sent_again_and_in_any_order(officer, zongo):
    first, second = officer.record(), officer.record(kind="vitesse", measure="27", amount=12000)
    sent = [officer.send(second, first), officer.send(first), officer.send(first, second)]
    assert all(one["state"] == "sent" for results in sent for one in results)
    row = Ticket.objects.get(leaf=1)
    assert (row.plate, row.zone, row.place, row.law[:13]) == ("AB123CD", zongo, "Rue du Marché", "Code de la ro")
    checks = officer.day["book"]
    assert row.number == f"{checks['prefix']}01{checks['checks'][0]}"
    assert sorted(ledger.Bill.objects.filter(about_kind="fine").values_list("amount", flat=True)) == [6000, 12000]
    assert {one.payer.name for one in ledger.Bill.objects.filter(about_kind="fine")} == {"AB123CD"}
    known = officer.load()["known"]
    assert known[0][:2] == ["AB123CD", 2] and known[0][3] == 18000
    assert officer.day["book"]["next"] == 3


def test_what_cannot_be_is_refused_with_why_and_keeps_its_number_visible(officer, hire):
    first = officer.record()
    officer.send(first)
    twice = {**officer.record(), "leaf": 1}
    results = officer.send(
        twice,
        officer.record(plate=""),
        officer.record(lat=50),
        officer.record(kind="?"),
        {"id": "x"},
        officer.record(kind="vitesse"),
    )
    assert [one["state"] for one in results] == ["refused"] * 6 and Ticket.objects.count() == 1
    assert "Another ticket" in results[0]["says"] and "not in the town" in results[2]["says"]
    astray = officer.record(lat=50, place="Devant le marché", note="vu deux fois")
    assert officer.send(astray)[0]["state"] == "sent", "the paper was given, and says where"
    row = Ticket.objects.get(client_id=astray["id"])
    assert (row.point, row.place) == (None, "Devant le marché")
    assert row.note.startswith("vu deux fois Le téléphone se croyait à 50.0000")
    other = Officer(hire())
    stolen = other.send({**first, "id": str(uuid.uuid4()), "leaf": 9})[0]
    assert stolen["state"] == "refused" and "not of your book" in stolen["says"]
    last = officer.send(officer.record())[0]
    assert last["state"] == "sent"
    head = hire("manager")
    page = head.get("/desk/fines/books/").content.decode()
    missing = Ticket.objects.get(number=last["number"]).leaf - 3
    assert page.count("Declare void") == missing
    book = officer.day["book"]["id"]
    head.post(f"/desk/fines/books/{book}", {"do": "void", "leaf": "2", "reason": "spoilt"})
    head.post(f"/desk/fines/books/{book}", {"do": "void", "leaf": "1", "reason": "a ticket's"})
    assert list(VoidTicket.objects.values_list("leaf", "reason")) == [(2, "spoilt")]
    assert "spoilt" in head.get("/desk/fines/books/").content.decode()
    head.post(f"/desk/fines/books/{book}", {"do": "end", "reason": "telephone stolen"})
    assert "closed" in officer.send(officer.record())[0]["says"]
    assert officer.load()["book"]["id"] != book


def test_a_book_that_is_used_up_gives_way_to_another(officer):
    book = officer.day["book"]["id"]
    assert officer.load()["book"]["id"] == book
    assert officer.load(book=book, used=50)["book"]["id"] != book  # the last leaf was never sent
    row = {**officer.record(), "book": book, "leaf": 50}
    assert officer.send(row)[0]["state"] == "sent"
    assert TicketBook.objects.get(pk=book).why == "full"


def test_the_tariff_holds_not_what_a_paper_says_and_officers_keep_to_their_zone(officer, hire, plateau):
    result = officer.send(officer.record(amount=100))[0]
    assert result["state"] == "sent" and "6,000" in result["says"]
    assert Ticket.objects.get().bill.amount == 6000
    other = Officer(hire(zone=plateau.pk))
    assert "district" in other.send(other.record())[0]["says"]
    assert hire("reader").get("/tickets/day", {"device": str(uuid.uuid4())}).status_code == 403


def test_a_photo_is_drawn_anew_and_shown_when_somebody_has_looked(officer, hire, client):
    record, key = officer.record(), str(uuid.uuid4())

    def sent(whose=officer):
        data = {"account": whose.client.account.pk, "id": key, "of": record["id"], "photo": picture()}
        return whose.client.post("/tickets/photo", data).json()["state"]

    assert sent() == "waiting"
    number = officer.send(record)[0]["number"]
    assert sent() == sent() == "sent"
    photo = Ticket.objects.get().photos.get()
    raw = b"".join(officer.client.get(f"/desk/fines/ticket/{number}/photos/{photo.pk}.jpg").streaming_content)
    assert b"Secret" not in raw and Image.open(io.BytesIO(raw)).size == (1200, 600)
    mine = f"/fines/{number}/photos/{photo.pk}.jpg?plate=ab123cd"
    assert client.get(mine).status_code == 404
    hire("manager").post(f"/desk/fines/ticket/{number}/act", {"do": "photo", "photo": photo.pk, "show": "1"})
    assert client.get(mine).status_code == 200
    assert client.get(mine.replace("ab123cd", "ab123ce")).status_code == 404


def test_a_vehicle_of_a_taxpayer_is_billed_to_them(officer, stall):
    taxi = stall("Issa Barry", base="stationnement")
    type(taxi).objects.filter(pk=taxi.pk).update(plate="AB123CD")
    officer.send(officer.record())
    assert Ticket.objects.get().bill.payer == taxi.parts.get().taxpayer.payer


def test_the_app_holds_nobody_and_works_without_network(officer, ticket):
    ticket(name="Fatou Diarra")
    page = officer.client.get("/tickets/app").content.decode()
    assert "Fatou" not in page and "AB123CD" not in page and "revenue/ticket" in page
    worker = officer.client.get("/tickets/worker.js")
    assert worker["Service-Worker-Allowed"] == "/tickets/" and "ticket" in worker.content.decode()
    assert officer.client.get("/tickets/app.webmanifest").json()["start_url"] == "/tickets/app"


def test_at_the_desk_without_javascript_and_on_paper(hire, ticket):
    agent = hire()
    form = {
        "client_id": str(uuid.uuid4()),
        "kind": "bruit",
        "name": "Fatou Diarra",
        "place": "Rue du Marché",
        "phone": "",
        "plate": "",
    }
    pages = [agent.post("/desk/fines/new", form) for _n in range(2)]
    row = Ticket.objects.get()
    assert {page.url for page in pages} == {
        f"/desk/fines/ticket/{row.number}"
    } and row.bill.payer.name == "Fatou Diarra"
    assert b"Rue du March" in agent.get(f"/desk/fines/ticket/{row.number}").content
    pdf = agent.get(f"/desk/fines/ticket/{row.number}/paper.pdf?size=58")
    roll = agent.get(f"/desk/fines/ticket/{row.number}/paper.bin").content
    assert pdf.content.startswith(b"%PDF") and row.bill.reference.encode() in roll and row.number.encode() in roll


# --- Seen, paid, contested


def test_whoever_has_the_ticket_sees_it_and_nobody_else(client, ticket):
    row = ticket()
    page = client.get(f"/fines/{row.number.lower()}?plate=ab-123%20CD")
    said = page.content.decode()
    assert "Parking in the way" in said and f"/pay/{row.bill.reference}" in said and row.law in said
    assert page["Cache-Control"] == "private, no-store"
    wrong = client.get(f"/fines/{row.number}?plate=XX1")
    assert wrong.status_code == 404 and "Parking" not in wrong.content.decode()
    bare = client.get(f"/fines/{row.number}")
    assert bare.status_code == 200 and "Parking" not in bare.content.decode()
    answers = {client.get(f"/fines/{row.number}?plate=XX{n}").status_code for n in range(40)}
    assert 429 in answers  # plates are not to be guessed


def test_by_sms_what_is_owed_and_how_to_pay(ticket):
    row, numbers = ticket(), count()

    def say(text):
        message = channels.receive("sms", PHONE, text, reference=f"f{next(numbers)}")
        message.refresh_from_db()
        return message.answer.text

    said = say(f"AMENDE {row.number[:4]} {row.number[4:]}")
    assert row.bill.reference in said and "6" in said and len(said) <= 160
    assert "ZZZZ" in say("AMENDE ZZZZ99ZZZ")
    paid(row.bill)
    assert row.bill.reference not in say(f"FINE {row.number}")


def test_contested_waits_and_another_person_decides(client, hire, officer, ticket):
    row = ticket()
    address = f"/fines/{row.number}/contest?plate=AB123CD"
    # With "no-referrer" a browser posts the form with "Origin: null", and Django refuses it.
    assert client.get(address)["Referrer-Policy"] == "same-origin"
    form = {"client_id": str(uuid.uuid4()), "reason": "The sign had fallen down.", "phone": "70 00 00 02"}
    for _twice in range(2):
        assert client.post(address, {**form, "first": picture()}).status_code == 302
    contest = TicketContest.objects.get()
    assert contest.photos.count() == 1
    assert client.post(address, {**form, "client_id": str(uuid.uuid4())}).status_code == 422  # one at a time
    move(row, 200)
    assert escalating.run() == (0, 0, 0)
    assert "fallen" in hire("reader").get(f"/desk/fines/ticket/{row.number}").content.decode()
    act = f"/desk/fines/ticket/{row.number}/act"
    decision = {"do": "decide", "state": "reduced", "amount": "2000", "words": "First time"}
    assert hire().post(act, decision).status_code == 403 and TicketContest.objects.get().state == "open"
    for _twice in range(2):
        hire("manager").post(act, decision)
    row.refresh_from_db()
    row.bill.refresh_from_db()
    assert (row.state, row.bill.left, TicketContest.objects.get().answer) == ("reduced", 2000, "First time")
    assert row.due > timezone.localdate() and "First time" in channels.Message.objects.get(address="+22370000002").text
    assert ledger.balance(ledger.RECEIVABLE, payer=row.bill.payer_id) == 2000


def test_an_officer_does_not_decide_on_their_own_ticket_and_cancelled_money_is_kept_for_its_payer(client, hire):
    boss = Officer(hire("manager"))
    number = boss.send(boss.record())[0]["number"]
    row = Ticket.objects.get()
    paid(row.bill)
    client.post(f"/fines/{number}/contest?plate=AB123CD", {"client_id": str(uuid.uuid4()), "reason": "Not my vehicle."})
    decision = {"do": "decide", "state": "cancelled", "words": "Wrong plate"}
    boss.client.post(f"/desk/fines/ticket/{number}/act", decision)
    assert TicketContest.objects.get().state == "open"
    hire("manager").post(f"/desk/fines/ticket/{number}/act", decision)
    row.refresh_from_db()
    assert row.state == "cancelled" and ledger.advance_of(row.bill.payer_id) == 6000
    assert "Nothing is left" not in client.get(f"/fines/{number}?plate=AB123CD").content.decode()
    assert "cancelled" in client.get(f"/fines/{number}?plate=AB123CD").content.decode()


def test_too_late_to_contest(client, ticket):
    row = ticket()
    move(row, 31)
    form = {"client_id": str(uuid.uuid4()), "reason": "The sign had fallen down."}
    assert client.post(f"/fines/{row.number}/contest?plate=AB123CD", form).status_code == 422
    assert not TicketContest.objects.exists()


# --- Not paid


def test_reminded_then_more_by_its_law_then_the_court_each_once(ticket, hire):
    row, early = ticket(), ticket()
    paid(early.bill)
    assert escalating.run() == (0, 0, 0)
    move(row, 13)
    assert escalating.run() == (1, 0, 0) and escalating.run() == (0, 0, 0)
    assert row.number in channels.Message.objects.get(key=f"revenue.fine-due:{row.pk}").text
    paid(row.bill, 2000)
    row.refresh_from_db()
    move(row, 32)
    assert escalating.run() == (0, 1, 0) and escalating.run() == (0, 0, 0)
    row.bill.refresh_from_db()
    assert row.bill.left == 6000  # 4,000 that were left, and half of them
    line = row.bill.lines.get(kind="penalty")
    assert starter.MORE_LAW in line.words
    row.refresh_from_db()
    move(row, 60)
    assert escalating.run() == (0, 0, 1) and escalating.run() == (0, 0, 0)
    table = b"".join(hire("manager").get("/desk/fines/court.csv").streaming_content).decode()
    assert row.number in table and early.number not in table
    assert hire().get("/desk/fines/court.csv").status_code == 403


def test_a_run_that_dies_between_two_steps_is_done_once(ticket, monkeypatch):
    row = ticket()
    move(row, 50)

    def dies(*_args, **_more):
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(channels, "send_many", dies)
        with pytest.raises(SystemExit):
            escalating.run()
    row.refresh_from_db()
    assert row.reminded is None and row.raised is None
    assert escalating.run() == (1, 1, 0)
    row.bill.refresh_from_db()
    assert row.bill.left == 9000 and row.bill.lines.count() == 2


def test_reminders_by_plan_take_a_fine_only_when_it_has_gone_there(officer, stall, ticket):
    Infraction.objects.update(then="dunning")
    DunningStep.objects.create(after=5, way="sms")
    taxi = stall("Issa Barry", base="stationnement", phone=PHONE)
    type(taxi).objects.filter(pk=taxi.pk).update(plate="AB123CD")
    row, other = ticket(), ticket(plate="ZZ9")
    for one in (row, other):
        move(one, 100)
        ledger.Bill.objects.filter(pk=one.bill_id).update(due=timezone.localdate() - timedelta(days=80))
    assert running.remind() == 0
    escalating.run()
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.went, other.went) == ("dunning", "court")
    assert running.remind() == 1 and Reminded.objects.get().bill_id == row.bill_id


# --- Held


def test_a_vehicle_leaves_only_when_all_is_paid(hire, ticket):
    row, agent = ticket(), hire()
    act = {"do": "pound", "plate": "ignored", "place": "Yard 2", "client_id": str(uuid.uuid4())}
    pages = {
        agent.post(f"/desk/fines/ticket/{row.number}/act", {**act, "client_id": str(uuid.uuid4())}).url
        for _n in range(2)
    }
    held = Impound.objects.get()
    assert pages == {f"/desk/fines/pound/{held.pk}"} and held.plate == "AB123CD"
    Impound.objects.filter(pk=held.pk).update(since=timezone.now() - timedelta(days=2))
    page = f"/desk/fines/pound/{held.pk}"
    agent.post(page, {"do": "bill"})
    agent.post(page, {"do": "bill"})
    fee = held.fees.get().bill
    assert fee.amount == 3 * 2000
    leave = {"do": "release", "to": "Issa Barry, card 12"}
    paid(fee)
    agent.post(page, leave)
    held.refresh_from_db()
    assert held.released is None  # the fine itself is not paid
    paid(row.bill)
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert not impounding.owes(held, tomorrow).ready
    assert impounding.bill_days(held.pk, by=SYSTEM, today=tomorrow).left == 2000
    paid(held.fees.last().bill)
    assert agent.get(f"{page}/slip.pdf").status_code == 404
    agent.post(page, leave)
    agent.post(page, {**leave, "to": "Another"})
    held.refresh_from_db()
    assert held.released and held.released_to == "Issa Barry, card 12"
    assert agent.get(f"{page}/slip.pdf").content.startswith(b"%PDF")


# --- Seen at the desk


def test_register_repeat_offenders_and_kinds_with_history(hire, ticket, zongo, django_assert_max_num_queries):
    row = ticket()
    ticket(kind="vitesse", measure="50", amount=25000)
    head, reader = hire("manager"), hire("reader", zone=zongo.pk)
    with django_assert_max_num_queries(16):
        page = reader.get("/desk/fines/?q=ab123cd&stands=open").content.decode()
    assert page.count("AB123CD") >= 2 and "Speeding" in page
    assert "AB123CD" in reader.get("/desk/fines/repeat").content.decode()
    assert reads.repeat(Ticket.objects.all(), least=3) == []
    kind = Infraction.objects.get(slug="bruit")
    form = {
        name: getattr(kind, name)
        for name in ("law", "tariff", "contest_days", "more", "more_days", "more_law", "then", "then_days")
    }
    form |= {"title_fr": "Bruit de nuit", "pay_days": 20, "active": "on"}
    answer = head.post("/desk/fines/kinds/bruit", form)
    assert answer.status_code == 302, answer.content
    kind.refresh_from_db()
    assert kind.pay_days == 20
    said = head.get("/desk/fines/kinds/bruit").content.decode()
    assert "pay_days: 15 → 20" in said
    assert head.post("/desk/fines/kinds/bruit", {**form, "more": 10, "more_law": ""}).status_code == 422
    assert reader.post("/desk/fines/kinds/bruit", form).status_code == 403
    assert row.infraction.pay_days == 15


def test_on_the_map_of_ones_own_zones_and_counted(hire, ticket, plateau, client):
    paid(ticket().bill)
    ticket(plate="ZZ9")
    where = "/tiles/fines/15/16293/15283.mvt"
    near = hire("reader").get(where)
    assert (b"AB123CD" not in near.content and b"Parking" in near.content) or b"Stationnement" in near.content
    assert hire("reader", zone=plateau.pk).get(where).content != near.content
    assert client.get(where).status_code == 403
    for measure in figures.MEASURES:
        refresh(measure, everything=True)
    month = timezone.localdate().replace(day=1)
    tickets, share = (
        Snapshot.objects.get(measure=name, month=month, numerator__gt=0) for name in ("fines", "fines-paid")
    )
    assert tickets.numerator == 2 and (share.numerator, share.denominator) == (1, 2)


def test_nothing_becomes_more_while_a_plan_is_kept_or_an_objection_waits(ticket, stall):
    taxi = stall("Issa Barry", base="stationnement", phone=PHONE)
    type(taxi).objects.filter(pk=taxi.pk).update(plate="AB123CD")
    planned, objected = ticket(), ticket()
    days = [timezone.localdate() + timedelta(days=30 * n) for n in (1, 2)]
    ledger.plan(planned.bill_id, days, by=SYSTEM)
    said = profile.contest(
        objected.taxpayer, "It was not there.", by=SYSTEM, client_id=uuid.uuid4(), bill=objected.bill
    )
    move(planned, 200)
    move(objected, 200)
    assert escalating.run() == (0, 0, 0)
    profile.answer_objection(said.pk, agree=False, words="It was", by=SYSTEM)
    assert escalating.run() == (1, 1, 1)


def test_who_is_erased_leaves_the_infraction_and_no_more(officer, stall, ticket):
    taxi = stall("Issa Barry", base="stationnement", phone=PHONE)
    type(taxi).objects.filter(pk=taxi.pk).update(plate="AB123CD")
    row = ticket(name="Issa Barry", note="He was polite")
    key = {"account": officer.client.account.pk, "id": str(uuid.uuid4()), "of": str(row.client_id), "photo": picture()}
    officer.client.post("/tickets/photo", key)
    path = tickets.photo_path(row.photos.get())
    assert path.exists()
    tickets.forget(row.taxpayer)
    row.refresh_from_db()
    assert (row.plate, row.name, row.phone, row.note) == ("", "", "", "") and not path.exists()
    assert row.bill.amount == 6000 and row.infraction.slug == "stationnement-genant"


def test_the_demo_town_has_infractions_once(hire):
    hire("manager")
    demo.load(None)
    count_, contests = Ticket.objects.count(), TicketContest.objects.count()
    assert count_ == demo.TICKETS and contests == 1
    demo.load(None)
    assert (Ticket.objects.count(), TicketContest.objects.count()) == (count_, contests)
