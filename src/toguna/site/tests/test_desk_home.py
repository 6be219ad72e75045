"""The first page of the back office shows the numbers of what one may see, and nothing else."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("role", "shown"), [("agent", True), ("reader", True), ("", False)])
def test_numbers_for_who_may_read_them(role, shown):
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test",
        password="long enough to be one",
        name="x",
        grants=[(role, "reports", None)] if role else [],
    )
    client = Client()
    sign_in(client, account)
    page = client.get("/desk/")
    assert page.status_code == 200
    assert ("view=late" in page.content.decode()) is shown
