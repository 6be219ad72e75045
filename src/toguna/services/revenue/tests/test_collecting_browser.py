"""A collector's day in a real browser: the network cut from morning to evening, and a battery that dies at noon."""

from __future__ import annotations

import gzip
import re
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import zxingcpp
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.tests.test_receipts_paper import printed
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import install, look, open_offline, press, sound
from toguna.services.revenue.collecting.field_views import FILES
from toguna.services.revenue.models import Collected, Counted, Taxed, Taxpayer, Visit
from toguna.services.revenue.tests.collecting_world import Phone

WHERE: Any = {
    "locale": "en-GB",
    "permissions": ["geolocation"],
    "geolocation": {"longitude": -0.995, "latitude": 12.0051},
}
APP = """const app = await import(document.querySelector("script[src*='collect.js']").src);"""
COUNT = f"async () => {{ {APP} return (await app.queue.mine()).reduce((sum, r) => ({{ ...sum, [r.state]: (sum[r.state] ?? 0) + 1 }}), {{}}); }}"
SYNC = f"async () => {{ {APP} return app.sync(); }}"
MANY = f"""async ([code, reference, times]) => {{ {APP}
  await Promise.all(Array.from({{ length: times }}, () => app.keep({{ kind: "pay", code, bills: [reference], amount: 100, lines: [], owed: {{}}, name: "" }})));
}}"""
PAID = f"""async ([ticked, bills, amount]) => {{ {APP} return [app.paid(ticked, {{ bills }}, amount), app.compared(5000, 38500)]; }}"""
CODE = """async (text) => (await import(document.querySelector("script[src*='collect.js']").src.replace("collect.js", "qr.js"))).qr(text)"""

# A printer that remembers what it was sent; `slow`: one of those that answer nothing.
PRINTER = """() => {
  window.parts = []; window.chosen = 0; window.slow = true;
  const channel = () => ({ properties: window.slow ? { writeWithoutResponse: true } : { write: true },
    writeValueWithResponse: async (part) => { window.parts.push([...part]); }, writeValueWithoutResponse: async (part) => { window.parts.push([...part]); } });
  const device = { name: "P58", gatt: { connect: async () => ({ getPrimaryServices: async () => [{ getCharacteristics: async () => [{ properties: { read: true } }, channel()] }] }), disconnect: () => {} } };
  Object.defineProperty(navigator, "bluetooth", { configurable: true, value: { getDevices: async () => (window.chosen ? [device] : []), requestDevice: async () => { window.chosen += 1; return device; } } });
}"""


def rolled(page: Any) -> bytes:
    """What the printer was sent by one press, which came in parts that it can take."""
    page.evaluate("() => { window.parts = []; document.getElementById('says').textContent = ''; }")
    page.locator("#bluetooth").click()
    page.locator("#says", has_text="Printed.").wait_for()
    parts = page.evaluate("window.parts")
    assert len(parts) > 1 and {len(part) for part in parts[:-1]} == {180} and 0 < len(parts[-1]) <= 180
    return b"".join(bytes(part) for part in parts)


