"""The book's pages and a standing order's, in a small browser: nothing that axe finds, nothing wider than the screen."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import settling, starter
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in, staff
from toguna.kernel.access import SYSTEM, Actor, Grant
from toguna.kernel.testing_browser import Chromium, look
from toguna.simulate.payments import GIVEN


def test_the_book_and_a_standing_order_on_a_small_screen(chromium: Chromium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": "http://127.0.0.1:9"}})
    starter.load()
    person = people.person_for(name="Aïssatou Koné", phone="+22370000001")
    people.Contact.objects.filter(person=person).update(verified=timezone.now())
    payer = ledger.payer("Aïssatou Koné", person.pk if person else None)
    lines = [
        ledger.Due("principal", "Étal, par mois : 12 m2 × 750 FCFA", 9000, "7336"),
        ledger.Due("penalty", "Retard de 30 jours", 450, "7711"),
    ]
    due = timezone.localdate() - timedelta(days=30)
    bill = ledger.issue(payer, lines, key=uuid.uuid4().hex, due=due, by=SYSTEM, words="Étal 12, octobre")
    desk = cashbook.new_desk("Guichet 1", by=SYSTEM)
    ledger.take(3000, "XOF", "cash", desk=desk, bills=[bill.pk], key="p", by=SYSTEM)
    ledger.take(2500, "XOF", "cash", desk=desk, payer=ledger.payer("Moussa").pk, key="p2", by=SYSTEM)
    ledger.plan(bill.pk, [timezone.localdate() + timedelta(days=n) for n in (10, 40, 70)], by=SYSTEM, step=25)
    asker = Actor(account=0, staff=True, grants=(Grant("manager", "ledger"),))
    wish = settling.ask_write_off(bill.pk, reason="décès, sans héritiers", key="w", by=asker)
    order = ledger.subscribe(payer.pk, "mtn", "+22370000001", day=5, most=9000, key="o", by=SYSTEM)

    resident = Client()
    sign_in(resident, people.Account.objects.create(person=person, name="Aïssatou"))
    pages = {
        "/desk/ledger/": ("book/", f"book/bills/{bill.reference}", f"book/payers/{payer.pk}", "book/accounts", "book/journal", "book/wishes/",
                          f"book/wishes/{wish.pk}", "book/periods", "orders/", f"orders/new/{payer.pk}"),
        "/pay/orders/": ("", bill.reference),
    }  # fmt: skip
    assert order.pk
    for (under, paths), client in zip(pages.items(), (staff(), resident), strict=True):
        page = chromium.page(client)
        for path in paths:
            assert look(page, under + path), path
            assert "error" not in page.title().lower(), path
