"""The life of a report in a real browser: with JavaScript off, then on; at 320 pixels; no accessibility violation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from toguna.engines.cases.api import Case

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def browse(request, monkeypatch, settings) -> Iterator[Any]:
    """browse(cookies) -> a page of a 320-pixel browser in French."""
    from playwright.sync_api import sync_playwright

    # The test's server finds static files in the sources, by their plain names.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def page(cookies: list[Any] | None = None) -> Any:
            context = browser.new_context(
                viewport={"width": 320, "height": 640}, locale="fr-FR", java_script_enabled=request.param
            )
            context.add_cookies(cookies or [])
            return context.new_page()

        page.javascript = request.param
        yield page
        browser.close()


def sound(page: Any, browse: Any) -> None:
    """Nothing wider than the screen, and nothing that axe finds. Both ask the page by script: only where it runs."""
    if not browse.javascript:
        return
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state("load")
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the style sheet is not there"
    wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 120))"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, (page.url, page.evaluate(wide))
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], page.url


def test_a_report_from_the_hand_to_the_page(browse, live_server, town, hire, picture, tmp_path, run_jobs):
    photo = tmp_path / "trou.jpg"
    photo.write_bytes(picture)
    resident = browse()
    resident.goto(f"{live_server.url}/")
    resident.get_by_role("main").get_by_role("link", name="Signaler un problème").first.click()
    sound(resident, browse)
    resident.get_by_role("link", name="Nid-de-poule").click()
    sound(resident, browse)
    resident.get_by_label("Où est-ce ?").fill("Derrière la mosquée")
    resident.get_by_role("button", name="Continuer").click()  # nobody knows which mosque: the district is asked
    resident.get_by_role("alert").first.wait_for()
    sound(resident, browse)
    resident.get_by_label("Quartier").select_option("Nord")
    resident.get_by_role("button", name="Continuer").click()
    sound(resident, browse)
    resident.get_by_role("button", name="Envoyer mon signalement").click()  # empty: said, not sent
    resident.get_by_role("alert").first.wait_for()
    assert not Case.objects.exists()
    sound(resident, browse)
    resident.get_by_label("Que voyez-vous ?").fill("Un grand trou")
    resident.get_by_label("Photos").set_input_files(str(photo))
    resident.get_by_label("Votre téléphone ou votre e-mail").fill("awa@example.org")
    resident.wait_for_timeout(500 if browse.javascript else 0)  # the photo is made small
    resident.get_by_role("button", name="Envoyer mon signalement").click()
    code = resident.locator(".code").inner_text().replace(" ", "")
    sound(resident, browse)
    case = Case.objects.get(code=code)
    assert case.team == town.roads and case.photos.count() == 1
    run_jobs()

    agent = hire("agent", teams=[town.roads])
    session = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": agent.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": live_server.url,
    }
    desk = browse([session])
    desk.goto(f"{live_server.url}/desk/reports/")
    sound(desk, browse)
    desk.get_by_role("link", name="Nid-de-poule").first.click()
    sound(desk, browse)
    desk.get_by_role("link", name="Afficher (c'est enregistré)").click()
    desk.get_by_text("awa@example.org").first.wait_for()
    desk.get_by_label("Message pour la personne et le public").fill("C'est rebouché")
    desk.get_by_role("button", name="Marquer comme résolu").click()
    desk.get_by_text("C'est fait.").first.wait_for()
    run_jobs()

    resident.get_by_role("link", name="Suivre mon signalement").first.click()
    resident.get_by_text("C'est rebouché").first.wait_for()
    resident.get_by_role("img", name="Photo du signalement").first.wait_for()
    sound(resident, browse)
    resident.get_by_label("Votre message").fill("Le trou est revenu")
    resident.get_by_role("button", name="Non, ce n'est pas résolu").click()
    resident.get_by_text("l'équipe lit votre réponse").first.wait_for()
    case.refresh_from_db()
    assert case.state == "accepted"
    resident.goto(f"{live_server.url}/reports/")
    sound(resident, browse)
    resident.get_by_text("Un grand trou").first.wait_for()


@pytest.mark.parametrize("path", ["/reports/follow", "/reports/new", "/reports/new/pothole", "/reports/"])
def test_pages_are_light(client, opened, path):
    """Under 30 kB compressed with the style and the script: what a page costs on 2G."""
    import gzip

    from django.contrib.staticfiles.storage import staticfiles_storage

    for n in range(55):
        opened(lon=0.01 + n / 60, text=f"Un trou numéro {n}, devant la maison {n * 7919}")
    parts = [client.get(path).content]
    for name in ("toguna.css", "toguna.js", "territory/map.js"):
        with staticfiles_storage.open(staticfiles_storage.stored_name(name)) as file:
            parts.append(file.read())
    assert sum(len(gzip.compress(part)) for part in parts) < 30_000
