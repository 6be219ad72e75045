"""Devices of several kinds; sentences in English; a spool of the test's own."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.telemetry.devices.register import Told, bring, key_of, register_device
from toguna.engines.telemetry.intake import taking
from toguna.engines.telemetry.testing import own_spool
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs

NOW = int(time.time())


@pytest.fixture(autouse=True)
def english(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "LANGUAGE_CODE", "en")
    with own_spool(tmp_path / "spool"), translation.override("en"):
        yield


@pytest.fixture
def device(db):
    """device("bin-1", "http", kind=...) -> Device"""
    forget_jobs()
    bring()

    def made(code: str = "bin-1", door: str = "http", **told):
        return register_device(code, door, Told(**told), by=SYSTEM)

    return made


def say(device, body, *, door: str | None = None, proof: str | None = None, received: float | None = None, form="json"):
    """What it says, with its own key."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    proof = proof if proof is not None else f"key:{key_of(device)}"
    return taking.take(
        [taking.record(door or device.door, device.code, data, proof=proof, form=form, received=received)]
    )


@pytest.fixture
def hire(db):
    """hire("manager") -> the browser of such a person."""

    def hired(role: str, service: str = "telemetry") -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa Traoré",
            grants=[(role, service, None)],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired
