"""Aggregators as they are, with their faults; what they post to us; the desk of ways out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from toguna.engines.channels import api
from toguna.engines.channels.gateway import callbacks, marks, modem, orange
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Incoming, Message, Route
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.tasks import Lane
from toguna.simulate.africastalking import AfricasTalking
from toguna.simulate.orange import Orange

AT = {"username": "sandbox", "api_key": "key"}
OR = {"client_id": "id", "client_secret": "secret", "sender": "+2230000"}


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()
    orange._tokens.clear()


@pytest.fixture
def talking(monkeypatch: pytest.MonkeyPatch) -> Iterator[AfricasTalking]:
    with AfricasTalking() as made:
        url = f"{made.url}/version1/messaging"
        Route.objects.create(slug="at", kind="africastalking", rate=500, settings={**AT, "url": url})
        yield made


@pytest.fixture
def orange_api() -> Iterator[Orange]:
    with Orange() as made:
        Route.objects.create(slug="orange", kind="orange", rate=500, settings={**OR, "url": made.url})
        yield made


def send(key: str = "k", number: str = "+22370000001", **more: Any) -> Message:
    api.send("sms", number, key=key, text="Bonjour : réunion à 9 h", **more)
    Pump().run_once(20)
    return Message.objects.get(key=key)


def again() -> None:
    Message.objects.filter(state="queued").update(due=timezone.now())
    Route.objects.update(down_until=None)
    Pump().run_once(20)


def post(kind: str, what: str, **form: str) -> int:
    return Client().post(f"/sms/{what}/{kind}/{marks.secret(f'{what}:{kind}')}", form).status_code


# ------------------------------------------------------------------ Africa's Talking


@pytest.mark.django_db
def test_africas_talking_takes_it_and_reports(talking: AfricasTalking) -> None:
    row = send()
    assert (row.state, row.reference) == ("sent", talking.sent[0]["id"])
    assert talking.sent[0]["text"] == "Bonjour : réunion à 9 h"
    for status, state in (
        ("Buffered", "sent"),
        ("Success", "delivered"),
        ("Failed", "delivered"),
        ("Sent", "delivered"),
    ):
        assert post("africastalking", "report", id=row.reference, status=status, phoneNumber=row.address) == 200
        row.refresh_from_db()
        assert row.state == state
    assert post("africastalking", "report", id="ATXid_unknown", status="Success", phoneNumber="+22379999999") == 404
    forged = Client().post(f"/sms/report/africastalking/{'0' * 24}", {"id": row.reference, "status": "Failed"})
    assert forged.status_code == 404


@pytest.mark.django_db
def test_africas_talking_answers_well_with_an_error_inside(talking: AfricasTalking) -> None:
    talking.say["+22370000002"] = (403, "InvalidPhoneNumber")
    wrong = send("wrong", "+22370000002")
    assert wrong.state == "failed" and "InvalidPhoneNumber" in wrong.error
    talking.refuse = "InvalidSenderId"
    row = send("sender")
    assert row.state == "queued" and row.error == "InvalidSenderId"
    talking.refuse = ""
    again()
    row.refresh_from_db()
    assert row.state == "sent" and len(talking.sent) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["lost", "500"])
def test_an_answer_that_never_comes_is_doubtful_and_a_report_settles_it(talking: AfricasTalking, fault: str) -> None:
    talking.next_faults = [fault]
    row = send()
    again()
    row.refresh_from_db()
    assert row.state == "doubtful" and len(talking.sent) <= 1, "it is not sent again by itself"
    if fault == "lost":
        reference = talking.sent[0]["id"]  # a name that we never heard
        assert post("africastalking", "report", id=reference, status="Success", phoneNumber=row.address) == 200
        row.refresh_from_db()
        assert (row.state, row.reference) == ("delivered", reference)


@pytest.mark.django_db
def test_too_many_requests_are_waited_for(talking: AfricasTalking) -> None:
    talking.next_faults = ["busy"]
    began = timezone.now()
    row = send()
    assert row.state == "queued" and row.due - began > timedelta(seconds=5)
    assert row.due - timezone.now() < timedelta(seconds=8)
    again()
    assert len(talking.sent) == 1


@pytest.mark.django_db
def test_what_people_write_is_kept_once(talking: AfricasTalking) -> None:
    form = {"from": "+22370000001", "to": "36000", "text": "AIDE", "id": "m1"}
    assert [post("africastalking", "in", **form) for _twice in range(2)] == [200, 200]
    assert post("africastalking", "in", **{**form, "id": "m2"}) == 200  # the same, by another name, at once
    assert Incoming.objects.count() == 1
    assert post("africastalking", "in", **{**form, "id": "m3", "text": "1"}) == 200
    assert Incoming.objects.count() == 2
    assert post("africastalking", "in", to="36000", text="who?") == 400
    assert Client().post(f"/sms/in/africastalking/{'x' * 24}", form).status_code == 404


# ------------------------------------------------------------------ Orange


@pytest.mark.django_db
def test_orange_with_its_token_and_its_reports(orange_api: Orange, live_server: Any) -> None:
    row = send()
    assert (row.state, row.reference) == ("sent", orange_api.sent[0]["id"])
    orange_api.tokens.clear()  # revoked before its time
    assert send("k2").state == "sent" and len(orange_api.sent) == 2
    url = f"{live_server.url}/sms/report/orange/{marks.secret('report:orange')}"
    assert orange_api.report(url, row.reference, "DeliveredToTerminal", row.address) == 200
    assert orange_api.report(url, row.reference, "DeliveryImpossible", row.address) == 200  # late, or a lie
    row.refresh_from_db()
    assert row.state == "delivered"
    url = f"{live_server.url}/sms/in/orange/{marks.secret('in:orange')}"
    assert [orange_api.write(url, "+22370000009", "Été à l'école", "o1") for _twice in range(2)] == [200, 200]
    assert Incoming.objects.get().text == "Été à l'école"


@pytest.mark.django_db
def test_a_bundle_that_is_empty_stops_the_route_not_the_message(orange_api: Orange) -> None:
    orange_api.units = 0
    row = send()
    assert row.state == "queued" and "Not enough units" in row.error
    orange_api.units = 5
    again()
    row.refresh_from_db()
    assert row.state == "sent"


@pytest.mark.django_db
def test_a_secret_that_is_wrong_sends_nothing_and_says_so(orange_api: Orange) -> None:
    Route.objects.update(settings={**OR, "client_secret": "other", "url": orange_api.url})
    row = send()
    assert row.state == "queued" and "no token" in row.error and "other" not in row.error


# ------------------------------------------------------------------ any other; a modem


@pytest.mark.django_db
def test_any_aggregator_by_a_request_that_is_written_on_the_route(talking: AfricasTalking) -> None:
    Route.objects.update(
        kind="http",
        settings={
            "url": f"{talking.url}/version1/messaging", "body": "username=sandbox&to={to}&message={text}", "secret": "key",
            "headers": "apiKey: {secret}", "good": '"statusCode": 10', "reference": '"messageId": "([^"]+)"',
        },
    )  # fmt: skip
    row = send()
    assert (row.state, row.reference) == ("sent", talking.sent[0]["id"])
    assert talking.sent[0]["text"] == "Bonjour : réunion à 9 h"
    talking.say["+22370000002"] = (403, "InvalidPhoneNumber")
    assert send("bad", "+22370000002").state == "failed"  # 201, with an error inside
    assert post("http", "report", id=row.reference, status="delivered") == 200
    row.refresh_from_db()
    assert row.state == "delivered"


@pytest.mark.django_db
def test_a_modem_by_the_files_of_gammu(tmp_path: Path) -> None:
    for name in ("inbox", "outbox", "sent", "error"):
        (tmp_path / name).mkdir()
    Route.objects.create(slug="modem", kind="modem", rate=100, settings={"folder": str(tmp_path)})
    row, alarm = send("news", lane=Lane.CAMPAIGN), send("alarm", lane=Lane.ALARM)
    assert (row.state, alarm.state) == ("sent", "sent")
    files = sorted((tmp_path / "outbox").glob("*"))
    assert files[0].name.startswith("OUTA") and files[1].name.startswith("OUTF"), "the alarm is read first"
    assert files[0].read_bytes().decode("utf-16") == "Bonjour : réunion à 9 h"
    files[1].rename(tmp_path / "error" / files[1].name)
    (tmp_path / "inbox" / "IN20261123_090000_00_+22370000001_00.txt").write_text("﻿SIGNALER trou ", encoding="utf-16-be")
    (tmp_path / "inbox" / "IN20261123_090000_00_+22370000001_01.txt").write_text("﻿devant l'école", encoding="utf-16-be")
    modem.look()
    modem.look()
    row.refresh_from_db()
    assert row.state == "failed"
    assert Incoming.objects.get().text == "SIGNALER trou devant l'école" and not list((tmp_path / "inbox").iterdir())


# ------------------------------------------------------------------ Kannel's own addresses


@pytest.mark.django_db
def test_reports_of_kannel_are_signed_and_never_go_back() -> None:
    row = Message.objects.create(key="k", medium="sms", address="+22370000001", lane=50, state="doubtful", text="x")
    url = f"/sms/dlr/{marks.mark(row.pk)}"
    for given, state in (("4", "sent"), ("1", "delivered"), ("4", "delivered"), ("2", "delivered"), ("9", "delivered")):
        assert Client().get(url, {"t": given}).content == b""
        row.refresh_from_db()
        assert row.state == state
    for forged in (f"/sms/dlr/{row.pk}-{'0' * 12}", f"/sms/dlr/{row.pk}", f"/sms/dlr/{'9' * 40}-x"):
        assert Client().get(forged, {"t": "2"}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("charset=UTF-16BE&text=%00%c3%00%A9%06%45", "Ã©م"),
        ("charset=UTF-8&text=%C3%A9t%C3%A9+1", "été 1"),
        ("charset=nonsense&text=abc", "abc"),
        ("charset=UTF-16BE&text=%D8%3D%DE%00", "😀"),
        ("charset=UTF-8&text=%FF%FE%00", "\ufffd\ufffd"),
        ("charset=UTF-8&text=", ""),
    ],
)
def test_the_bytes_of_kannel_are_read_by_their_charset(query: str, text: str) -> None:
    address = f"/sms/in/kannel/{marks.secret('in:kannel')}?from=%2B22370000001&to=36000&id=u1&smsc=op&{query}"
    assert Client().get(address).status_code == 200
    assert Incoming.objects.get().text == text


# ------------------------------------------------------------------ the desk


def staff(role: str) -> Client:
    grants = [(role, "*", None)] if role else []
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=role, grants=grants
    )
    client = Client()
    sign_in(client, account)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/desk/routes/", "/desk/routes/new/orange", "/desk/routes/at", "/desk/messages/"])
def test_who_may_see_the_ways_out(path: str) -> None:
    Route.objects.create(slug="at", kind="africastalking", settings=AT)
    assert [staff(role).get(path).status_code for role in ("", "reader", "agent", "manager", "administrator")] == [
        403, 403, 403, 403, 200,
    ]  # fmt: skip
    assert Client().get(path).status_code == 302


@pytest.mark.django_db
def test_a_route_is_written_and_its_secret_is_never_shown_again() -> None:
    client = staff("administrator")
    form = {
        "do": "save", "slug": "at", "prefixes": "+2237, +2239", "order": "1", "rate": "5", "price": "12", "daily_cap": "", "enabled": "on",
        "of_username": "sandbox", "of_api_key": "very-secret",
    }  # fmt: skip
    assert client.post("/desk/routes/new/africastalking", {**form, "prefixes": "70"}).status_code == 422
    assert client.post("/desk/routes/new/africastalking", {**form, "rate": "0"}).status_code == 422
    assert client.post("/desk/routes/new/africastalking", {**form, "of_api_key": ""}).status_code == 422
    assert client.post("/desk/routes/new/africastalking", form).status_code == 302
    route = Route.objects.get()
    assert (route.medium, route.prefixes, route.settings["api_key"]) == ("sms", ["+2237", "+2239"], "very-secret")
    page = client.get("/desk/routes/at").content.decode()
    assert "very-secret" not in page and callbacks.address("in", "africastalking") in page
    assert client.post("/desk/routes/at", {**form, "of_api_key": "", "rate": "7"}).status_code == 302
    route.refresh_from_db()
    assert (route.settings["api_key"], route.rate) == ("very-secret", 7)
    assert client.post("/desk/routes/at", {"do": "try", "phone": "70000001"}).status_code == 302
    assert Message.objects.get().address == "+22370000001"
    assert client.get("/desk/routes/new/nothing").status_code == 404


@pytest.mark.django_db
def test_a_doubtful_message_is_found_and_sent_again() -> None:
    client = staff("administrator")
    row = Message.objects.create(key="k", medium="sms", address="+22370000001", lane=50, state="doubtful", text="x")
    sent = Message.objects.create(key="s", medium="sms", address="+22370000002", lane=50, state="sent", text="x")
    page = client.get("/desk/messages/", {"state": "doubtful", "address": "70 00 00 01"}).content.decode()
    assert f'value="{row.pk}"' in page and f'value="{sent.pk}"' not in page and "+22370000001" not in page
    for pk, state in ((row.pk, "queued"), (sent.pk, "sent")):
        assert client.post("/desk/messages/", {"message": pk}).status_code == 302
        assert Message.objects.get(pk=pk).state == state
    assert staff("manager").post("/desk/messages/", {"message": row.pk}).status_code == 403
