"""The doors in a real browser, at 320 pixels, in French: codes, an authenticator, a passkey. No accessibility violation."""

from __future__ import annotations

import re
import time
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
from toguna.kernel.testing_browser import press, sound

PASSWORD = "baobab-rouge-2026"


@pytest.fixture
def page(chromium, monkeypatch, settings) -> Any:
    """A page of a 320-pixel browser, and what the browser complains of in `page.complaints`."""
    settings.EMAIL_BACKEND = "toguna.engines.channels.mail.Backend"  # tests are given another
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML"))
    # A passkey belongs to a name, not to a number.
    opened = chromium.page(base_url=chromium.url.replace("127.0.0.1", "localhost"))
    opened.complaints = []
    opened.on("console", lambda said: opened.complaints.append(said.text) if said.type == "error" else None)
    return opened


def seen(page: Any, name: str) -> None:
    """Sound, in French, and nothing that the content policy stops."""
    sound(page, name)
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.complaints == [], page.url


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def log_in(page: Any, email: str) -> None:
    page.goto("/desk/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(PASSWORD)
    press(page.get_by_role("button", name="Se connecter"))


def test_a_resident(page):
    page.goto("/account/")
    seen(page, "login")
    page.get_by_label("Votre numéro").fill("12")
    press(page.get_by_role("button", name="M’envoyer le code"))
    seen(page, "login-error")
    page.get_by_label("Votre numéro").fill("70 00 00 01")
    press(page.get_by_role("button", name="M’envoyer le code"))
    page.get_by_text("+223").wait_for()
    seen(page, "login-code")
    code = re.match(r"\d{6}", Message.objects.latest("id").text)[0]
    page.get_by_label("Code").fill(f"{code[:3]} {code[3:]}")
    press(page.get_by_role("button", name="Se connecter"))
    seen(page, "space")
    press(page.get_by_role("link", name="Qui peut agir pour moi"))
    seen(page, "mandates")
    press(page.get_by_role("link", name="Mon espace").first)
    press(page.get_by_role("link", name="Mes coordonnées"))
    page.get_by_label("Votre nom").fill("Awa Diarra")
    press(page.get_by_role("button", name="Enregistrer"))
    page.get_by_text("Enregistré.").wait_for()
    seen(page, "account")
    press(page.get_by_role("link", name="Effacer mes données"))
    seen(page, "erase")
    press(page.get_by_role("button", name="Effacer mes données"))
    page.get_by_text("Vos données personnelles ont été effacées").wait_for()
    assert not Account.objects.exists()


def test_staff_add_an_authenticator_then_a_passkey(page):
    api.create_staff(email="awa@mairie.test", password=PASSWORD, name="Awa", grants=[(ADMINISTRATOR, "*", None)])
    log_in(page, "awa@mairie.test")
    page.wait_for_url("**/2fa/totp/activate/")  # not the desk: a second factor first
    seen(page, "totp-activate")
    secret = page.locator("input[readonly], input[disabled], #authenticator_secret").first.input_value()
    page.get_by_label("Code").last.fill(code_of(secret))
    press(page.get_by_role("button", name="Activer"))
    seen(page, "recovery-codes")
    page.goto("/desk/")  # what was just added is shown once
    seen(page, "reauthenticate")
    page.get_by_label("Code").fill(code_of(secret))
    press(page.get_by_role("button", name="Confirmer"))
    page.wait_for_url("**/desk/")

    machine = page.context.new_cdp_session(page)
    machine.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    machine.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/account/staff/2fa/")
    seen(page, "2fa")
    page.goto("/account/staff/2fa/webauthn/add/")
    seen(page, "passkey-add")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Ajouter").click()
    page.wait_for_url(lambda url: "/2fa/" in url and "/add" not in url)
    assert Authenticator.objects.filter(type="webauthn").count() == 1
    page.goto("/account/staff/2fa/webauthn/")
    seen(page, "passkeys")
    page.goto("/account/staff/password/")
    seen(page, "password-change")

    page.goto("/account/logout")
    seen(page, "logout")
    press(page.get_by_role("main").get_by_role("button", name="Se déconnecter"))
    page.goto("/desk/")
    seen(page, "staff-login")
    page.get_by_role("button", name="Avec une clé d’accès").click()  # alone, it is both password and second factor
    page.wait_for_url("**/desk/")
    page.goto("/desk/people/")
    page.get_by_role("heading", name="Le personnel de la mairie").wait_for()


def test_the_second_step_and_a_forgotten_password(page):
    account = api.create_staff(email="awa@mairie.test", password=PASSWORD, name="Awa", grants=[(AGENT, "*", None)])
    give_factor(account)
    page.goto("/account/staff/reset/")
    seen(page, "password-reset")
    page.locator("input[type=email]").fill("awa@mairie.test")
    press(page.get_by_role("main").get_by_role("button").last)
    page.wait_for_url("**/reset/done/")
    seen(page, "password-reset-done")
    mail = Message.objects.get()
    assert mail.address == "awa@mairie.test"
    page.goto(re.search(r"http\S+", mail.text)[0].replace("127.0.0.1", "localhost"))
    seen(page, "password-reset-key")
    for field in page.locator("input[type=password]").all():
        field.fill("fromager-vert-2027")
    press(page.get_by_role("main").get_by_role("button").first)
    page.wait_for_url("**/done/")
    seen(page, "password-reset-key-done")
    page.goto("/desk/")
    page.locator("input[type=email]").fill("awa@mairie.test")
    page.locator("input[type=password]").fill("fromager-vert-2027")
    press(page.get_by_role("button", name="Se connecter"))
    page.wait_for_url("**/2fa/authenticate/")
    seen(page, "authenticate")
    page.get_by_label("Code").fill("000000")
    press(page.get_by_role("button", name="Se connecter"))
    seen(page, "authenticate-error")


def test_the_desk_of_people(page):
    api.create_staff(email="a@mairie.test", password=PASSWORD, name="Awa", grants=[(ADMINISTRATOR, "*", None)])
    give_factor(Account.objects.get())
    log_in(page, "a@mairie.test")
    secret = Authenticator.objects.get().wrap().instance.data["secret"]
    page.get_by_label("Code").fill(code_of(secret))
    press(page.get_by_role("button", name="Se connecter"))
    page.goto("/desk/people/teams/")
    seen(page, "teams")
    page.get_by_label("Nom (fr)").fill("Voirie")
    press(page.get_by_role("button", name="Enregistrer"))
    page.get_by_text("Enregistré.").wait_for()
    assert Team.objects.get().slug == "voirie"
    page.goto("/desk/people/")
    page.get_by_label("Nom", exact=True).fill("Issa Keïta")
    page.get_by_label("Adresse électronique").fill("issa@mairie.test")
    page.get_by_label("Premier mot de passe").fill("court")
    press(page.get_by_role("button", name="Ouvrir le compte"))
    seen(page, "people-error")
    page.get_by_label("Premier mot de passe").fill("karite-bleu-2026")
    press(page.get_by_role("button", name="Ouvrir le compte"))
    page.get_by_role("heading", name="Issa Keïta").wait_for()
    page.get_by_label("Voirie").check()
    press(page.get_by_role("button", name="Enregistrer"))
    seen(page, "person")
    page.goto("/desk/people/")
    seen(page, "people")
    page.goto("/desk/messages/")
    seen(page, "messages")
    assert api.Account.objects.get(email="issa@mairie.test").teams.get().slug == "voirie"
