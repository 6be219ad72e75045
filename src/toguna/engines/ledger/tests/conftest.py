"""Sentences in English, the chart of accounts, staff."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from toguna.engines.ledger import book, starter
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in


@pytest.fixture(autouse=True)
def english(monkeypatch):
    book.account_id.cache_clear()
    monkeypatch.setattr(settings, "LANGUAGE_CODE", "en")
    with translation.override("en"):
        yield


@pytest.fixture
def chart(db):
    starter.load()


@pytest.fixture
def hire(db):
    """hire("agent") -> the browser of such a person."""

    def hired(role: str, service: str = "ledger") -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa Traoré",
            grants=[(role, service, None)],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired
