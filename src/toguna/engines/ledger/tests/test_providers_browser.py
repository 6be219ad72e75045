"""A bill paid from a small telephone without a script, and the desk's pages; no accessibility violation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.engines.ledger.tests import providers_world as world
from toguna.engines.people.testing import staff
from toguna.kernel.access import NOBODY
from toguna.kernel.testing_browser import Chromium, look, press
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN

State = PaymentRequest.State


@pytest.fixture
def mtn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mtn]:
    http.forget_tokens()
    with Mtn() as company:
        table = {**GIVEN["mtn"], "url": company.url}
        bank = {"holder": "Mairie de Soundiakoura", "account": "ML13 0001 2345"}
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": table, "bank": bank})
        yield company


def test_a_bill_is_paid_from_a_small_telephone(chromium: Chromium, settings: Any, mtn: Mtn) -> None:
    settings.TOGUNA_URL = chromium.url
    bill = world.bill(5000)
    phone, page = chromium.page(java_script_enabled=False), chromium.page(staff())
    phone.goto("/pay/")
    phone.fill("[name=reference]", world.reference(bill).lower())
    press(phone.locator("main form button"))
    look(page, phone.url, "pay-bill")
    press(phone.locator("main form button"))
    assert phone.locator("[aria-invalid=true]").count() == 1, "the telephone that pays is missing"
    phone.fill("[name=phone]", "70 00 00 01")
    press(phone.locator("main form button"))
    row = PaymentRequest.objects.get()
    assert phone.url.endswith(f"/pay/request/{row.code}")
    asking.send(row.pk)
    phone.reload()
    assert "code secret" in look(page, phone.url, "pay-pending")
    mtn.pay(next(iter(mtn.payments.values())))  # MTN tells the town, over HTTP
    assert PaymentRequest.objects.get().hinted
    following.follow(row.pk)
    phone.reload()
    assert "arrivé" in phone.locator("[role=status]").inner_text()
    assert "MTN-" in phone.locator("main a[href*='/receipt/']").inner_text(), "the payer has a receipt in hand"
    look(page, phone.url, "pay-paid")
    assert world.due(bill) == 0

    transfer = asking.ask("bank", 2500, bills=[world.bill(2500)], by=NOBODY)
    asking.send(transfer.pk)
    assert "ML13" in look(page, f"/pay/request/{transfer.code}")
    desk = "/desk/ledger"
    assert "5" in look(page, f"{desk}/requests/")
    look(page, f"{desk}/requests/{row.code}")
    page.goto(f"{desk}/reconciliation/")
    lines = mtn.export() + "STRAY1,?,2026-11-23 10:05:00,Successful,Payment,700,XOF,7,22370000009\n"
    page.set_input_files("[name=file]", {"name": "mtn.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    press(page.locator("main form button"))
    look(page, page.url, "pay-report")
    look(page, f"{desk}/reconciliation/")
    look(page, f"{desk}/suspense/")
    press(page.locator("main table a").first)
    look(page, page.url, "pay-item")
