"""Every service keeps the contract: what it declares works, opens to whom it should, and speaks every language."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people import testing
from toguna.kernel import registry
from toguna.kernel.demo import Starter

pytest.register_assert_rewrite("toguna.kernel.contract")  # so that a failure says what differs
from toguna.kernel.contract import ServiceContract  # noqa: E402


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
            grants=[(role, "*", None)],
            teams=(),
        )
        client = Client()
        testing.sign_in(client, account)
        return client
