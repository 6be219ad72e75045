"""The counter joined to the register, and the kiosk that keeps nothing."""

from __future__ import annotations

import re
import uuid
from html import unescape

import pytest
from django.test import Client

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import town as kernel_town
from toguna.kernel.access import Actor, Grant
from toguna.services.revenue.collecting import demo, kiosk
from toguna.services.revenue.models import Collected, Taxpayer, Visit

ENGLISH = {"accept-language": "en"}


@pytest.fixture
def cashier(town):
    account = people.create_staff(
        email="cash@town.test", password="long enough to be one", name="Salif", grants=[("agent", "*", None)]
    )
    client = Client(headers=ENGLISH)
    sign_in(client, account)
    client.account = account
    return client


@pytest.fixture
def opened(cashier):
    """A cash desk that the cashier has open with 10 000 F."""
    desk = ledger.new_desk("Window 1", by=Actor(account=1, staff=True))
    form = {"client_id": str(uuid.uuid4()), "piece_10000": "1"}
    assert cashier.post(f"/desk/cash/open/{desk.pk}", form).status_code == 302
    return desk


def owner(thing) -> Taxpayer:
    return Taxpayer.objects.get(parts__taxed=thing)


def text(answer) -> str:
    return unescape(answer.content.decode()).replace("\xa0", " ")


def test_cash_with_change_from_a_name_to_the_receipt(cashier, opened, stall, bill):
    thing = stall("Awa Traoré")
    due = bill(owner(thing), 5000, thing=thing)
    found = text(cashier.get("/desk/counter/", {"q": "awa traor"}))
    assert "Awa Traoré" in found and owner(thing).number in found.replace(" ", "")
    for said in (thing.code, owner(thing).number, due.reference, f"https://town.test/registered/{thing.code}"):
        assert cashier.get("/desk/counter/", {"q": said}).url == f"/desk/counter/{owner(thing).number}", said
    page = text(cashier.get(f"/desk/counter/{owner(thing).number}"))
    assert "5,000 FCFA" in page and 'value="5000"' in page
    form = {"client_id": str(uuid.uuid4()), "bill": due.reference, "amount": "5000", "given": "10 000", "way": "cash"}
    paid = cashier.post(f"/desk/counter/{owner(thing).number}", form)
    assert paid.status_code == 302 and paid.url.endswith("?change=5000")
    assert cashier.post(f"/desk/counter/{owner(thing).number}", form).url == paid.url, "sent twice it is taken once"
    assert "Give 5,000 FCFA back" in text(cashier.get(paid.url))
    due.refresh_from_db()
    assert due.state == "paid" and ledger.held_at([opened.pk])[opened.pk] == 15000


def test_more_than_is_owed_is_asked_about(cashier, opened, stall, bill):
    thing = stall("Awa Traoré")
    due = bill(owner(thing), 25_000, thing=thing)
    form = {"client_id": str(uuid.uuid4()), "bill": due.reference, "amount": "90000", "way": "cash", "ahead": "False"}
    for address in (f"/desk/counter/{owner(thing).number}", f"/desk/cash/bills/{due.reference}"):
        asked = cashier.post(address, form)
        assert asked.status_code == 422 and "25,000 FCFA is owed. Is the rest change?" in text(asked)
        assert 'type="checkbox" name="ahead"' in text(asked)
    due.refresh_from_db()
    assert due.state == "open" and not ledger.Payment.objects.exists()
    page = text(cashier.get(f"/desk/counter/{owner(thing).number}"))
    assert 'type="checkbox" name="ahead"' not in page, "nobody is asked before it is more"
    assert cashier.post(f"/desk/counter/{owner(thing).number}", form | {"ahead": "on"}).status_code == 302
    assert ledger.advance_of(due.payer_id) == 65_000


def test_a_cheque_and_a_card_do_not_lie_in_the_desk(cashier, opened, stall, bill):
    thing = stall()
    first, second = bill(owner(thing), 3000), bill(owner(thing), 2000)
    number = owner(thing).number
    form = {"client_id": str(uuid.uuid4()), "bill": first.reference, "amount": "3000", "way": "cheque"}
    assert "the bank asks for it" in text(cashier.post(f"/desk/counter/{number}", form))
    cheque = cashier.post(f"/desk/counter/{number}", form | {"reference": "BDM 4471"})
    card = cashier.post(
        f"/desk/counter/{number}",
        {
            "client_id": str(uuid.uuid4()),
            "bill": second.reference,
            "amount": "2000",
            "way": "card",
            "reference": "slip 12",
        },
    )
    assert cheque.status_code == card.status_code == 302
    assert "Cheque" in text(cashier.get(cheque.url)) and "CHQ-" in text(cashier.get(cheque.url))
    assert ledger.held_at([opened.pk])[opened.pk] == 10000
    assert (ledger.balance("513"), ledger.balance("515")) == (3000, 2000)
    assert set(ledger.Bill.objects.values_list("state", flat=True)) == {"paid"}


def test_without_an_open_desk_nothing_is_taken(cashier, stall, bill):
    thing = stall()
    due = bill(owner(thing))
    page = cashier.post(
        f"/desk/counter/{owner(thing).number}",
        {"client_id": str(uuid.uuid4()), "bill": due.reference, "amount": "5000", "way": "cash"},
    )
    assert "no cash desk open" in text(page) and not ledger.Payment.objects.exists()


