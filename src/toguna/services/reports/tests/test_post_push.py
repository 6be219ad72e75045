"""Notices in the browser, against a push service that checks the signature and decrypts as the RFCs say."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.channels.gateway.media import Busy, Outgoing, Unsendable
from toguna.engines.channels.models import Message, PushEndpoint
from toguna.engines.channels.post import push
from toguna.kernel.access import SYSTEM
from toguna.kernel.tasks import Lane
from toguna.services.reports import browsers
from toguna.simulate.push import Browser, PushService, unpack


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(push, "_file", lambda: tmp_path / "push.pem")


@pytest.fixture
def service(town, monkeypatch):
    with PushService() as made:
        host = made.url.removeprefix("http://")
        monkeypatch.setattr(push, "section", lambda name: {"hosts": [host]} if name == "push" else {})
        yield made


def _key(number: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unpack(number), "big"), ec.SECP256R1())


def test_the_example_of_the_rfc():
    """RFC 8291, appendix A, byte for byte."""
    browser = Browser(
        "", key=_key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), auth=unpack("BTBZMqHH6r4Tts7J_aSIgg")
    )
    made = push.encrypt(
        b"When I grow up, I want to be a watermelon", browser.public, browser.auth,
        own=_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), salt=unpack("DGv6ra1nlYgDCS1FRnbzlw"),
    )  # fmt: skip
    expected = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
        "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert made == unpack(expected)
    assert browser.decrypt(made) == b"When I grow up, I want to be a watermelon"


def ask(browser: Browser, **more):
    return Client().post("/push/subscribe", {**browser.subscription, **more})


def out(row: Message | None = None, **more):
    values = (
        {"id": row.pk, "key": row.key, "address": row.address, "text": row.text, "subject": row.subject}
        if row
        else {
            "id": 1,
            "key": "k",
            "address": str(PushEndpoint.objects.latest("id").pk),
            "text": "Bonjour",
            "subject": "T",
        }
    )
    return push.deliver(Outgoing(**{"medium": "push", **values, **more}))


def test_a_browser_hears_of_its_report(service, town):
    asked = cases.Asked(
        type="reports", topic=town.topics["pothole"], text="trou", lon=0.5, lat=0.5, language="fr", phone="+22370000001"
    )
    case, _new = cases.open_case(asked, by=SYSTEM)
    key = cases.key_of(case)
    page = Client().get(reverse("report", args=[case.code]))
    mine = Client().get(f"{page.request['PATH_INFO']}?key={key}").content.decode()
    assert "data-push" in mine and "data-push" not in page.content.decode()
    token = mine.split('name="token" value="')[1].split('"')[0]
    assert ask(service.browser(), token=token).status_code == 204
    assert ask(service.browser(), token="made up").status_code == 204  # news only
    assert [e.person_id for e in PushEndpoint.objects.order_by("id")] == [case.reporter_id, None]
    cases.move(case.pk, "solve", by=SYSTEM, words="Rebouché")
    step = cases.Step.objects.filter(case=case).latest("id")
    event = cases.CaseMoved(case.pk, case.type, step.pk, "received", "solved")
    browsers.on_moved(event)
    browsers.on_moved(event)
    row = Message.objects.get(medium="push")
    out(row)
    [said] = service.sent
    assert said["to"] == "/push/1" and case.code in said["title"] and said["body"] == "Rebouché"
    assert said["url"].endswith(f"?key={key}") and said["urgency"] == "normal"


def test_a_browser_that_is_gone_is_asked_no_more(service):
    browser = service.browser()
    ask(browser)
    service.gone.add("/push/1")
    with pytest.raises(Unsendable):
        out()
    assert PushEndpoint.objects.get().gone
    with pytest.raises(Unsendable):
        out(address=str(PushEndpoint.objects.get().pk))
    assert ask(browser).status_code == 204 and PushEndpoint.objects.get().gone is None  # it comes back
    Client().post("/push/end", {"endpoint": browser.endpoint})
    assert PushEndpoint.objects.get().gone


def test_faults(service):
    ask(service.browser())
    service.next_faults = ["busy", "500", "lost"]
    with pytest.raises(Busy) as busy:
        out()
    assert busy.value.after == 11 and not busy.value.route_down
    for _fault in range(2):
        with pytest.raises(Busy):
            out()
    out()
    assert (
        len(service.sent) == 2 and service.sent[0]["topic"] == service.sent[1]["topic"]
    )  # the second replaces the first
    out(lane=Lane.ALARM, text="é😀" * 4000)
    assert service.sent[-1]["urgency"] == "high" and service.sent[-1]["body"].startswith("é😀")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://127.0.0.1:22/"}, {"endpoint": "https://evil.example/fcm.googleapis.com"}, {"endpoint": ""},
        {"endpoint": "http://fcm.googleapis.com/x"}, {"endpoint": "https://fcm.googleapis.com.evil.example/"},
        {"p256dh": "AAAA"}, {"p256dh": "é"}, {"auth": "AAAA"}, {"auth": ""}, {"endpoint": "https://fcm.googleapis.com/" + "a" * 500},
    ],
)  # fmt: skip
def test_only_browsers_are_written_to(service, change):
    browser = service.browser()
    assert ask(browser, **change).status_code == 400 and not PushEndpoint.objects.exists()


def test_the_key_of_the_town_stays(tmp_path):
    first = push.public_key()
    assert push.public_key() == first and len(unpack(first)) == 65
    assert (tmp_path / "push.pem").stat().st_mode & 0o077 == 0


def test_the_worker_is_served_where_it_may_work(town):
    answer = Client().get("/push/worker.js")
    assert (
        answer.status_code == 200 and "javascript" in answer["Content-Type"] and b"showNotification" in answer.content
    )
    assert channels.push_offer()["token"] == ""
