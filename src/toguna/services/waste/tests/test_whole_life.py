"""Order, follow, be weighed, pay, rate: in French, by public doors alone. SMS come and go over HTTP by an aggregator, the scale posts what its page
tells it to, the operator rings the telephone and calls back."""

from __future__ import annotations

import hmac
import itertools
import json
import re
import time
from datetime import timedelta
from functools import partial
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test import Client

from toguna.engines.channels.gateway import marks
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Incoming, Route
from toguna.engines.ledger.models import PaymentRequest
from toguna.engines.ledger.providers import http, ways
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import PreCollector, WastePlace
from toguna.services.waste.tests.conftest import CART, HOME
from toguna.services.waste.weighing import starter
from toguna.simulate.africastalking import AfricasTalking
from toguna.simulate.money import Call
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN


class Telephones:
    """What telephones send to the town and get from it, through the aggregator."""

    def __init__(self, company: AfricasTalking) -> None:
        self.company, self._numbers, self._read = company, itertools.count(1), dict[str, int]()

    def get(self, phone: str) -> str:
        """What came to it since it was last looked at, once all jobs are done."""
        run_jobs()
        Pump().run_once(20)
        new, self._read[phone] = self.company.sent[self._read.get(phone, 0) :], len(self.company.sent)
        return "\n".join(one["text"] for one in new if one["to"] == phone)

    def send(self, phone: str, text: str) -> str:
        """What is answered. Between two messages of a person a minute goes by: the same at once would be a repeat."""
        Incoming.objects.update(at=F("at") - timedelta(minutes=1))
        PaymentRequest.objects.update(created=F("created") - timedelta(minutes=1))
        form = {"from": phone, "to": "36000", "text": text, "id": f"m{next(self._numbers)}"}
        path = f"/sms/in/africastalking/{marks.secret('in:africastalking')}"
        assert Client().post(path, form).status_code == 200
        return self.get(phone)


@pytest.fixture
def telephones(town):
    cache.clear()
    with AfricasTalking() as company:
        given = {"username": "sandbox", "api_key": "key", "url": f"{company.url}/version1/messaging"}
        Route.objects.create(slug="at", kind="africastalking", rate=500, settings=given)
        yield Telephones(company)


@pytest.fixture
def operator(monkeypatch):
    """The operator's stand-in, that calls back to the town."""
    http.forget_tokens()

    def call_back(call: Call) -> int:
        path = urlsplit(call.url).path
        return Client().generic(call.method, path, call.body, content_type="application/json").status_code

    with Mtn(webhook=ways.address("mtn")) as company:
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": company.url, "currency": "XOF"}})
        company.send = call_back
        connection.inc_thread_sharing()
        yield company
        connection.dec_thread_sharing()


def logged_in(phone: str, telephones: Telephones) -> Client:
    """A browser in which the code that came to this telephone was typed."""
    browser = Client(headers={"accept-language": "fr"})
    asked = browser.post("/account/login", {"contact": phone})["Location"]
    code = re.search(r"\b\d{6}\b", telephones.get(phone))[0]
    assert browser.post(asked, {"code": code}).status_code == 302
    return browser


def text_of(browser: Client, path: str) -> str:
    return " ".join(unescape(browser.get(path).content.decode()).split())


def test_ordered_followed_weighed_paid_and_rated_from_a_feature_phone_in_french(
    telephones, operator, collectors, hire, town
):
    PreCollector.objects.update(language="fr")
    starter.load()
    place = WastePlace.objects.create(
        code="STAT1", kind="station", name="Station", point="SRID=4326;POINT(0.05 0.05)", zone=town.north
    )
    home, cart = partial(telephones.send, HOME), partial(telephones.send, CART)

    said = [home(words) for words in ("ENLEVEMENT", "1", "3", "Mosquée de Nord", "1", "1")]
    assert "750 FCFA" in said[4] and "Nous vous dirons qui vient" in said[5]
    code = re.search(r"Enlèvement (\w{7})", said[5])[1]
    offered = telephones.get(CART)
    assert f"PRE {code}" in offered and "525 FCFA" in offered
    assert HOME in cart(f"PRE {code}"), "who comes knows whom to call"
    secret = re.search(r"dites ce code : (\d{4})", telephones.get(HOME))[1]

    fanta = logged_in(HOME, telephones)
    assert "un pré-collecteur vient" in text_of(fanta, "/waste/mine")
    assert "525 FCFA" in cart(f"PRE {code} {secret}")
    done = telephones.get(HOME)
    assert f"enlèvement {code} est fait : 750 FCFA" in done and "NOTE" in done
    assert "Merci" in home("NOTE 5")
    assert re.search(r'href="/pay/\w{10}"', text_of(fanta, "/waste/mine"))

    told = {
        "name": "Bascule",
        "place": place.pk,
        "material": "",
        "tariff": "pesee",
        "least": "0.1",
        "most": "150",
        "active": "on",
    }
    manager = hire("manager")
    scale = manager.post("/desk/waste/scales/new", told)["Location"]
    shown = manager.get(f"{scale}?key=show").content.decode()
    _name, key, address, example, _signature = map(unescape, re.findall(r"<code>(.*?)</code>", shown))
    card = int(re.search(r"Sur une bascule à touches : (\d+)", text_of(fanta, "/waste/mine"))[1])
    line = json.dumps(json.loads(example) | {"at": time.time(), "weight": 12.4, "card": card})
    signed = f"{line}\n{hmac.new(key.encode(), line.encode(), 'sha256').hexdigest()}"
    assert Client().post(urlsplit(address).path, signed, content_type="text/plain").status_code == 202
    assert "12,4 kg, 185 FCFA" in telephones.get(HOME)

    pickup, weighing = operator.payments.values()  # both rang, each once
    assert [(one.phone, one.amount) for one in (pickup, weighing)] == [(HOME[1:], "750"), (HOME[1:], "185")]
    owed = home("SOLDE")
    assert "Déchets : 935 FCFA à payer" in owed and "PAYER" in owed
    operator.pay(weighing)
    assert "185 FCFA recus pour la facture" in telephones.get(HOME)
    assert "Déchets : 750 FCFA à payer" in home("SOLDE")
    operator.expire(pickup)  # the telephone was in a pocket when it rang at the door
    assert "confirmez" in home("PAYER 750")
    *_before, again = operator.payments.values()
    operator.pay(again)
    assert "750 FCFA recus pour la facture" in telephones.get(HOME)
    assert "rien à payer" in home("SOLDE")
    assert not re.search(r'href="/pay/\w{10}"', text_of(fanta, "/waste/mine"))