def test_a_day_in_the_market_without_network(chromium, zongo, stall, bill):
    thing, market = (
        stall("Awa Traoré", phone="+22370000001"),
        stall("Fanta Ŋgom Ɓah", base="place-du-jour", m2="3", lon=-0.9951),
    )
    Taxed.objects.filter(pk=market.pk).update(plate="AB1234MD")
    awa = Taxpayer.objects.get(parts__taxed=thing)
    due, old = bill(awa, 5000, thing=thing), bill(awa, 2500)
    who = Phone(zongo.pk)

    def phone(client: Client | None = None) -> Any:
        page = chromium.phone(client, **WHERE)
        page.add_init_script(f"({PRINTER})()")
        return page

    # The morning, with network.
    page = phone(who.client)
    install(page, "/collect/")
    page.locator("#morning [data-load]").click()
    page.locator("#says", has_text="you may leave the network").wait_for()
    page.locator("#places button").nth(1).wait_for()
    link = page.locator("#places li", has_text="Awa Traoré").locator("a").get_attribute("href")
    assert link == f"geo:12.00510,-0.99500?q=12.00510,-0.99500({thing.code})", "the phone's own map opens there"
    sound(page, "collect-home")

    # The day, without: a bill, found by its number.
    page.context.set_offline(True)
    page.reload()
    page.locator("#q").fill(awa.number.lower())
    page.locator("#q").press("Enter")
    page.locator("#one-title", has_text="Awa Traoré").wait_for()
    assert page.locator("#amount").input_value() == "7500"
    sound(page, "collect-one")
    # Of less than all, the paper says what each bill got: the oldest first, as the book will have it.
    bills = [{"reference": n, "words": "Stall", "owed": 5000, "due": f"2026-0{9 - int(n)}-01"} for n in "12"]
    said, counted = page.evaluate(PAID, [["1", "2"], bills, 7000])
    assert said == [["2 Stall", 5000], ["1 Stall (in part)", 2000]] and "there should be 38,500" in counted
    page.locator(f"#bills input[value='{old.reference}']").uncheck()
    assert page.locator("#amount").input_value() == "5000"
    page.locator("#take button:not([type])").click()
    page.locator("#slip .qr").wait_for()
    number = f"{who.collector.desk.prefix}-{timezone.localdate().year}-000001"
    assert number in page.locator("#slip pre").inner_text()
    assert page.locator("#rawbt").get_attribute("href").startswith("rawbt:base64,G0AbdB")
    sound(page, "collect-receipt")
    first, second = rolled(page), rolled(page)
    for raw in (first, second):
        assert number.encode() in raw and "Awa Traoré".encode("cp1252") in raw and b"?a=5000&p=" in raw
    assert b"DUPLICATE" not in first and b"DUPLICATE no. 1" in second.replace(b"\n", b" ")
    assert page.evaluate("window.chosen") == 1, "the printer that was chosen is known again"
    page.locator("#next").click()

    # The fee of the day, and a passing seller; somebody who is not there.
    page.locator("#q").fill("ab-1234 md")  # by the plate of a vehicle, as it is read
    page.locator("#q").press("Enter")
    page.locator("#one-title", has_text="Fanta Ŋgom Ɓah").wait_for()
    page.locator("#take button:not([type])").click()
    page.locator("#slip .qr").wait_for()
    page.evaluate("window.slow = false")
    dots = printed(rolled(page))  # letters that no printer has: as a picture
    image = 255 * (1 - np.unpackbits(np.frombuffer(dots, dtype=np.uint8)).reshape(-1, 384))
    (code,) = zxingcpp.read_barcodes(np.pad(image.astype(np.uint8), 32, constant_values=255))
    assert code.text.partition("?")[0].endswith("-000002") and "?a=200&p=" in code.text
    assert (image[: 26 * 8] == 0).any(axis=1).sum() > 80, "the lines above it are drawn too"
    page.locator("#next").click()
    page.locator("#passing").click()
    page.locator("#offers label").nth(1).click()
    sound(page, "collect-passing")
    page.locator("#passes button:not([type])").click()
    page.locator("#next").click()
    page.locator("#which").select_option("")
    page.locator("#places button", has_text="Awa Traoré").click()
    page.locator("#visit").locator("xpath=..").locator("summary").click()
    page.locator("#outcome").select_option("later")
    page.locator("#promised-on").fill("2027-01-02")
    page.locator("#visit button:not([type])").click()
    page.locator("#count-waiting", has_text=": 4").wait_for()
    page.context.close()  # the battery dies

    page = phone()
    page.context.set_offline(True)
    open_offline(page, "/collect/")
    page.locator("#count-waiting", has_text=": 4").wait_for()
    page.evaluate(MANY, [thing.code, old.reference, 12])  # two windows at once take no number twice
    page.locator("[data-go=count]").click()
    page.locator("#piece-5000").fill("1")
    page.locator("#piece-200").fill("8")
    assert "6,600" in page.locator("#running").inner_text()
    assert page.locator("#compared").inner_text().startswith("Counted 6,600\u00a0FCFA: it is right")
    sound(page, "collect-count")
    page.locator("#counting button:not([type])").click()
    page.locator("#queue li").nth(15).wait_for()
    sound(page, "collect-work")
    assert page.evaluate(SYNC) == "offline" and not ledger.Payment.objects.exists()
    said = "https://mairie.example/receipt/AT12-2026-000123?a=1500&p=K7M4XZ"
    for text in (said, "é", said * 4):
        dots = np.pad(np.array(page.evaluate(CODE, text), dtype=np.uint8), 4)
        picture = (255 * (1 - np.kron(dots, np.ones((6, 6), dtype=np.uint8)))).astype(np.uint8)
        assert [one.text for one in zxingcpp.read_barcodes(picture)] == [text], (
            "another's reader reads the phone's code"
        )

    # The evening: the network comes, goes in the middle of what is sent, and comes back; an answer is lost.
    seen = {"n": 0}

    def cut(route: Any) -> None:
        seen["n"] += 1
        if seen["n"] == 1:
            route.abort()  # never left the phone
        elif seen["n"] == 2:
            route.fetch()  # it got there, its answer did not
            route.abort()
        else:
            route.continue_()

    chromium.sign_in(page.context, who.client)
    page.route("**/collect/sync", cut)
    page.context.set_offline(False)
    for _try in range(12):
        if page.evaluate(SYNC) == "done":
            break
    assert page.evaluate(COUNT) == {"sent": 17}
    assert page.evaluate(SYNC) == "done"
    page.context.close()
    desk = who.collector.desk
    taken = ledger.Payment.objects.filter(desk=desk)
    assert (
        sorted(taken.values_list("number", flat=True)) == list(range(1, 16)) and not taken.exclude(printed="").exists()
    )
    assert ledger.held_at([desk.pk])[desk.pk] == 6600 == sum(taken.values_list("amount", flat=True))
    due.refresh_from_db()
    old.refresh_from_db()
    assert due.state == "paid" and old.left == 1300
    assert not Collected.objects.filter(odd__contains=["proof"]).exists(), "the phone's codes are the town's"
    assert Visit.objects.filter(outcome="later", promised="2027-01-02", taxed=thing).count() == 1
    assert Visit.objects.filter(taxed=market, collected__payment__amount=200, point__isnull=False).count() == 1
    assert Counted.objects.get().total == Counted.objects.get().expected == 6600
    assert ledger.gaps(desk, timezone.localdate().year) == []


