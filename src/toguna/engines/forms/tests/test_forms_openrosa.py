"""A conversation with ODK Collect, written from the protocol as Collect 2024 and 2025 speak it: digest, the list of forms, a
form, HEAD and POST of a submission, attachments in several requests, repeats; and what others would try."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import uuid
import zlib
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from toguna.engines.documents.models.store import File
from toguna.engines.forms import actions
from toguna.engines.forms.models import FieldKey, Filling, Form
from toguna.engines.forms.openrosa import instances, keys, views
from toguna.engines.people import api as people
from toguna.engines.people.api import create_staff
from toguna.engines.people.models import Account
from toguna.kernel.access import Actor, Denied
from toguna.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db

AGENT = "Dalvik/2.1.0 (Linux; U; Android 11; TECNO) org.odk.collect.android/v2025.1.3"
DEFINITION: dict[str, Any] = {
    "name": "census",
    "titles": {"fr": "Recensement & co"},
    "languages": ["fr"],
    "choices": {"mat": [{"name": "tole", "label": {"fr": "Tôle"}}, {"name": "paille", "label": {"fr": "Paille"}}]},
    "items": [
        {"name": "start", "kind": "start"},
        {"name": "gps", "kind": "geopoint", "label": {"fr": "Position"}},
        {"name": "roof", "kind": "select_multiple", "list": "mat", "label": {"fr": "Toit"}},
        {"name": "home", "kind": "group", "label": {"fr": "Foyer"}, "items": [
            {"name": "hh", "kind": "integer", "label": {"fr": "Taille"}, "required": True, "constraint": ". < 60"},
        ]},
        {"name": "person", "kind": "repeat", "label": {"fr": "Personne"}, "items": [
            {"name": "age", "kind": "integer", "label": {"fr": "Âge"}},
            {"name": "face", "kind": "image", "label": {"fr": "Photo"}},
        ]},
        {"name": "ages", "kind": "calculate", "calculation": "sum(${age})"},
    ],
}  # fmt: skip


class Collect:
    """ODK Collect, as far as a server sees it."""

    def __init__(self, username: str, password: str) -> None:
        self.client, self.username, self.password = Client(), username, password
        self.challenge: dict[str, str] = {}
        self.count = 0

    def authorization(self, method: str, path: str) -> str:
        self.count += 1
        nc, cnonce, nonce = f"{self.count:08x}", "4a7b9c", self.challenge["nonce"]
        ha1 = hashlib.md5(f"{self.username}:{self.challenge['realm']}:{self.password}".encode()).hexdigest()
        ha2 = hashlib.md5(f"{method}:{path}".encode()).hexdigest()
        response = hashlib.md5(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}".encode()).hexdigest()
        return (
            f'Digest username="{self.username}", realm="{self.challenge["realm"]}", nonce="{nonce}", uri="{path}", '
            f'response="{response}", qop=auth, nc={nc}, cnonce="{cnonce}", algorithm=MD5'
        )

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = "text/xml", **headers: str) -> Any:
        if not self.challenge:
            refused = self.client.generic(method, path, b"", headers=self.headers())
            assert refused.status_code == 401
            assert refused["X-OpenRosa-Version"] == "1.0"
            self.challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused["WWW-Authenticate"]))
        headers = {**self.headers(), "Authorization": self.authorization(method, path), **headers}
        return self.client.generic(method, path, body, content_type=content_type, headers=headers)

    @staticmethod
    def headers() -> dict[str, str]:
        return {"User-Agent": AGENT, "X-OpenRosa-Version": "1.0", "Date": "Mon, 23 Nov 2026 14:00:00 GMT"}

    def send(self, xml: str, *, files: dict[str, bytes] | None = None, more: bool = False) -> Any:
        boundary = "e4a1c8f0-7d42-4a1b-9c55-aa7d3f6c2b10"
        parts = [("xml_submission_file", "census_2026-11-23_14-00-00.xml", "text/xml", xml.encode())]
        parts += [(name, name, "image/jpeg", data) for name, data in (files or {}).items()]
        body = b""
        for name, file, kind, data in parts:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
            body += f"{head}Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n"
        if more:
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="*isIncomplete*"\r\n\r\nyes\r\n'.encode()
        body += f"--{boundary}--\r\n".encode()
        path = "/odk/submission?deviceID=collect%3AaBcDeF123"
        return self.ask("POST", path, body, f"multipart/form-data; boundary={boundary}")


@pytest.fixture
def clerk() -> Actor:
    """A member of staff, who has a second factor and may collect."""
    grants = [("administrator", "*", None)]
    account = create_staff(email="awa@town.example", name="Awa", password="a long enough phrase 73", grants=grants)
    factor = Authenticator.objects.create(user=account, type=Authenticator.Type.TOTP, data={})
    return people.actor_for(account.pk, [factor.pk])


@pytest.fixture
def collect(clerk: Actor) -> Collect:
    key, password = keys.make(clerk)
    return Collect(key.username, password)


@pytest.fixture
def census(clerk: Actor) -> Form:
    form = actions.save_draft_form("census", DEFINITION, service="town", field=True, by=clerk)
    actions.publish(form, by=clerk)
    form.refresh_from_db()
    return form


def instance(form: Form, *, key: str = "", hh: int | str = 5, people: str = "", version: str = "") -> str:
    assert form.current is not None
    return (
        f'<?xml version=\'1.0\' ?><data id="census" version="{version or form.current.version}" '
        'xmlns:h="http://www.w3.org/1999/xhtml" xmlns:orx="http://openrosa.org/xforms">'
        "<start>2026-11-23T13:58:01.120+00:00</start><gps>12.3714 -1.5197 300.0 4.5</gps><roof>tole paille</roof>"
        f"<home><hh>{hh}</hh></home>{people}"
        f"<orx:meta><orx:instanceID>uuid:{key or uuid.uuid4()}</orx:instanceID></orx:meta></data>"
    )


def photo(color: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), color).save(stream, "JPEG")
    return stream.getvalue()


def test_a_whole_day_in_the_field(collect: Collect, census: Form) -> None:
    listed = collect.ask("GET", "/odk/formList")
    assert (listed.status_code, listed["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert listed["X-OpenRosa-Version"] == "1.0"
    assert int(listed["X-OpenRosa-Accept-Content-Length"]) > 10_000_000
    space = "{http://openrosa.org/xforms/xformsList}"
    (row,) = ElementTree.fromstring(listed.content)
    found = {child.tag.removeprefix(space): child.text for child in row}
    assert found["formID"] == "census"
    assert found["name"] == "Recensement & co"
    path = re.sub(r"^https?://[^/]+", "", str(found["downloadUrl"]))
    xform = collect.ask("GET", path).content
    assert found["hash"] == f"md5:{hashlib.md5(xform).hexdigest()}"
    assert b'id="census"' in xform

    asked = collect.ask("HEAD", "/odk/submission")
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked["Location"].endswith("/odk/submission")

    key = str(uuid.uuid4())
    people = "<person><age>30</age><face>1.jpg</face></person><person><age>4</age></person>"
    xml = instance(census, key=key, people=people)
    sent = collect.send(xml, files={"1.jpg": photo()})
    assert sent.status_code == 201, sent.content
    assert b'nature="submit_success"' in sent.content
    filling = Filling.objects.get()
    assert str(filling.client_id) == key
    assert (filling.state, filling.channel) == ("complete", "odk")
    assert filling.values["gps"] == [-1.5197, 12.3714, 300.0, 4.5]
    assert filling.values["roof"] == ["tole", "paille"]
    assert filling.values["home"] == {"hh": 5}
    assert filling.values["person"][0]["face"] == str(File.objects.get().public_id)
    assert filling.values["ages"] == "34"
    assert filling.values["start"].startswith("2026-11-23T13:58:01")

    assert collect.send(xml, files={"1.jpg": photo()}).status_code == 202
    assert Filling.objects.count() == File.objects.count() == 1
    assert AuditEntry.objects.filter(action="forms.complete").count() == 1


def test_attachments_in_several_requests(collect: Collect, census: Form) -> None:
    people = "<person><face>1.jpg</face></person><person><face>2.jpg</face></person>"
    xml = instance(census, people=people)
    assert collect.send(xml, files={"1.jpg": photo()}, more=True).status_code == 201
    assert Filling.objects.get().state == "draft"
    assert collect.send(xml, files={"1.jpg": photo()}, more=True).status_code == 201
    early = collect.send(xml)
    assert early.status_code == 400
    assert b"2.jpg" in early.content
    assert Filling.objects.get().state == "draft"
    assert collect.send(xml, files={"2.jpg": photo("blue")}).status_code == 201
    assert Filling.objects.get().state == "complete"
    assert File.objects.count() == 2


def test_a_form_that_changed_or_closed_since_is_taken_as_it_was_filled_in(
    collect: Collect, census: Form, clerk: Actor
) -> None:
    xml = instance(census)
    changed = {
        **DEFINITION,
        "items": [*DEFINITION["items"], {"name": "x", "kind": "text", "label": {"fr": "X"}, "required": True}],
    }
    actions.publish(actions.save_draft_form("census", changed, active=False, by=clerk), by=clerk)
    assert b"<xform>" not in collect.ask("GET", "/odk/formList").content
    assert collect.send(xml).status_code == 201


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (lambda form: instance(form, hh=99), "home.hh"),
        (lambda form: instance(form, hh="many"), "home.hh"),
        (lambda form: instance(form, version="1"), "fetch the form again"),
        (lambda form: instance(form).replace('id="census"', 'id="other"'), "fetch the form again"),
        (lambda form: instance(form).replace("orx:instanceID", "orx:other"), "instanceID"),
        (lambda form: instance(form)[:-20], "XML"),
        (lambda form: instance(form).replace("<start>", "<!-- -->" + "<a>" * 40 + "</a>" * 40 + "<start>"), "XML"),
        (lambda form: instance(form, people="<person/>" * 201), "too many"),
        (lambda form: instance(form, people="<person><face>never.jpg</face></person>"), "never.jpg"),
        (
            lambda form: instance(form).replace("<orx:meta>", "<orx:meta><orx:deprecatedID>uuid:x</orx:deprecatedID>"),
            "sent",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_phone_keeps_it(collect: Collect, census: Form, xml: Any, said: str) -> None:
    answer = collect.send(xml(census))
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert answer["X-OpenRosa-Version"] == "1.0"
    assert not Filling.objects.exists()


def test_hostile_xml_reaches_nothing(collect: Collect, census: Form) -> None:
    doctype = '<!DOCTYPE data [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    xml = instance(census).replace("<data ", f"{doctype}<data ", 1).replace("<start>", "<start>&x;")
    assert collect.send(xml).status_code == 400
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><data id="census">&b;</data>'
    assert collect.send(bomb).status_code == 400


@given(st.binary(max_size=200))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_an_instance_or_refused(data: bytes) -> None:
    with pytest.raises(instances.BadInstance):
        instances.read(data)


def test_a_file_that_lies_is_refused_in_words(collect: Collect, census: Form) -> None:
    xml = instance(census, people="<person><face>1.jpg</face></person>")
    assert collect.send(xml, files={"1.jpg": b"#!/bin/sh\nrm -rf /"}).status_code == 400
    assert not Filling.objects.exists()


class TestWhoMay:
    def test_without_a_password_nothing_is_shown(self, census: Form) -> None:
        for method, path in (("GET", "/odk/formList"), ("HEAD", "/odk/submission"), ("POST", "/odk/submission")):
            answer = Client().generic(method, path)
            assert answer.status_code == 401
            assert answer["WWW-Authenticate"].startswith("Digest ")
            assert answer["X-OpenRosa-Version"] == "1.0"

    def test_a_wrong_password_and_another_address_are_refused(self, collect: Collect, census: Form) -> None:
        assert collect.ask("GET", "/odk/formList").status_code == 200
        other = collect.authorization("GET", "/odk/submission")
        assert collect.ask("GET", "/odk/formList", Authorization=other).status_code == 401
        collect.password = "wrong"
        assert collect.ask("GET", "/odk/formList").status_code == 401

    def test_guessing_is_slowed_down(self, collect: Collect, census: Form) -> None:
        collect.password = "wrong"
        found = [collect.ask("GET", "/odk/formList").status_code for _i in range(32)]
        assert found[0] == 401
        assert found[-1] == 429

    def test_an_old_nonce_is_renewed(self, collect: Collect, census: Form) -> None:
        with mock.patch.object(keys, "NONCE_SECONDS", -1):
            answer = collect.ask("GET", "/odk/formList")
        assert answer.status_code == 401
        assert "stale=true" in answer["WWW-Authenticate"]

    def test_basic_only_over_https(self, collect: Collect, census: Form) -> None:
        basic = "Basic " + base64.b64encode(f"{collect.username}:{collect.password}".encode()).decode()
        assert Client().get("/odk/formList", headers={"Authorization": basic}).status_code == 401
        assert Client().get("/odk/formList", headers={"Authorization": basic}, secure=True).status_code == 200

    def test_a_password_taken_back_opens_nothing(self, collect: Collect, census: Form, clerk: Actor) -> None:
        assert collect.ask("GET", "/odk/formList").status_code == 200
        keys.revoke(clerk)
        assert collect.ask("GET", "/odk/formList").status_code == 401

    def test_a_new_password_ends_the_one_before(self, collect: Collect, census: Form, clerk: Actor) -> None:
        keys.make(clerk)
        assert collect.ask("GET", "/odk/formList").status_code == 401
        assert FieldKey.objects.count() == 1

    def test_a_form_that_is_not_for_the_field_is_not_there(self, collect: Collect, census: Form) -> None:
        xml = instance(census)
        Form.objects.update(field=False)
        assert b"<xform>" not in collect.ask("GET", "/odk/formList").content
        assert collect.send(xml).status_code == 400

    def test_who_may_not_collect_makes_no_password(self) -> None:
        with pytest.raises(Denied):
            keys.make(Actor(account=5, staff=True))


def test_who_may_not_collect_any_more_is_refused(collect: Collect, census: Form, clerk: Actor) -> None:
    assert collect.ask("GET", "/odk/formList").status_code == 200
    Account.objects.get(pk=clerk.account).grants.all().delete()
    assert collect.ask("GET", "/odk/formList").status_code == 401


def test_who_left_is_refused(collect: Collect, census: Form, clerk: Actor) -> None:
    Account.objects.filter(pk=clerk.account).update(is_active=False)
    assert collect.ask("GET", "/odk/formList").status_code == 401


def test_the_code_sets_collect_up() -> None:
    code = keys.settings_code("https://town.example/odk", "awa", "secret")
    told = json.loads(zlib.decompress(base64.b64decode(code)))
    assert told["general"] == {
        "protocol": "odk_default",
        "server_url": "https://town.example/odk",
        "username": "awa",
        "password": "secret",
    }
    assert views.LARGEST > 0
