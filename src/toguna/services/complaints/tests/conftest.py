"""A town as it begins, and somebody to answer in it."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.testing import forget_jobs
from toguna.services.complaints import starter


@pytest.fixture
def town(db):
    forget_jobs()
    starter.load()


@pytest.fixture
def hire(town):
    """hire("agent") -> a client of such a person, in English."""

    def hired(role: str = "agent", service: str = "complaints") -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=role,
            grants=[(role, service, None)] if role else [],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired
