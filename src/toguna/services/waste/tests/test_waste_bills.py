"""What a household owes for waste, heard, seen and paid from the telephone that it has."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils import timezone

from toguna.engines.channels import api as channels
from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.providers import ways
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import PickUp, Subscription
from toguna.services.waste.orders import subscriptions, telling
from toguna.services.waste.tests.conftest import HOME, OTHER
from toguna.services.waste.tests.test_working import person_at
from toguna.simulate.payments import GIVEN


def subscribe(say, *more: str) -> Subscription:
    for words in ("PICKUP", "Each week: 2,000 FCFA a month", "Mosquée de Nord", "1", *more):
        say(words)
    assert "Pick-up" in say("1")
    return Subscription.objects.select_related("household").get()


def said_of(bill: ledger.Bill) -> list[str]:
    run_jobs()
    found = [
        one for one in Message.objects.filter(address=HOME).values_list("text", flat=True) if bill.reference in one
    ]
    assert all(sms.size(one).parts == 1 for one in found)
    return found


def test_each_month_of_a_subscription_is_said_once_and_stands_on_the_page_with_a_button_to_pay(collectors, say):
    row = subscribe(say)
    (first,) = ledger.bills_of(row.household.payer_id)
    following = (row.since.replace(day=1) + timedelta(days=40)).replace(day=1)
    Subscription.objects.update(upto=following + timedelta(days=5))  # its pick-ups are not what is looked at
    for _again in range(2):
        subscriptions.sweep(following)
    _first, second = ledger.bills_of(row.household.payer_id)
    for bill, month in ((first, row.since), (second, following)):
        (told,) = said_of(bill)
        assert "2,000 FCFA" in told and f"{month:%m/%Y}" in told and f"{bill.due:%d/%m}" in told
        assert f"/pay/{bill.reference}" in told
    fanta, _person = person_at(HOME)
    page = fanta.get("/waste/mine").content.decode()
    assert all(f'href="/pay/{one.reference}"' in page for one in (first, second))
    desk = ledger.new_desk("Counter", by=SYSTEM)
    ledger.take(2000, "XOF", "cash", desk=desk, key="k", by=SYSTEM, payer=row.household.payer_id, bills=[first.pk])
    page = fanta.get("/waste/mine").content.decode()
    assert f'href="/pay/{first.reference}"' not in page and f'href="/pay/{second.reference}"' in page


def test_a_feature_phone_sees_what_it_owes_for_waste_and_pays_it(collectors, say, company, heard):
    subscribe(say, "2")
    run_jobs()
    (bill,) = ledger.Bill.objects.all()
    (told,) = said_of(bill)
    assert "send: PAY 2,000 FCFA" in told, "what does not ring by itself says how to pay"
    answer = say("BALANCE")
    assert f"Waste: 2,000 FCFA to pay. Oldest: {bill.reference}" in answer and "PAY" in answer
    assert "No taxpayer" in say("BALANCE", OTHER)
    assert "confirm" in say("PAY 2,000 FCFA")
    row = company.confirm()
    assert (row.phone, row.amount, row.bills, row.state) == (HOME, 2000, [bill.pk], "succeeded")
    assert "nothing to pay" in say("BALANCE") and "nothing to pay" in say("PAY 500")
    assert f"received for bill {bill.reference}" in heard(HOME, 9)


def test_what_is_late_is_said_once_all_together_and_not_what_is_complained_of(collectors, say, monkeypatch):
    monkeypatch.setattr(channels, "quiet_now", lambda _now: False)
    row = subscribe(say)
    home = row.household
    due, today = [ledger.Due("principal", "Bags", 500, "7068")], timezone.localdate()

    def owe(about: str, day: date) -> ledger.Bill:
        return ledger.issue(home.payer, due, key=about, due=day, by=SYSTEM, about=("waste", about))

    first, _second = owe("A", today), owe("B", today + timedelta(days=1))
    pickup = row.pickups.get()
    PickUp.objects.filter(pk=pickup.pk).update(complained=timezone.now())
    contested = owe(pickup.code, today)
    run_jobs()
    before = Message.objects.count()
    telling.remind(today)
    assert Message.objects.count() == before, "today is not late"
    for day in (1, 2, 2, 3, 30):
        telling.remind(today + timedelta(days=day))
    told = list(Message.objects.order_by("pk").values_list("text", flat=True)[before:])
    assert ["500 FCFA" in one or "1,000 FCFA" in one for one in told] == [True, True], told
    assert "500 FCFA" in told[0] and "PAY 1,000 FCFA" in told[1] and first.reference in told[1]
    assert not any(contested.reference in one for one in told) and all(sms.size(one).parts == 1 for one in told)


def test_what_is_asked_for_by_itself_is_said_by_its_order_alone(collectors, say, monkeypatch):
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": GIVEN["mtn"]})
    row = subscribe(say, "1")
    (bill,) = ledger.bills_of(row.household.payer_id)
    assert said_of(bill) == []
