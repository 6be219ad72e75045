"""A bill paid from a small telephone without a script, and the desk's pages; no accessibility violation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from toguna.engines.documents.tests.test_library_browser import sound
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.engines.ledger.tests import providers_world as world
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import NOBODY
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]
State = PaymentRequest.State


@pytest.fixture
def mtn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mtn]:
    http.forget_tokens()
    with Mtn() as company:
        table = {**GIVEN["mtn"], "url": company.url}
        bank = {"holder": "Mairie de Soundiakoura", "account": "ML13 0001 2345"}
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": table, "bank": bank})
        yield company


def test_a_bill_is_paid_from_a_small_telephone(
    live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, mtn: Mtn
) -> None:
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.TOGUNA_URL = live_server.url
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    bill = world.bill(5000)
    client = Client()
    grants: Any = [("manager", "*", None)]
    sign_in(client, people.create_staff(email="a@town.test", password="long enough", name="A", grants=grants))
    session: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    small: Any = {"viewport": {"width": 320, "height": 640}, "locale": "fr-FR"}
    folder = os.environ.get("TOGUNA_SHOTS")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            phone = browser.new_context(**small, java_script_enabled=False).new_page()
            looked = browser.new_context(**small)
            page = looked.new_page()
            looked.add_cookies([session])

            def shown(name: str, url: str) -> str:
                text = sound(page, url)
                if folder:
                    page.screenshot(path=f"{folder}/pay-{name}.png", full_page=True)
                return text

            phone.goto(f"{live_server.url}/pay/")
            phone.fill("[name=reference]", world.reference(bill).lower())
            phone.locator("main form button").click()
            shown("bill", phone.url)
            phone.locator("main form button").click()
            assert phone.locator("[aria-invalid=true]").count() == 1, "the telephone that pays is missing"
            phone.fill("[name=phone]", "70 00 00 01")
            phone.locator("main form button").click()
            row = PaymentRequest.objects.get()
            assert phone.url.endswith(f"/pay/request/{row.code}")
            asking.send(row.pk)
            phone.reload()
            assert "code secret" in shown("pending", phone.url)
            mtn.pay(next(iter(mtn.payments.values())))  # MTN tells the town, over HTTP
            assert PaymentRequest.objects.get().hinted
            following.follow(row.pk)
            phone.reload()
            assert "arrivé" in phone.locator("[role=status]").inner_text()
            assert "MTN-" in phone.locator("main a[href*='/receipt/']").inner_text(), "the payer has a receipt in hand"
            shown("paid", phone.url)
            assert world.due(bill) == 0

            transfer = asking.ask("bank", 2500, bills=[world.bill(2500)], by=NOBODY)
            asking.send(transfer.pk)
            assert "ML13" in shown("transfer", f"{live_server.url}/pay/request/{transfer.code}")
            desk = f"{live_server.url}/desk/ledger"
            assert "5" in shown("requests", f"{desk}/requests/")
            shown("request", f"{desk}/requests/{row.code}")
            page.goto(f"{desk}/reconciliation/")
            lines = mtn.export() + "STRAY1,?,2026-11-23 10:05:00,Successful,Payment,700,XOF,7,22370000009\n"
            page.set_input_files("[name=file]", {"name": "mtn.csv", "mimeType": "text/csv", "buffer": lines.encode()})
            page.locator("main form button").click()
            shown("report", page.url)
            shown("files", f"{desk}/reconciliation/")
            shown("suspense", f"{desk}/suspense/")
            page.locator("main table a").first.click()
            shown("item", page.url)
        finally:
            browser.close()