def test_who_stands_at_the_front_desk_is_opened_at_once(cashier, stall):
    person = people.Person.objects.create(name="Awa Traoré")
    thing = stall("Awa Traoré")
    Taxpayer.objects.filter(pk=owner(thing).pk).update(person=person)
    note = people.note(person, by=Actor(account=cashier.account.pk, staff=True, grants=(Grant("agent"),)))
    assert cashier.get("/desk/counter/", {"for": note}).url == f"/desk/counter/{owner(thing).number}"
    assert cashier.get("/desk/counter/", {"for": "forged"}).status_code == 200


def test_of_another_zone_is_not_opened(hire, stall, plateau):
    thing = stall()
    agent = hire("agent", zone=plateau.pk)
    assert agent.get(f"/desk/counter/{owner(thing).number}").status_code == 403
    assert "Awa" not in text(agent.get("/desk/counter/", {"q": "Awa Traoré"})).split("</form>", 2)[-1]


# --- The kiosk


@pytest.fixture
def screen():
    return Client(headers=ENGLISH)


def test_the_kiosk_says_what_is_owed_and_not_by_whom(screen, stall, bill):
    thing = stall("Awa Traoré", phone="+22370000001")
    due = bill(owner(thing), 5000, thing=thing)
    assert screen.get("/kiosk/").status_code == 200
    for said in (
        thing.code.lower(),
        owner(thing).number,
        due.reference,
        f"https://town.test/registered/{thing.code}?x=1",
    ):
        page = screen.post("/kiosk/", {"do": "find", "typed": said})
        assert "A. T." in text(page) and "5,000 FCFA" in text(page), said
        assert not re.search("Awa|Traor|70000001", text(page))
        assert page["Cache-Control"] == "no-store" and page["Refresh"].endswith("url=/kiosk/")
    for said in ("Awa Traoré", "70 00 00 01", "", "ZZ"):
        assert screen.post("/kiosk/", {"do": "find", "typed": said}).status_code == 404, said
    assert kiosk.initials("Awa  Traoré") == "A. T." and kiosk.initials("") == ""
    assert "sessionid" not in screen.cookies and not screen.cookies.keys() - {"csrftoken", "language"}


def test_a_slip_for_the_counter(screen, stall, bill):
    thing = stall()
    first, _second = bill(owner(thing), 5000), bill(owner(thing), 700)
    slip = screen.post("/kiosk/", {"do": "slip", "typed": owner(thing).number, "bill": first.reference})
    number = owner(thing).number
    assert (
        f"{number[:4]} {number[4:]}" in text(slip) and "5,000 FCFA" in text(slip) and "data:image/svg+xml" in text(slip)
    )


def test_paying_by_telephone_at_the_kiosk(screen, stall, bill, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("toguna.engines.ledger.providers.ways.tables", lambda: {
        "mtn": {"api_user": "u", "api_key": "k", "subscription_key": "s", "environment": "sandbox", "url": "http://127.0.0.1:9", "currency": "XOF"}
    })  # fmt: skip
    assert [one.slug for one in ledger.usable_ways()] == ["mtn"], "set up as town.toml would"
    thing = stall()
    first, second = bill(owner(thing), 5000), bill(owner(thing), 700)
    page = text(screen.post("/kiosk/", {"do": "find", "typed": thing.code}))
    given = re.search('name="client_id" value="([^"]+)"', page)
    assert given
    form = {
        "do": "pay", "typed": thing.code, "bill": [first.reference, second.reference], "way": "mtn", "phone": "70 00 00 01",
        "client_id": given.group(1),
    }  # fmt: skip
    assert screen.post("/kiosk/", form | {"phone": "12"}).status_code == 422
    asked = screen.post("/kiosk/", form)
    assert screen.post("/kiosk/", form).url == asked.url, "touched twice it is asked once"
    row = PaymentRequest.objects.get()
    assert (row.amount, row.phone, set(row.bills)) == (5700, "+22370000001", {first.pk, second.pk})
    waits = screen.get(asked.url)
    assert waits["Refresh"] == "5" and "70 00 00 01" not in text(waits)
    taken = ledger.take(
        5700,
        "XOF",
        "mtn",
        desk=ledger.new_desk("MTN", by=Actor(account=1)),
        key="k",
        by=Actor(),
        payer=first.payer_id,
        bills=row.bills,
    )
    PaymentRequest.objects.filter(pk=row.pk).update(state="succeeded", payment=taken)
    done = text(screen.get(asked.url))
    assert ledger.receipt_number(taken) in done and "data:image/svg+xml" in done and "Traor" not in done
    assert screen.get("/kiosk/?pay=NOSUCH").url == "/kiosk/"


def test_the_demo_has_collectors_who_went_round_today(town, stall, bill, hire):
    things = [stall(f"Awa {n}", lon=-0.995 + n * 1e-4) for n in range(9)]
    for thing in things:
        bill(owner(thing), 1500)
    people.create_staff(
        email="agent@town.test", password="long enough to be one", name="Agent", grants=[("agent", "*", None)]
    )
    for _twice in range(2):
        demo.load(None)
    assert 0 < Visit.objects.count() <= 9 and Collected.objects.exists()
    assert not Collected.objects.filter(odd__contains=["proof"]).exists()
    assert "Agent" in text(hire("manager").get("/desk/collecting/"))
    assert kernel_town.current().currency == "XOF"
