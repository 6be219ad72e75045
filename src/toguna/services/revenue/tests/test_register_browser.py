"""A day of counting in a real browser at 320 pixels, the network cut; then the pages of a resident, the desk and the public check."""

from __future__ import annotations

from toguna.engines.territory import zones
from toguna.kernel.testing_browser import install, look, open_offline, sound
from toguna.services.revenue.models import Taxed
from toguna.services.revenue.tests.test_profile import PHONE, resident


def test_a_day_without_network_then_the_pages(chromium, hire, stall, bill):
    zones.forget()
    there = stall("Awa Traoré", phone=PHONE)
    taxpayer = there.parts.get().taxpayer
    bill(taxpayer, 12000, thing=there)
    page = chromium.phone(hire(), permissions=["geolocation"], geolocation={"longitude": -0.99, "latitude": 12.0051})
    context = page.context
    install(page, "/census/app")
    page.locator("#where", has_text="±").wait_for()
    sound(page)
    context.set_offline(True)
    open_offline(page, "/census/app")
    page.locator("#where", has_text="±").wait_for()
    page.locator("#base").select_option("etal")
    for n in range(3):
        page.locator("#name").fill(f"Commerçant {n}")
        page.locator("#words").fill(f"Place {n}")
        page.locator("[data-measure=m2]").fill("4")
        page.locator("#count button:not([type])").click()
        page.locator("#queue li").nth(n).wait_for()
    assert Taxed.objects.count() == 1
    context.set_offline(False)
    page.locator("#send").click()
    page.locator("#waiting", has_text=": 0").wait_for()
    assert Taxed.objects.filter(state="seen", street_name="Rue du Marché").count() == 3
    page.locator("#says").evaluate("said => { said.textContent = ''; }")  # what was said before is not waited for
    page.locator("#send").click()  # again: nothing changes
    page.locator("#says", has_text="Tout").wait_for()
    assert Taxed.objects.count() == 4
    for path in ("", f"{taxpayer.number}", f"thing/{there.code}", "new", "imports/", "same"):
        look(page, f"/desk/register/{path}")
    context.clear_cookies()
    chromium.sign_in(context, resident(PHONE))
    for path in (
        f"/taxes/{taxpayer.number}",
        f"/taxes/{taxpayer.number}/contest",
        f"/registered/?code={there.code}",
    ):
        look(page, path)
    context.close()
