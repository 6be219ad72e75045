"""Every service keeps the contract: what it declares works, opens to whom it should, and speaks every language."""

from __future__ import annotations

import gzip
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from toguna.engines.people import api as people
from toguna.engines.people import testing
from toguna.kernel import access, registry
from toguna.kernel.demo import Starter
from toguna.kernel.testing_browser import DRAWN, faults
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


MAP = ("/vendor/", "/tiles/", "/icons/", "/map/style")  # what an opened map loads is counted apart
WEIGHT = 30_000  # bytes, compressed, of a public page with all that it loads


def test_every_page_is_sound_on_a_small_phone(chromium):
    """In a 320-pixel browser: nothing that axe finds by day or in the dark, nothing wider than the screen, nothing heavier
    than 2G bears."""
    for starter in registry.declared(Starter):
        starter.load()
    pages = [("home", reverse("home"), False), ("dataset", "/data/zones", False)]
    pages += [(p.name, reverse(p.url_name), bool(p.permission)) for p in registry.declared(Page)]
    loaded = []

    def opened(client=None):
        page = chromium.page(client)
        page.on("response", lambda r: loaded.append(r))
        return page

    office = opened(TestContract().client(access.ADMINISTRATOR))  # it keeps what its pages share, and is not weighed
    wrong = []
    for name, path, desk in pages:
        page = office if desk else opened()
        page.emulate_media(color_scheme="light")
        loaded.clear()
        page.goto(path, wait_until="load")
        kept = [r for r in loaded if not 300 <= r.status < 400 and not any(part in r.url for part in MAP)]
        weight = 0 if desk else sum(len(gzip.compress(r.body())) for r in kept)
        found = faults(page)
        page.emulate_media(color_scheme="dark")  # only the colours are others
        options = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
        dark = page.evaluate("([map, options]) => axe.run({exclude: [map]}, options)", [DRAWN, options])["violations"]
        found += [(v["id"], v["nodes"][0]["html"]) for v in dark]
        found += [(r.status, r.url) for r in loaded if r.status >= 400]
        if found or weight > WEIGHT:
            wrong.append((name, found, f"{weight} bytes"))
        if not desk:
            page.context.close()
    assert wrong == []
