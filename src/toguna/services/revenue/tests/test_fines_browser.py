"""An officer's day in a real browser: the network cut, a ticket with a photo, a battery that dies, and the evening."""

from __future__ import annotations

from typing import Any

from PIL import Image

from toguna.kernel.testing_browser import install, sound
from toguna.services.revenue.fines import demo
from toguna.services.revenue.models import Ticket

WHERE: Any = {
    "locale": "en-GB",
    "permissions": ["geolocation"],
    "geolocation": {"longitude": -0.995, "latitude": 12.0051},
}


def test_a_ticket_without_network_survives_the_battery(chromium, tmp_path, zongo, hire):
    demo.load(None)
    agent = hire()
    Image.new("RGB", (900, 600), "green").save(tmp_path / "car.jpg")

    page = chromium.phone(agent, **WHERE)
    install(page, "/tickets/app")
    page.locator("#load").click()
    page.locator("#says", has_text="Loaded").wait_for()

    page.context.set_offline(True)
    page.reload()
    page.locator("#plate").fill("ab 123-cd")
    page.locator("#known", has_text="No ticket of this plate").wait_for()
    page.locator("#kind").select_option("vitesse")
    page.locator("#measure").fill("27")
    page.locator("#amount", has_text="12,000").wait_for()
    page.locator("#photo").set_input_files(str(tmp_path / "car.jpg"))
    page.locator("#where", has_text="±").wait_for()
    sound(page, "ticket-form")
    page.locator("#ticket button:not([type])").click()
    page.locator("#slip .qr").wait_for()
    said = page.locator("#slip pre").inner_text()
    assert "AB123CD" in said and "12,000" in said
    assert page.locator("#rawbt").get_attribute("href").startswith("rawbt:base64,G0AbdB")
    sound(page, "ticket-paper")
    page.context.close()  # the battery dies

    page = chromium.phone(agent, **WHERE)
    page.goto("/tickets/app")
    page.locator("#waiting", has_text=": 0").wait_for()
    page.locator("#says", has_text="Everything is sent").wait_for()
    row = Ticket.objects.get()
    assert (row.plate, row.leaf, row.bill.amount, row.zone) == ("AB123CD", 1, 12000, zongo)
    assert row.number in said and row.photos.count() == 1
    page.context.close()
