"""The book's pages and a standing order's, in a small browser: nothing that axe finds, nothing wider than the screen."""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from toguna.engines.documents.tests.test_library_browser import sound
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import settling, starter
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM, Actor, Grant
from toguna.kernel.testing import forget_jobs
from toguna.simulate.payments import GIVEN

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def test_the_book_and_a_standing_order_on_a_small_screen(
    live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
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

    def session(account: people.Account) -> Any:
        client = Client()
        sign_in(client, account)
        return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}

    grants: Any = [("manager", "*", None)]
    staff = session(people.create_staff(email="a@town.test", password="long enough", name="A", grants=grants))
    resident = session(people.Account.objects.create(person=person, name="Aïssatou"))
    pages = [
        (staff, "/desk/ledger/book/"), (staff, f"/desk/ledger/book/bills/{bill.reference}"), (staff, f"/desk/ledger/book/payers/{payer.pk}"),
        (staff, "/desk/ledger/book/accounts"), (staff, "/desk/ledger/book/journal"), (staff, f"/desk/ledger/book/wishes/{wish.pk}"),
        (staff, "/desk/ledger/book/wishes/"), (staff, "/desk/ledger/book/periods"), (staff, "/desk/ledger/orders/"),
        (staff, f"/desk/ledger/orders/new/{payer.pk}"), (resident, "/pay/orders/"), (resident, f"/pay/orders/{bill.reference}"),
    ]  # fmt: skip
    folder = os.environ.get("TOGUNA_SHOTS")
    small: Any = {"viewport": {"width": 320, "height": 640}, "locale": "fr-FR"}
    assert order.pk
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            for cookie in (staff, resident):
                context = browser.new_context(**small)
                context.add_cookies([cookie])
                page = context.new_page()
                for n, (whose, path) in enumerate(pages):
                    if whose is not cookie:
                        continue
                    assert sound(page, live_server.url + path), path
                    assert "error" not in page.title().lower(), path
                    if folder:
                        page.screenshot(path=f"{folder}/{n:02d}.png", full_page=True)
                context.close()
        finally:
            browser.close()
            forget_jobs()
