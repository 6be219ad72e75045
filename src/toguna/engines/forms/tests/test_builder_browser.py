"""The builder, the sheet's page and the scan inbox on a small screen: nothing that axe finds, nothing wider than it."""

from __future__ import annotations

import os
import shutil
import uuid

import pytest
from django.test import Client

from toguna.engines.forms.tests.test_builder import Clerk, published
from toguna.engines.forms.tests.test_forms_browser import sound
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_clerk_with_a_small_screen(live_server, monkeypatch, settings, tmp_path, scheme):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    form = published(Clerk())
    client = Client()
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@t.test", password="long enough", name="A", grants=[("manager", "*", None)]
    )
    sign_in(client, account)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    first = form.current.definition["items"][0]["name"]
    build = f"/desk/forms/{form.slug}/build"
    folder = os.environ.get("SHOTS", "")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        small = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR", color_scheme=scheme)
        small.add_cookies([session])
        page = small.new_page()
        for number, path in enumerate((
            "/desk/forms/new", build, f"{build}/item/{first}", f"{build}/preview", f"{build}/phone", f"/desk/forms/{form.slug}/versions",
            f"/desk/forms/{form.slug}/paper", "/desk/forms/paper/read", f"/desk/forms/{form.slug}", "/desk/scans/",
        )):  # fmt: skip
            page.goto(f"{live_server.url}{path}")
            sound(page, f"{folder}/builder-{number}.png" if folder and scheme == "light" else "")
        browser.close()
