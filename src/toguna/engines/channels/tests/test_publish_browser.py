"""The pages of publications in a real browser at 320 pixels: nothing wider than the screen, no accessibility violation."""

from __future__ import annotations

import os
import shutil

import pytest
from django.conf import settings as django_settings
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.test import Client
from django.utils import timezone

from toguna.engines.channels.models import Message, Publication
from toguna.engines.people import api as people
from toguna.engines.people.models import Person
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel.access import ADMINISTRATOR
from toguna.kernel.tasks import Lane

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True, available_apps=django_settings.INSTALLED_APPS),
]
WORDS = {
    "fr": "Le fleuve atteint 4,2 m et monte encore. Quittez les berges ce soir.",
    "en": "The river is at 4.2 m and still rising. Leave the banks tonight.",
}


@pytest.fixture
def rows():
    """A draft, an alarm that was sent and of which the end was said."""
    zone = Zone.objects.create(
        level=2, name="Nord", source="n", geom=MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
    )
    zones.forget()
    given = {
        "titles": {"fr": "Le fleuve monte", "en": "The river is rising"},
        "texts": WORDS,
        "audience": {"known": True},
    }
    draft = Publication.objects.create(**given, media=["sms", "email"])
    sent = Publication.objects.create(
        **given, media=["sms"], lane=Lane.ALARM, state="done", started=timezone.now(), finished=timezone.now()
    )
    over = Publication.objects.create(
        titles={"fr": "C’est terminé"}, media=["sms"], lane=Lane.ALARM, state="done", started=timezone.now(), follows=sent, ends=True
    )  # fmt: skip
    for n, state in enumerate(("delivered", "sent", "failed")):
        person = Person.objects.create(name=str(n), zone=zone, language="fr")
        Message.objects.create(
            key=str(n), medium="sms", address=f"+2237000000{n}", person=person, publication=sent, state=state, lane=100
        )
    yield draft, sent, over
    zones.forget()


def test_every_page(rows, monkeypatch, settings, live_server):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    draft, sent, _over = rows
    # The test's server finds static files in the sources, by their plain names.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    account = people.create_staff(
        email="chief@town.test", password="long enough to be one", name="Chief", grants=[(ADMINISTRATOR, "*", None)]
    )
    client = Client()
    sign_in(client, account)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR")
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page = context.new_page()
        for name, path in (
            ("list", "/desk/publications/"), ("draft", f"/desk/publications/{draft.pk}"),
            ("sent", f"/desk/publications/{sent.pk}"), ("rules", "/desk/publications/rules"),
            ("news", "/news/"), ("item", f"/p/{sent.pk}"), ("subscribe", "/alerts/"),
        ):  # fmt: skip
            answer = page.goto(f"{live_server.url}{path}")
            assert answer is not None and answer.status == 200, path
            page.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
            if folder := os.environ.get("TOGUNA_SHOTS"):
                page.screenshot(path=f"{folder}/publish-{name}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
            found = Axe().run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], name
        page.goto(f"{live_server.url}/desk/publications/{sent.pk}")
        page.locator("button[value=over]").click()
        assert page.locator("textarea, input[name=title_fr]").first.is_visible()
        browser.close()
    made = Publication.objects.latest("id")
    assert made.state == "draft" and made.ends and made.follows == sent
