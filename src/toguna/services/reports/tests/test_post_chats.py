"""WhatsApp, Telegram and Facebook, each against a stand-in for its company: what people write there is a conversation as by SMS,
a photo joins its report, nobody else can speak in their name, and no fault loses or doubles anything silently."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from django.contrib.gis.geos import Point
from django.core.management import CommandError, call_command
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from toguna.engines.cases import api as cases
from toguna.engines.channels.gateway.media import Busy, Doubtful, Outgoing, Sent, Unsendable
from toguna.engines.channels.models import Incoming, Message, Route
from toguna.engines.channels.post import facebook, pictures, telegram, whatsapp, wire
from toguna.engines.channels.talk import understanding
from toguna.engines.people import api as people
from toguna.engines.territory import names
from toguna.engines.territory.models import Feature, Layer
from toguna.services.reports import pictures as box
from toguna.simulate.meta import Facebook, WhatsApp
from toguna.simulate.telegram import Telegram

AWA = "22370000001"


@pytest.fixture(autouse=True)
def fresh_words():
    understanding.forget()
    yield
    understanding.forget()


@pytest.fixture
def places(town):
    layer = Layer.objects.create(slug="facilities", names={"fr": "Lieux"})
    Feature.objects.create(
        layer=layer, source="t:0", name="École Sainte Marie", kind="school", geom=Point(0.25, 0.5, srid=4326)
    )
    names.rebuild()


def _meta(company, number: str) -> dict[str, str]:
    return {
        "base": company.url, number: "1", "token": company.TOKEN, "app_secret": company.SECRET, "verify_token": "mot",
    }  # fmt: skip


@pytest.fixture
def wa(town):
    with WhatsApp() as company:
        company.route = Route.objects.create(
            slug="wa", medium="whatsapp", kind="whatsapp", settings=_meta(company, "phone_number_id")
        )
        yield company


@pytest.fixture
def fb(town):
    with Facebook() as company:
        company.route = Route.objects.create(
            slug="fb", medium="facebook", kind="facebook", settings=_meta(company, "page_id")
        )
        yield company


@pytest.fixture
def tg(town):
    with Telegram() as company:
        company.route = Route.objects.create(
            slug="tg", medium="telegram", kind="telegram", settings={"base": company.url, "token": company.TOKEN}
        )
        yield company


def tell(company, given, **headers) -> int:
    """The company calls the town."""
    if company.name == "telegram":
        body = json.dumps(given).encode()
        marks = {"X-Telegram-Bot-Api-Secret-Token": telegram.secret(company.route.slug)}
    else:
        body, marks = company.sign(given)
    sent = {**{k: v for k, v in marks.items() if k != "Content-Type"}, **headers}
    path = f"/hook/{company.name}/{company.route.slug}"
    return Client().post(path, body, content_type="application/json", headers=sent).status_code


def fetch_pictures() -> None:
    """What the worker would do, in this transaction."""
    for job in ProcrastinateJob.objects.filter(task_name=pictures.fetch.name, status="todo").order_by("id"):
        pictures.fetch.func(**job.args)
    ProcrastinateJob.objects.filter(task_name=pictures.fetch.name).update(queueing_lock=None)


def out(company, row: Message | None = None, **more) -> Sent:
    adapter = {"whatsapp": whatsapp, "telegram": telegram, "facebook": facebook}[company.name]
    medium = getattr(adapter, company.name.upper())
    address = {"whatsapp": f"+{AWA}", "telegram": "telegram:5", "facebook": "facebook:5"}[company.name]
    values = (
        {"id": row.pk, "key": row.key, "medium": row.medium, "address": row.address, "text": row.text}
        if row
        else {"id": 1, "key": "k", "medium": company.name, "address": address, "text": "Bonjour"}
    )
    return medium.deliver(Outgoing(**{**values, "settings": company.route.settings, **more}))


def last(address: str) -> Message:
    return Message.objects.filter(address=address).latest("id")


def test_a_report_by_whatsapp_with_its_photo(wa, places, picture):
    given = wa.call(messages=[wa.text(AWA, "SIGNALER trou devant école Sainte Marie")])
    assert tell(wa, given) == 200 and tell(wa, given) == 200  # Meta says it again
    case = cases.Case.objects.get()
    assert (case.channel, case.topic.slug) == ("whatsapp", "pothole") and Incoming.objects.count() == 1
    answer = last(f"+{AWA}")
    assert answer.medium == "whatsapp" and case.code in answer.text
    assert case.reporter_id in people.persons_at(f"+{AWA}")  # the same person as by SMS
    sent = out(wa, answer)
    assert wa.sent[-1] == {
        "id": sent.reference, "to": AWA, "type": "text", "text": answer.text, "mark": str(answer.pk),
    }  # fmt: skip
    photo = wa.call(messages=[wa.image(AWA, picture)])
    assert tell(wa, photo) == 200 and tell(wa, photo) == 200
    assert ProcrastinateJob.objects.filter(task_name=pictures.fetch.name).count() == 1
    fetch_pictures()
    fetch_pictures()
    assert case.photos.count() == 1 and case.code in last(f"+{AWA}").text


def test_a_photo_first_begins_a_report_and_waits_for_it(wa, places, picture):
    tell(wa, wa.call(messages=[wa.image(AWA, picture)]))
    assert "?" in last(f"+{AWA}").text  # what is it, and where?
    fetch_pictures()
    assert not cases.Case.objects.exists()
    tell(wa, wa.call(messages=[wa.text(AWA, "gros trou devant école Sainte Marie")]))
    case = cases.Case.objects.get()
    event = cases.CaseOpened(case.pk, case.type)
    box.on_opened(event)
    box.on_opened(event)  # the reaction, repeated
    assert case.photos.count() == 1


def test_a_caption_is_what_they_say(wa, places, picture):
    tell(wa, wa.call(messages=[wa.image(AWA, picture, "SIGNALER trou devant école Sainte Marie")]))
    fetch_pictures()
    assert cases.Case.objects.get().photos.count() == 1


@pytest.mark.parametrize("company", ["wa", "fb"])
def test_nobody_speaks_for_meta(company, request, town):
    company = request.getfixturevalue(company)
    given = (
        company.call(messages=[company.text(AWA, "a")])
        if company.name == "whatsapp"
        else company.call(company.text("5", "a"))
    )
    body, marks = company.sign(given)
    path = f"/hook/{company.name}/{company.route.slug}"
    other = hmac.new(b"guess", body, hashlib.sha256).hexdigest()
    for mark in ("", "sha256=", f"sha256={other}", marks["X-Hub-Signature-256"].upper(), "é"):
        answer = Client().post(path, body, content_type="application/json", headers={"X-Hub-Signature-256": mark})
        assert answer.status_code == 403
    # The same object in other bytes is not what was signed.
    again = json.dumps(json.loads(body)).encode()
    assert tell(company, given) == 200
    signature = {"X-Hub-Signature-256": marks["X-Hub-Signature-256"]}
    if again != body:
        assert Client().post(path, again, content_type="application/json", headers=signature).status_code == 403
    assert Incoming.objects.count() == 1
    Route.objects.filter(pk=company.route.pk).update(settings={})  # no secret set: nobody is believed
    unsigned = "sha256=" + hmac.new(b"", body, hashlib.sha256).hexdigest()
    assert (
        Client()
        .post(path, body, content_type="application/json", headers={"X-Hub-Signature-256": unsigned})
        .status_code
        == 403
    )


def test_meta_tries_the_address(wa):
    path = "/hook/whatsapp/wa"
    asked = {"hub.mode": "subscribe", "hub.verify_token": "mot", "hub.challenge": "1158201444"}
    assert Client().get(path, asked).content == b"1158201444"
    assert Client().get(path, {**asked, "hub.verify_token": "autre"}).status_code == 403
    assert Client().get("/hook/whatsapp/nowhere", asked).status_code == 404
    assert Client().get("/hook/telegram/wa", asked).status_code == 404


def test_what_is_not_published_is_not_brought_again(wa):
    for given in ({}, {"object": "page"}, {"object": "whatsapp_business_account", "entry": [{"changes": 3}]},
                  wa.call(messages=[{"from": "x; DROP", "id": "1", "type": "text"}])):  # fmt: skip
        assert tell(wa, given) == 200
    assert not Incoming.objects.exists()


def test_reports_of_whatsapp_come_twice_and_in_any_order(wa):
    row = Message.objects.create(key="a", medium="whatsapp", address=f"+{AWA}", text="x", lane=50, state="sending")
    out(wa, row)
    sent = wa.sent[-1]
    for state, expected in (
        ("sent", "sending"),
        ("read", "delivered"),
        ("delivered", "delivered"),
        ("failed", "delivered"),
    ):
        tell(wa, wa.call(statuses=[wa.status(sent, state)]))
        row.refresh_from_db()
        assert row.state == expected
    other = Message.objects.create(
        key="b", medium="whatsapp", address=f"+{AWA}", text="x", lane=50, state="sent", reference="wamid.77"
    )
    tell(wa, wa.call(statuses=[wa.status({"id": "wamid.77", "to": AWA}, "failed", mark=False)]))
    other.refresh_from_db()
    assert other.state == "failed" and "131026" in other.error


def test_after_a_day_whatsapp_takes_a_template_only(wa):
    wa.route.settings["template"] = "nouvelles"
    out(wa, text="Ligne un\nligne deux")
    assert (wa.sent[-1]["type"], wa.sent[-1]["text"]) == ("template", "Ligne un ligne deux")
    tell(wa, wa.call(messages=[wa.text(AWA, "aide")]))
    out(wa, text="Ligne un\nligne deux")
    assert (wa.sent[-1]["type"], wa.sent[-1]["text"]) == ("text", "Ligne un\nligne deux")


@pytest.mark.parametrize("company", ["wa", "tg", "fb"])
def test_faults(company, request, monkeypatch):
    company = request.getfixturevalue(company)
    company.next_faults = ["busy"]
    with pytest.raises(Busy) as busy:
        out(company)
    assert busy.value.after == (9 if company.name == "telegram" else None) and company.sent == []
    for fault, taken in (("lost", 1), ("500", 1), ("timeout", 2)):  # nobody knows: it is not sent again by itself
        company.next_faults = [fault]
        with pytest.raises(Doubtful), monkeypatch.context() as patch:
            if fault == "timeout":
                patch.setattr(wire, "WAITS", 1)
            out(company)
        assert len(company.sent) == taken
    assert out(company).reference
    wrong = {**company.route.settings, "token": "wrong"}
    with pytest.raises(Busy) as key:
        out(company, settings=wrong)
    assert key.value.route_down and "wrong" not in str(key.value)
    with pytest.raises(Busy):
        out(company, settings={**company.route.settings, "base": "http://127.0.0.1:1"})


def test_refusals(wa, tg, fb):
    wa.refuses[AWA], fb.refuses["5"] = 131026, 551
    tg.blocked.add(5)
    for company in (wa, tg, fb):
        with pytest.raises(Unsendable):
            out(company)


def test_a_report_by_telegram(tg, places, picture):
    call_command("chat_hook", "tg")
    assert tg.webhook["url"].endswith("/hook/telegram/tg") and tg.webhook["secret_token"] == telegram.secret("tg")
    assert tell(tg, tg.update(5, text="/start")) == 200
    assert "SIGNALER" in last("telegram:5").text
    update = tg.update(5, text="/signaler trou devant école Sainte Marie")
    assert tell(tg, update) == 200 and tell(tg, update) == 200
    case = cases.Case.objects.get()
    assert case.channel == "telegram" and case.code in last("telegram:5").text
    tell(tg, tg.update(5, photo=tg.photo(picture)))
    fetch_pictures()
    assert case.photos.count() == 1
    # What becomes of the report is told in the same chat.
    [way] = people.reach(case.reporter_id)
    assert (way.medium, way.address) == ("telegram", "telegram:5")
    out(tg, last("telegram:5"))
    assert tg.sent[-1]["to"] == 5 and case.code in tg.sent[-1]["text"]


def test_telegram_is_told_only_of_a_way_that_is_there(tg):
    with pytest.raises(CommandError, match="nowhere"):
        call_command("chat_hook", "nowhere")
    Route.objects.update(settings={**tg.route.settings, "token": "9:wrong"})
    with pytest.raises(CommandError) as refused:
        call_command("chat_hook", "tg")
    assert "9:wrong" not in str(refused.value)


def test_a_place_that_is_pointed_at(tg, places):
    tell(tg, tg.update(5, text="signaler gros trou"))
    assert not cases.Case.objects.exists()
    tell(tg, tg.update(5, location={"latitude": 0.5, "longitude": 0.25}))
    assert cases.Case.objects.get().point.x == pytest.approx(0.25)


def test_only_telegram_speaks_for_telegram_and_groups_are_not_answered(tg):
    update = tg.update(5, text="aide")
    for secret in ("", "x", telegram.secret("other")):
        assert tell(tg, update, **{"X-Telegram-Bot-Api-Secret-Token": secret}) == 403
    assert tell(tg, tg.update(-9, kind="group", text="aide")) == 200
    assert not Incoming.objects.exists() and not Message.objects.exists()


def test_a_report_by_facebook(fb, places, picture):
    assert tell(fb, fb.call(fb.text("5", "signaler trou devant école Sainte Marie"), fb.image("5", picture))) == 200
    case = cases.Case.objects.get()
    assert case.channel == "facebook" and case.code in last("facebook:5").text
    fetch_pictures()
    assert case.photos.count() == 1
    row = last("facebook:5")
    sent = out(fb, row)
    Message.objects.filter(pk=row.pk).update(state="sent", reference=sent.reference)
    tell(
        fb,
        fb.call(
            {"sender": {"id": "5"}, "recipient": {"id": "1"}, "delivery": {"mids": [sent.reference], "watermark": 1}}
        ),
    )
    row.refresh_from_db()
    assert row.state == "delivered"
    echo = fb._event("1", {"mid": "m_echo", "text": "x", "is_echo": True})
    tell(fb, fb.call(echo))
    assert not Incoming.objects.filter(address="facebook:1").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest", "https://evil.example/x.fbcdn.net", "file:///etc/passwd", "http://x.fbcdn.net/a",
        "https://fbcdn.net.evil.example/", "https://x.fbcdn.net@evil.example/",
    ],
)  # fmt: skip
def test_a_photo_is_fetched_from_the_company_only(fb, url):
    with pytest.raises(Unsendable):
        facebook.fetch(fb.route.settings, url)
