"""The inspector's day in a real browser, with the network cut from morning to evening."""

from __future__ import annotations

import gzip
from pathlib import Path

from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.testing_browser import install, open_offline, sound

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


def test_forty_visits_and_eighty_photos_without_network(chromium, hire, opened, town, tmp_path):
    rows = [opened(text=f"Trou {n}", lon=0.1 + n / 100, lat=0.2 + n % 7 / 10) for n in range(40)]
    agent = hire("agent", teams=[town.roads])
    photos = {moment: tmp_path / f"{moment}.jpg" for moment in ("before", "after")}
    for n, path in enumerate(photos.values()):
        Image.new("RGB", (2000, 1200), (90 * n, 60, 20)).save(path)

    # The morning, with network.
    page = chromium.phone(agent)
    install(page, "/field/app")
    page.locator("#load button:not([type])").click()
    page.locator("#visits > li").nth(39).wait_for()
    sound(page)

    # The day, without.
    page.context.set_offline(True)
    page.reload()
    first = page.locator("#visits > li").first
    first.locator("summary").click()
    first.locator("[name=transition]").select_option("solve")
    first.locator("[name=words]").fill("Fait 0")
    first.locator("[name=note]").fill("sec")
    first.locator("[name=minutes]").fill("15")
    for moment in ("before", "after"):
        first.locator(f"[name={moment}]").set_input_files(str(photos[moment]))
    sound(page)
    first.locator("form button").click()
    page.locator("#count", has_text=": 3").wait_for()
    page.evaluate(MANY, [1, 20])
    page.context.close()  # the phone is switched off at noon

    page = chromium.phone()
    page.context.set_offline(True)
    open_offline(page, "/field/app")
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

    chromium.sign_in(page.context, agent)
    page.context.set_offline(False)
    page.route("**/field/sync", cut)
    page.route("**/field/photo", cut)
    for _try in range(40):
        if page.evaluate(SYNC) == "done":
            break
    assert page.evaluate(COUNT) == {"sent": 120}
    sound(page)
    page.context.close()

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
