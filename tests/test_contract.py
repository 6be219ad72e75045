"""Every service keeps the contract: what it declares works, opens to whom it should, and speaks every language."""

from __future__ import annotations

import gzip
import os
import shutil
import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from toguna.engines.people import api as people
from toguna.engines.people import testing
from toguna.kernel import access, registry
from toguna.kernel.demo import Starter
from toguna.kernel.web import Page

pytest.register_assert_rewrite("toguna.kernel.contract")  # so that a failure says what differs
from toguna.kernel.contract import ServiceContract  # noqa: E402

# What opens only to whom the town has named for that very service.
SEALED = sorted({p.name.partition(".")[0] for p in registry.declared(access.Permission) if p.sealed})


class TestContract(ServiceContract):
    @pytest.fixture(autouse=True)
    def started(self, request: pytest.FixtureRequest) -> None:
        """A town as it begins."""
        if request.node.get_closest_marker("django_db"):
            request.getfixturevalue("db")
            for starter in registry.declared(Starter):
                starter.load()

    def client(self, role: str) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test",
            password="long enough to be one",
            name=role,
            grants=[(role, service, None) for service in ("*", *SEALED)],
            teams=(),
        )
        client = Client()
        testing.sign_in(client, account)
        return client


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MAP = ("/vendor/", "/tiles/", "/icons/", "/map/style")  # what an opened map loads is counted apart
WEIGHT = 30_000  # bytes, compressed, of a public page with all that it loads


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.django_db(transaction=True, available_apps=django_settings.INSTALLED_APPS)
def test_every_page_is_sound_on_a_small_phone(live_server, settings, monkeypatch):
    """In a 320-pixel browser: nothing that axe finds by day or in the dark, nothing wider than the screen, nothing heavier
    than 2G bears."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    # The test's server finds static files in the sources, by their plain names.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    for starter in registry.declared(Starter):
        starter.load()
    pages = [("home", reverse("home"), False), ("dataset", "/data/zones", False)]
    pages += [(p.name, reverse(p.url_name), bool(p.permission)) for p in registry.declared(Page)]
    session = TestContract().client(access.ADMINISTRATOR).cookies[settings.SESSION_COOKIE_NAME].value
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    wrong = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        phone = {
            "viewport": {"width": 320, "height": 640},
            "locale": "fr-FR",
            "color_scheme": "light",
            "reduced_motion": "reduce",
        }
        office = browser.new_context(**phone)  # what it weighs is not counted: one browser keeps what pages share
        office.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        for name, path, desk in pages:
            context = office if desk else browser.new_context(**phone)
            page, loaded = context.new_page(), []
            page.on("response", lambda r, loaded=loaded: loaded.append(r))
            page.goto(live_server.url + path, wait_until="load")
            kept = [r for r in loaded if not 300 <= r.status < 400 and not any(part in r.url for part in MAP)]
            weight = sum(len(gzip.compress(r.body())) for r in kept)
            width = page.evaluate("document.documentElement.scrollWidth")
            # What the map library draws while we look never holds still: the page around it is judged.
            seen = Axe().run(page, context={"exclude": [".maplibregl-map"]}).response["violations"]
            page.emulate_media(color_scheme="dark")  # only the colours are others
            options = {"runOnly": ["color-contrast"]}
            dark = page.evaluate("options => axe.run({exclude: ['.maplibregl-map']}, options)", options)["violations"]
            faults = [(v["id"], v["nodes"][0]["html"]) for v in seen + dark]
            faults += [(r.status, r.url) for r in loaded if r.status >= 400]
            if faults or width > 320 or (weight > WEIGHT and not desk):
                wrong.append((name, faults, f"{width} px", f"{weight} bytes"))
            page.close()
            if not desk:
                context.close()
        browser.close()
    assert wrong == []
