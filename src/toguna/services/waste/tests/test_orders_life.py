"""A pick-up by SMS alone, in French: the household and an informal pre-collector have nothing but telephones with keys."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation

from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.services.waste.models import PickUp, PreCollector
from toguna.services.waste.tests.conftest import HOME, OTHER
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN


@pytest.fixture
def french():
    with translation.override("fr"):
        yield


@pytest.fixture
def mtn(db, monkeypatch):
    http.forget_tokens()
    with Mtn(webhook=ways.address("mtn")) as company:
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": company.url, "currency": "XOF"}})
        yield company


def test_ordered_offered_accepted_fetched_paid_rated_and_complained_of(french, say, heard, town, hire, mtn):
    for words in ("PRE", "Moussa Keita", "Nord"):
        answer = say(words, OTHER)
    assert "La mairie vous appelle" in answer
    row = PreCollector.objects.get(phone=OTHER)
    hire("manager").post(f"/desk/waste/collectors/{row.pk}/state", {"state": "active"})
    assert "Envoyez PRE" in heard(OTHER)

    for words in ("ENLEVEMENT menage", "3", "Mosquée de Nord", "1"):
        answer = say(words, HOME)
    assert "750 FCFA" in answer
    assert "Nous vous dirons qui vient" in say("1", HOME)
    job = PickUp.objects.get()
    assert f"PRE {job.code}" in heard(OTHER) and "525 FCFA" in heard(OTHER)
    assert re.search(r"Ordures du ménage [×x] 3,", heard(OTHER)), "what is to be fetched, not a number of bags alone"
    say(f"PRE {job.code}", OTHER)
    assert "Moussa Keita" in heard(HOME) and job.secret in heard(HOME)
    assert job.code in heard(OTHER) and HOME in heard(OTHER)

    start = timezone.now() - timedelta(minutes=30)
    PickUp.objects.filter(pk=job.pk).update(start=start, end=start + timedelta(hours=4))
    assert "525 FCFA" in say(f"PRE {job.code} {job.secret}", OTHER)
    told = heard(HOME, 2)
    bill = ledger.Bill.objects.get()
    assert f"FACTURE {bill.reference}" in told and "NOTE" in told
    assert "Courses faites ce mois : 1, pour 525 FCFA" in (say("PRE", OTHER) and say("Mes gains", OTHER))

    ledger.PaymentRequest.objects.update(state="failed")  # the telephone rang where nobody heard it
    asked = say(f"FACTURE {bill.reference}", HOME)
    assert "750 FCFA" in asked and re.search(r"^1 MTN", asked, re.M)
    assert "confirmez" in say("1", HOME)
    request = ledger.PaymentRequest.objects.latest("pk")
    asking.send(request.pk)
    connection.inc_thread_sharing()
    mtn.pay(list(mtn.payments.values())[-1])
    following.follow(request.pk)
    connection.dec_thread_sharing()
    assert "Quittance" in heard(HOME)
    assert "est payé" in say(f"FACTURE {bill.reference}", HOME)

    assert "Envoyez NOTE" in say("NOTE 1", HOME)
    assert "nous sommes désolés" in say("NOTE il a laissé 2 sacs devant la porte", HOME).lower()
    job.refresh_from_db()
    assert (job.stars, job.complaint) == (1, "il a laissé 2 sacs devant la porte")
    desk = hire("manager")
    desk.post(f"/desk/waste/pickups/{job.code}/act", {"do": "settle", "words": "Il revient demain matin."})
    assert "Il revient demain matin." in heard(HOME)
    long = [one.text for one in Message.objects.all() if sms.size(one.text).parts > 1]
    assert not long
