"""A driver's morning in a real browser of 320 pixels, its network cut; and the pages of the head of service and of residents, sound."""

from __future__ import annotations

import time

from django.urls import reverse
from django.utils import timezone

from toguna.engines.documents.api import File
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs, until
from toguna.kernel.testing_browser import install, look, open_offline, shot, sound
from toguna.services.waste.models import Truck, Visit
from toguna.services.waste.rounds import crew, planning
from toguna.services.waste.rounds.tests.test_rounds import jpeg


def test_a_drivers_morning_without_network(chromium, yard, hire, monkeypatch):
    plan = planning.ask(timezone.localdate(), by=SYSTEM)
    run_jobs()
    planning.publish(plan.pk, by=SYSTEM)
    one = plan.rounds.order_by("pk").first()
    driver, head = hire("agent"), hire("manager")
    Truck.objects.filter(pk=one.truck_id).update(driver=driver.account.pk)
    stops = list(one.visits.filter(kind="stop").order_by("number").select_related("place"))
    assert one.visits.order_by("number").first() == stops[0]
    # What roads say is in test_roads.py; here, that the telephone says it.
    monkeypatch.setattr(
        crew, "_turns", lambda _one, visits: {v.pk: [f"Turn left at {v.number}.", "Keep right."] for v in visits}
    )

    page = chromium.phone(driver, locale="en-GB")
    context = page.context
    ahead = round(
        (timezone.now().timestamp() - time.time()) * 1000
    )  # the telephone keeps a day for twenty hours of its own clock
    context.add_init_script(f"const real = Date.now; Date.now = () => real() + {ahead};")
    context.add_init_script(
        "window.spoken = []; speechSynthesis.speak = (said) => spoken.push([said.text, said.lang]);"
        "speechSynthesis.cancel = () => { spoken.length = 0; };"
    )

    def hears(stop):
        page.locator("#now-name", has_text=stop.place.name).wait_for()
        page.evaluate("spoken.length = 0")  # what was said before is not waited for
        page.get_by_role("button", name="Say the way").click()
        words = [f"Turn left at {stop.number}.", "Keep right.", stop.place.name]
        until(lambda: page.evaluate("spoken.length") == len(words))
        assert page.evaluate("spoken") == [[said, "en"] for said in words]

    install(page, "/rounds/app")
    page.locator("#now-name", has_text=stops[0].place.name).wait_for()
    sound(page, "driver")
    hears(stops[0])
    context.set_offline(True)
    page.locator("[data-level='75']").click()
    page.locator("#now-name", has_text=stops[1].place.name).wait_for()
    hears(stops[1])
    page.locator("#skip summary").click()
    photo, reason = (page.locator(where).bounding_box() for where in ("#photo", "[data-reason='blocked']"))
    assert photo["y"] < reason["y"], "a tap on the reason sends at once: the photo is taken before"
    page.locator("#photo").set_input_files(
        {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": jpeg((1600, 1200))}
    )
    page.locator("#words").fill("A lorry")
    shot(page, "rounds-skip")
    page.locator("[data-reason='blocked']").click()
    page.locator("#count", has_text="3").wait_for()  # its photo too
    open_offline(page, "/rounds/app")  # the telephone was switched off and on
    page.locator("#count", has_text="3").wait_for()
    hears(stops[2])
    assert not Visit.objects.exclude(state="planned").exists()
    context.set_offline(False)
    page.locator("#says", has_text="Everything is sent").wait_for()
    done, skipped = (Visit.objects.get(pk=v.pk) for v in stops[:2])
    assert (done.state, done.level, skipped.state, skipped.reason) == ("done", 75, "skipped", "blocked")
    file = File.objects.get(subject_name="waste.visit", subject_id=skipped.pk)
    assert skipped.words == "A lorry" and head.get(reverse("document", args=[file.public_id])).status_code == 200
    context.close()

    page = chromium.page(locale="en-GB")
    page.goto(f"/truck?at={stops[2].place.code}")
    sound(page, "resident")
    chromium.sign_in(page.context, head)
    for path in (f"rounds/{plan.pk}", "rounds/now", "bins/", "rounds/"):
        look(page, f"/desk/{path}")