def test_kiosk_counter_and_board_by_touch_and_by_keys(chromium, zongo, stall, bill, hire):
    """The kiosk's own keys find what is owed; it begins again by itself. The counter needs no mouse; the board is sound."""
    thing = stall("Awa Traoré")
    awa = Taxpayer.objects.get(parts__taxed=thing)
    bill(awa, 5000, thing=thing)
    who = Phone(zongo.pk, most=1000)
    who.load()
    who.send(who.pay(2000, code=thing.code, lon=-0.985, lat=12.01, accuracy=9), waiting=2, carried=700)
    head = hire("manager", service="*")
    desk = ledger.new_desk("Window 1", by=SYSTEM)
    head.post(f"/desk/cash/open/{desk.pk}", {"client_id": str(uuid.uuid4()), "piece_1000": "5"})
    page = chromium.page(locale="en-GB")
    page.clock.install()
    page.add_init_script("window.printed = 0; window.print = () => { window.printed += 1; };")
    page.goto("/kiosk/")
    for letter in awa.number:
        page.locator(".keys button", has_text=re.compile(f"^{letter}$")).click()
    sound(page, "kiosk")
    press(page.locator("form .big"))
    page.get_by_text("A. T.").wait_for()
    assert page.get_by_text("Awa").count() == 0
    sound(page, "kiosk-owed")
    press(page.locator("button[value=slip]"))
    page.locator("img.qr").wait_for()
    sound(page, "kiosk-slip")
    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed") == 1
    page.clock.fast_forward(61_000)
    page.locator("#typed").wait_for()
    assert page.locator("#typed").input_value() == ""

    page = chromium.page(head, locale="en-GB")
    page.goto("/desk/counter/")
    page.keyboard.type(thing.code)  # the field has the cursor already
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Awa Traoré").wait_for()
    sound(page, "counter")
    assert page.locator("#id_amount").input_value() == "3000"
    page.locator("#id_amount").press("Enter")
    page.get_by_role("heading", name="Receipt").wait_for()
    for path in ("", "odd", str(who.collector.pk), "new"):
        look(page, f"/desk/collecting/{path}")
    assert set(ledger.Bill.objects.values_list("state", flat=True)) == {"paid"}


def test_the_app_is_light(hire):
    parts = [hire("agent").get("/collect/").content]
    for name in ("toguna.css", "toguna.js", "offline.js", *FILES):
        found = finders.find(name)
        assert isinstance(found, str)
        parts.append(Path(found).read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) < 36_000
