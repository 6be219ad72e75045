"""The doors in a real browser, at 320 pixels, in French: codes, an authenticator, a passkey. No accessibility violation."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from toguna.engines.channels.models import Message
from toguna.engines.people import api
from toguna.engines.people.models import Account, Team
from toguna.engines.people.testing import give_factor
from toguna.kernel import town
from toguna.kernel.access import ADMINISTRATOR, AGENT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PASSWORD = "baobab-rouge-2026"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(monkeypatch, settings) -> Iterator[Any]:
    """A page of a 320-pixel browser, and what the browser complains of in `page.complaints`."""
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.EMAIL_BACKEND = "toguna.engines.channels.mail.Backend"  # tests are given another
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML"))
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR").new_page()
        opened.set_default_timeout(30_000)
        opened.complaints = []
        opened.on("console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None)
        yield opened
        browser.close()


@pytest.fixture
def here(live_server) -> str:
    return live_server.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name, not to a number


def sound(page: Any, name: str) -> None:
    """In French, nothing wider than the screen, nothing that axe finds, nothing that the content policy stops."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state("load")
    if folder := os.environ.get("TOGUNA_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the style sheet is not there"
    assert page.evaluate("document.documentElement.lang") == "fr"
    wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 120))"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, (page.url, page.evaluate(wide))
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], page.url
    assert page.complaints == [], page.url


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def log_in(page: Any, here: str, email: str) -> None:
    page.goto(f"{here}/desk/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()


def test_a_resident(page, here):
    page.goto(f"{here}/account/")
    sound(page, "login")
    page.get_by_label("Votre numéro").fill("12")
    page.get_by_role("button", name="M’envoyer le code").click()
    sound(page, "login-error")
    page.get_by_label("Votre numéro").fill("70 00 00 01")
    page.get_by_role("button", name="M’envoyer le code").click()
    page.get_by_text("+223").wait_for()
    sound(page, "login-code")
    code = re.match(r"\d{6}", Message.objects.latest("id").text)[0]
    page.get_by_label("Code").fill(f"{code[:3]} {code[3:]}")
    page.get_by_role("button", name="Se connecter").click()
    sound(page, "space")
    page.get_by_role("link", name="Qui peut agir pour moi").click()
    sound(page, "mandates")
    page.get_by_role("link", name="Mon espace").first.click()
    page.get_by_role("link", name="Mes coordonnées").click()
    page.get_by_label("Votre nom").fill("Awa Diarra")
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("Enregistré.").wait_for()
    sound(page, "account")
    page.get_by_role("link", name="Effacer mes données").click()
    sound(page, "erase")
    page.get_by_role("button", name="Effacer mes données").click()
    page.get_by_text("Vos données personnelles ont été effacées").wait_for()
    assert not Account.objects.exists()


def test_staff_add_an_authenticator_then_a_passkey(page, here):
    api.create_staff(email="awa@mairie.test", password=PASSWORD, name="Awa", grants=[(ADMINISTRATOR, "*", None)])
    log_in(page, here, "awa@mairie.test")
    page.wait_for_url("**/2fa/totp/activate/")  # not the desk: a second factor first
    sound(page, "totp-activate")
    secret = page.locator("input[readonly], input[disabled], #authenticator_secret").first.input_value()
    page.get_by_label("Code").last.fill(code_of(secret))
    page.get_by_role("button", name="Activer").click()
    page.wait_for_load_state("load")
    sound(page, "recovery-codes")
    page.goto(f"{here}/desk/")  # what was just added is shown once
    sound(page, "reauthenticate")
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Confirmer").click()
    page.wait_for_url("**/desk/")

    machine = page.context.new_cdp_session(page)
    machine.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    machine.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{here}/account/staff/2fa/")
    sound(page, "2fa")
    page.goto(f"{here}/account/staff/2fa/webauthn/add/")
    sound(page, "passkey-add")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Ajouter").click()
    page.wait_for_url(lambda url: "/2fa/" in url and "/add" not in url)
    page.wait_for_load_state("load")
    assert Authenticator.objects.filter(type="webauthn").count() == 1
    page.goto(f"{here}/account/staff/2fa/webauthn/")
    sound(page, "passkeys")
    page.goto(f"{here}/account/staff/password/")
    sound(page, "password-change")

    page.goto(f"{here}/account/logout")
    sound(page, "logout")
    page.get_by_role("main").get_by_role("button", name="Se déconnecter").click()
    page.goto(f"{here}/desk/")
    sound(page, "staff-login")
    page.get_by_role("button", name="Avec une clé d’accès").click()  # alone, it is both password and second factor
    page.wait_for_url("**/desk/")
    page.goto(f"{here}/desk/people/")
    page.get_by_role("heading", name="Le personnel de la mairie").wait_for()


def test_the_second_step_and_a_forgotten_password(page, here):
    account = api.create_staff(email="awa@mairie.test", password=PASSWORD, name="Awa", grants=[(AGENT, "*", None)])
    give_factor(account)
    page.goto(f"{here}/account/staff/reset/")
    sound(page, "password-reset")
    page.locator("input[type=email]").fill("awa@mairie.test")
    page.get_by_role("main").get_by_role("button").last.click()
    page.wait_for_url("**/reset/done/")
    sound(page, "password-reset-done")
    mail = Message.objects.get()
    assert mail.address == "awa@mairie.test"
    page.goto(re.search(r"http\S+", mail.text)[0].replace("127.0.0.1", "localhost"))
    page.wait_for_load_state("load")
    sound(page, "password-reset-key")
    for field in page.locator("input[type=password]").all():
        field.fill("fromager-vert-2027")
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/done/")
    sound(page, "password-reset-key-done")
    page.goto(f"{here}/desk/")
    page.locator("input[type=email]").fill("awa@mairie.test")
    page.locator("input[type=password]").fill("fromager-vert-2027")
    page.get_by_role("button", name="Se connecter").click()
    page.wait_for_url("**/2fa/authenticate/")
    sound(page, "authenticate")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Se connecter").click()
    sound(page, "authenticate-error")


def test_the_desk_of_people(page, here):
    api.create_staff(email="a@mairie.test", password=PASSWORD, name="Awa", grants=[(ADMINISTRATOR, "*", None)])
    give_factor(Account.objects.get())
    log_in(page, here, "a@mairie.test")
    secret = Authenticator.objects.get().wrap().instance.data["secret"]
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Se connecter").click()
    page.goto(f"{here}/desk/people/teams/")
    sound(page, "teams")
    page.get_by_label("Nom (fr)").fill("Voirie")
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_text("Enregistré.").wait_for()
    assert Team.objects.get().slug == "voirie"
    page.goto(f"{here}/desk/people/")
    page.get_by_label("Nom", exact=True).fill("Issa Keïta")
    page.get_by_label("Adresse électronique").fill("issa@mairie.test")
    page.get_by_label("Premier mot de passe").fill("court")
    page.get_by_role("button", name="Ouvrir le compte").click()
    sound(page, "people-error")
    page.get_by_label("Premier mot de passe").fill("karite-bleu-2026")
    page.get_by_role("button", name="Ouvrir le compte").click()
    page.get_by_role("heading", name="Issa Keïta").wait_for()
    page.get_by_label("Voirie").check()
    page.get_by_role("button", name="Enregistrer").click()
    sound(page, "person")
    page.goto(f"{here}/desk/people/")
    sound(page, "people")
    page.goto(f"{here}/desk/messages/")
    sound(page, "messages")
    assert api.Account.objects.get(email="issa@mairie.test").teams.get().slug == "voirie"
