"""A town with its ready-made procedures, and people who ask and decide."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urljoin

import pytest
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.testing import forget_jobs
from toguna.services.procedures import starter


@pytest.fixture
def town(db):
    forget_jobs()
    starter.load()


@pytest.fixture
def hire(town):
    """hire("manager") -> a client of such a person, in English, for procedures and what they write in."""

    def hired(*roles: str, services: tuple[str, ...] = ("procedures", "forms")) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa Traoré",
            grants=[(role, service, None) for role in roles for service in services],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired


class Visitor:
    """Somebody at a browser without JavaScript: opens pages, fills in what they show, presses a button."""

    def __init__(self, client: Client | None = None) -> None:
        self.client = client or Client(headers={"accept-language": "en"})
        self.at = self.html = ""
        self.status = 0

    def open(self, path: str) -> str:
        return self._read(self.client.get(path, follow=True), path)

    def _read(self, response, path: str) -> str:
        self.at = response.redirect_chain[-1][0] if response.redirect_chain else path
        self.status = response.status_code
        self.html = response.content.decode()
        return self.html

    def press(self, do: str, _form: str = "", **fields) -> str:
        """Sends the form whose action or content has `_form`, with what it shows and these fields over it."""
        forms = re.findall(r"<form[^>]*method=\"post\"[^>]*>.*?</form>", self.html, re.S)
        form = next(one for one in forms if (_form in one and f'"{do}"' in one) or (not do and _form in one))
        action = re.search(r'action="([^"]*)"', form.partition(">")[0])
        sent: dict[str, object] = {}
        for tag in re.findall(r"<input[^>]*>", form):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            kind = re.search(r'type="([^"]*)"', tag)
            if name and not (kind and kind[1] in ("checkbox", "radio", "file") and "checked" not in tag):
                sent[name[1]] = value[1] if value else ""
        for name, words in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S):
            sent[name] = words
        for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            sent[name] = chosen[1] if chosen else ""
        button = re.search(rf'<button[^>]*name="([^"]*)"[^>]*value="{re.escape(do)}"', form) if do else None
        if button:
            sent[button[1]] = do
        sent |= fields
        where = urljoin(self.at, action[1]) if action else self.at
        return self._read(self.client.post(where.partition("#")[0], sent, follow=True), where)


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()
