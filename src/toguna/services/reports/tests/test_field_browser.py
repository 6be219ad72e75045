"""The inspector's day in a real browser, with the network cut from morning to evening."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.testing import open_offline
from toguna.services.reports.tests.test_browser import sound

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]
MANY = """async ([from, to]) => {
  const field = await import(document.querySelector("script[src*='field.js']").src);
  const day = await field.today();
  for (let n = from; n < to; n++) {
    const visit = day.cases[n], photos = [];
    for (const moment of ["before", "after"]) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 }), pen = canvas.getContext("2d");
      pen.fillStyle = `rgb(${n * 6}, ${moment === "after" ? 200 : 20}, 90)`;
      pen.fillRect(0, 0, 64, 48);
      photos.push({ moment, blob: await new Promise((done) => canvas.toBlob(done, "image/jpeg")) });
    }
    await field.queue.add({ kind: "visit", case: visit.code, slip: visit.slip, seen: visit.state, transition: "solve", words: `Fait ${n}`, note: "sec", minutes: "15", cost: "" }, photos);
  }
}"""
COUNT = """async () => {
  const field = await import(document.querySelector("script[src*='field.js']").src);
  return (await field.queue.mine()).reduce((sum, r) => ({ ...sum, [r.state]: (sum[r.state] ?? 0) + 1 }), {});
}"""
SYNC = """async () => (await import(document.querySelector("script[src*='field.js']").src)).sync()"""


def test_forty_visits_and_eighty_photos_without_network(
    live_server, hire, opened, town, tmp_path, monkeypatch, settings
):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    rows = [opened(text=f"Trou {n}", lon=0.1 + n / 100, lat=0.2 + n % 7 / 10) for n in range(40)]
    agent = hire("agent", teams=[town.roads])
    cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": agent.cookies[django_settings.SESSION_COOKIE_NAME].value, "url": live_server.url}  # fmt: skip
    photos = {moment: tmp_path / f"{moment}.jpg" for moment in ("before", "after")}
    for n, path in enumerate(photos.values()):
        Image.new("RGB", (2000, 1200), (90 * n, 60, 20)).save(path)
    browse = type("Browse", (), {"javascript": True})

    with sync_playwright() as play:

        def phone():
            context = play.chromium.launch_persistent_context(
                str(tmp_path / "phone"), executable_path=CHROMIUM, args=["--no-sandbox"], locale="fr-FR",
                viewport={"width": 320, "height": 640},
            )  # fmt: skip
            return context, context.new_page()

        # The morning, with network.
        context, page = phone()
        context.add_cookies([cookie])
        page.goto(f"{live_server.url}/field/app")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        page.reload()  # through the worker now, which keeps the page
        page.locator("#load button:not([type])").click()
        page.locator("#visits > li").nth(39).wait_for()
        sound(page, browse)
        if folder := os.environ.get("TOGUNA_SHOTS"):
            page.screenshot(path=Path(folder) / "field.png")

        # The day, without.
        context.set_offline(True)
        page.reload()
        first = page.locator("#visits > li").first
        first.locator("summary").click()
        first.locator("[name=transition]").select_option("solve")
        first.locator("[name=words]").fill("Fait 0")
        first.locator("[name=note]").fill("sec")
        first.locator("[name=minutes]").fill("15")
        for moment in ("before", "after"):
            first.locator(f"[name={moment}]").set_input_files(str(photos[moment]))
        sound(page, browse)
        first.locator("form button").click()
        page.locator("#count", has_text=": 3").wait_for()
        page.evaluate(MANY, [1, 20])
        context.close()  # the phone is switched off at noon

        context, page = phone()
        context.set_offline(True)
        open_offline(page, f"{live_server.url}/field/app")
        page.locator("#visits > li").nth(39).wait_for()
        page.evaluate(MANY, [20, 40])
        assert page.evaluate(COUNT) == {"waiting": 120}
        assert page.evaluate(SYNC) == "offline"
        assert not cases.Work.objects.exists()

        # The evening: the network comes, goes in the middle of what is sent, and comes back. Answers are lost too.
        seen = {"n": 0}

        def cut(route):
            seen["n"] += 1
            if seen["n"] % 9 == 4:
                route.abort()  # never left the phone
            elif seen["n"] % 9 == 8:
                route.fetch()  # it got there, its answer did not
                route.abort()
            else:
                route.continue_()

        context.add_cookies([cookie])
        context.set_offline(False)
        page.route("**/field/sync", cut)
        page.route("**/field/photo", cut)
        for _try in range(40):
            if page.evaluate(SYNC) == "done":
                break
        assert page.evaluate(COUNT) == {"sent": 120}
        sound(page, browse)
        context.close()

    assert seen["n"] > 90
    pks = [c.pk for c in rows]
    assert cases.Case.objects.filter(pk__in=pks, state="solved").count() == 40 == cases.Case.objects.count()
    assert cases.Work.objects.count() == 40 and cases.Photo.objects.count() == 80
    assert cases.Step.objects.filter(case__in=pks, action="noted", text="sec").count() == 40
    assert cases.Step.objects.filter(case__in=pks, action="moved").count() == 40


def test_the_app_is_light(hire):
    from django.contrib.staticfiles import finders

    parts = [hire("agent").get("/field/app").content]
    for name in ("toguna.css", "toguna.js", "reports/field.js", "offline.js", "reports/field.css"):
        found = finders.find(name)
        assert found
        parts.append(Path(found).read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) < 30_000
