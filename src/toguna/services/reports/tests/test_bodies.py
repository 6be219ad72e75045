"""Reports sent on to another body, which may answer late, twice, in HTML, or not at all; and what it tells of them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases.api import Case, Step
from toguna.engines.channels.models import Message
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.services.reports.bodies import actions, client, polling, sending
from toguna.services.reports.bodies.client import Peer, Trouble
from toguna.services.reports.models import Body, BodyService, RemoteUpdate, Transfer

OPEN = Transfer.State.WAITING


class Water:
    """Another body on a port of its own. `posts` is what it was sent; `taken` what it keeps, by number; `answer` may be
    changed to anything that a bad server does: answer(handler, method, path, fields) returns True when it has answered."""

    def __init__(self) -> None:
        self.posts: list[dict[str, str]] = []
        self.told: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.taken: dict[str, dict[str, str]] = {}
        self.updates: list[dict[str, str]] | None = []
        self.answer = lambda *_: False
        self.stop = threading.Event()
        water = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def say(self, status: int, body: bytes, kind: str = "text/xml", **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def rows(self, root: str, item: str, rows: list[dict[str, str]], status: int = 200) -> None:
                inner = "".join(
                    f"<{item}>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in r.items()) + f"</{item}>"
                    for r in rows
                )
                self.say(status, f'<?xml version="1.0" encoding="utf-8"?><{root}>{inner}</{root}>'.encode())

            def do_GET(self):
                self.handle_one("GET", {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.handle_one("POST", {k: v[0] for k, v in parse_qs(body).items()})

            def handle_one(self, method: str, fields: dict[str, str]) -> None:
                path = urlsplit(self.path).path.removeprefix("/o311/")
                water.asked.append(f"{method} {path}")
                try:
                    if not water.answer(self, method, path, fields):
                        self.as_it_should(method, path, fields)
                except OSError:
                    pass  # whoever asked has gone

            def as_it_should(self, method: str, path: str, fields: dict[str, str]) -> None:
                if (method, path) == ("POST", "requests.xml"):
                    self.rows("service_requests", "request", [{"service_request_id": water.keep(fields)}], 201)
                elif path == "requests.xml":
                    wanted = fields.get("service_request_id", "")
                    found = [r for n, r in water.taken.items() if not wanted or n in wanted.split(",")]
                    self.rows("service_requests", "request", found)
                elif path == "services.xml":
                    self.rows("services", "service", [{"service_code": "W1", "service_name": "Fuites"}])
                elif path == "servicerequestupdates.xml" and method == "POST":
                    water.told.append(fields)
                    self.rows("service_request_updates", "request_update", [{"update_id": f"w{len(water.told)}"}])
                elif path == "servicerequestupdates.xml" and water.updates is not None:
                    self.rows("service_request_updates", "request_update", water.updates)
                else:
                    self.rows("errors", "error", [{"code": "404", "description": "nothing here"}], 404)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/o311/"

    def keep(self, fields: dict[str, str]) -> str:
        self.posts.append(fields)
        number = f"W-{len(self.posts)}"
        self.taken[number] = {
            "service_request_id": number, "status": "open", "status_notes": "", "description": fields["description"],
            "service_code": fields["service_code"], "updated_datetime": "",
        }  # fmt: skip
        return number

    def update(self, id: str, number: str, status: str, words: str = "", at: str = "", **more: str) -> None:
        self.updates.append({
            "update_id": id, "service_request_id": number, "status": status, "description": words,
            "updated_datetime": at or timezone.now().isoformat(), **more,
        })  # fmt: skip


@pytest.fixture
def water():
    peer = Water()
    yield peer
    peer.stop.set()
    peer.server.shutdown()
    peer.server.server_close()


@pytest.fixture
def body(town, water):
    row = Body.objects.create(
        slug="water", names={"fr": "Eau SA"}, contact={"fr": "Tél. 123"}, endpoint=water.endpoint, api_key="k"
    )
    BodyService.objects.create(body=row, topic=town.topics["water-point"], service_code="W1")
    return row


@pytest.fixture
def leak(opened):
    return lambda **more: opened("water-point", text="Une fuite", language="fr", email="awa@example.org", **more)


def later() -> None:
    """The longest waiting time has passed."""
    Transfer.objects.update(created=timezone.now() - sum(sending.WAITS, timedelta()) - timedelta(minutes=1))


def sent_on(leak, body, run_jobs) -> tuple[Case, Transfer]:
    case = leak()
    made = actions.transfer(case.pk, body, by=SYSTEM)
    run_jobs()
    made.refresh_from_db()
    return case, made


def test_a_report_is_sent_on_and_solved_there(leak, body, water, run_jobs):
    case, made = sent_on(leak, body, run_jobs)
    (post,) = water.posts
    assert post["service_code"] == "W1" and post["lat"] == "0.500000" and post["account_id"] == case.code
    assert post["description"] == f"Une fuite\n[Soundiakoura {case.code}]" and post["api_key"] == "k"
    assert "awa" not in json.dumps(post), "who reported it stays here"
    assert (made.state, made.remote_id, made.trouble) == (Transfer.State.SENT, "W-1", "")
    step = case.steps.get(action="transferred")
    assert step.public and "Eau SA" in step.text and step.text.endswith("Tél. 123")
    assert Message.objects.filter(address="awa@example.org", text__contains="Tél. 123").count() == 1
    water.update("u1", "W-1", "closed", "Vanne changée")
    polling.sweep()
    run_jobs()
    case.refresh_from_db()
    made.refresh_from_db()
    assert (case.state, case.open, made.state) == ("solved", False, Transfer.State.CLOSED)
    assert case.steps.last().text == "Eau SA: Vanne changée"
    assert Message.objects.filter(address="awa@example.org", text__contains="Vanne changée").count() == 1
    steps = case.steps.count()
    polling.sweep()
    run_jobs()
    assert case.steps.count() == steps, "the same update a second time changes nothing"
    body.refresh_from_db()
    assert body.polled and body.checked and not body.trouble


def test_what_cannot_be_sent_on(leak, body, opened, town, run_jobs):
    case, _made = sent_on(leak, body, run_jobs)
    with pytest.raises(cases.Refused):
        actions.transfer(case.pk, body, by=SYSTEM)  # it was already
    with pytest.raises(cases.Refused, match=r"service|Dites"):
        actions.transfer(opened().pk, body, by=SYSTEM)  # no service there for potholes
    other = leak()
    with pytest.raises(Denied):
        actions.transfer(other.pk, body, by=NOBODY)
    actions.note_giver(body, other)
    with pytest.raises(cases.Refused):
        actions.transfer(other.pk, body, by=SYSTEM)  # it came from there
    closed = leak()
    cases.move(closed.pk, "solve", by=SYSTEM)
    with pytest.raises(cases.Refused):
        actions.transfer(closed.pk, body, by=SYSTEM)
    Body.objects.update(endpoint="", email="")
    body.refresh_from_db()
    with pytest.raises(cases.Refused):
        actions.transfer(leak().pk, body, by=SYSTEM)
    assert Transfer.objects.count() == 1


def late(water, handler, method, path, fields):
    """It takes the report, and answers when nobody listens any more."""
    if method == "POST" and not water.posts:
        water.keep(fields)
        water.stop.wait(3)
        return True
    return False


def cut(water, handler, method, path, fields):
    """It takes the report and breaks off."""
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.connection.close()
        return True
    return False


def page(water, handler, method, path, fields):
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.say(200, b"<!DOCTYPE html><html><body>Merci !</body></html>", "text/html")
        return True
    return False


def failed_but_taken(water, handler, method, path, fields):
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.say(500, b"oops", "text/plain")
        return True
    return False


def no_number(water, handler, method, path, fields):
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.say(201, b'[{"service_request_id": {"id": [1]}}]', "application/json")
        return True
    return False


def too_long_a_number(water, handler, method, path, fields):
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.say(201, json.dumps([{"service_request_id": "9" * 200}]).encode(), "application/json")
        return True
    return False


def far_too_much(water, handler, method, path, fields):
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.say(201, b"<service_requests>" + b" " * (client.MOST_BYTES + 70_000), "text/xml")
        return True
    return False


def drips(water, handler, method, path, fields):
    """One byte at a time, each in time, for ever."""
    if method == "POST" and not water.posts:
        water.keep(fields)
        handler.send_response(201)
        handler.end_headers()
        while not water.stop.wait(0.1):
            handler.wfile.write(b" ")
            handler.wfile.flush()
        return True
    return False


@pytest.mark.parametrize(
    "bad",
    [late, cut, page, failed_but_taken, no_number, too_long_a_number, far_too_much, drips],
    ids=lambda b: b.__name__,
)
def test_what_was_taken_without_a_clear_answer_is_never_sent_twice(bad, leak, body, water, run_jobs, monkeypatch):
    water.answer = lambda *what: bad(water, *what)
    began = time.monotonic()
    with monkeypatch.context() as patch:
        if bad in (late, drips):  # the others answer, as soon as a busy machine can
            patch.setattr(client, "PAUSE", 0.4)
            patch.setattr(client, "WHOLE", 1.2)
        _case, made = sent_on(leak, body, run_jobs)
    assert time.monotonic() - began < 30
    assert made.state == OPEN and made.trouble and made.sent and made.attempts == 1
    body.refresh_from_db()
    assert body.trouble
    sending.send.func(transfer=made.pk)
    assert len(water.posts) == 1, "before it is time nothing is tried"
    later()
    polling.sweep()
    run_jobs()
    made.refresh_from_db()
    assert (made.state, made.remote_id, made.trouble) == (Transfer.State.SENT, "W-1", "")
    assert len(water.posts) == 1


@pytest.mark.parametrize("anew", [False, True], ids=["tried again", "sent on anew"])
def test_it_is_not_sent_again_as_long_as_nobody_can_look(anew, leak, body, water, run_jobs):
    """The answer was lost, and looking it up fails: rather late than twice."""

    def bad(handler, method, path, fields):
        if method == "GET":
            handler.say(200, b"<html>maintenance</html>", "text/html")
            return True
        return failed_but_taken(water, handler, method, path, fields)

    water.answer = bad
    _case, made = sent_on(leak, body, run_jobs)
    for _attempt in range(len(sending.WAITS) + 1):
        later()
        polling.sweep()
        run_jobs()
    made.refresh_from_db()
    assert len(water.posts) == 1
    assert made.state == Transfer.State.REFUSED and made.trouble, "somebody must look"
    water.answer = lambda *_: False
    made = actions.transfer(made.case_id, body, by=SYSTEM) if anew else made
    if not anew:
        actions.try_again(made.pk, by=SYSTEM)
    run_jobs()
    made.refresh_from_db()
    assert (made.state, made.remote_id, len(water.posts)) == (Transfer.State.SENT, "W-1", 1)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_it_fails_then_takes_it(status, leak, body, water, run_jobs):
    water.answer = lambda handler, method, *_: method == "POST" and (handler.say(status, b"") or True)
    _case, made = sent_on(leak, body, run_jobs)
    assert (made.state, made.attempts) == (OPEN, 1) and made.trouble
    water.answer = lambda *_: False
    later()
    polling.sweep()
    run_jobs()
    made.refresh_from_db()
    assert (made.state, len(water.posts)) == (Transfer.State.SENT, 1)


def test_it_is_down_then_up(leak, body, water, run_jobs):
    body.endpoint = "http://127.0.0.1:9/"
    body.save()
    _case, made = sent_on(leak, body, run_jobs)
    assert made.state == OPEN and made.sent is None and made.trouble, "what was never sent is in no doubt"
    Body.objects.update(endpoint=water.endpoint)
    later()
    polling.sweep()
    run_jobs()
    made.refresh_from_db()
    assert made.state == Transfer.State.SENT and "GET requests.xml" not in water.asked


def test_it_refuses_with_its_reasons(leak, body, water, run_jobs):
    def no(handler, method, *_):
        handler.rows("errors", "error", [{"code": "400", "description": "Give the meter number"}], 400)
        return True

    water.answer = no
    case, made = sent_on(leak, body, run_jobs)
    assert made.state == Transfer.State.REFUSED and "Give the meter number" in made.trouble
    water.answer = lambda *_: False
    actions.try_again(made.pk, by=SYSTEM)
    run_jobs()
    made.refresh_from_db()
    assert (made.state, len(water.posts)) == (Transfer.State.SENT, 1)
    with pytest.raises(cases.Refused):
        actions.try_again(made.pk, by=SYSTEM)
    assert case.steps.filter(action="transferred").count() == 1


def test_a_redirect_is_not_followed(leak, body, water, run_jobs):
    elsewhere = Water()
    water.answer = lambda handler, *_: handler.say(302, b"", Location=elsewhere.endpoint + "requests.xml") or True
    _case, made = sent_on(leak, body, run_jobs)
    assert made.state == Transfer.State.REFUSED and elsewhere.endpoint in made.trouble
    assert not elsewhere.asked
    elsewhere.server.shutdown()
    elsewhere.server.server_close()


def test_the_same_number_for_two_reports(leak, body, water, run_jobs):
    sent_on(leak, body, run_jobs)
    water.answer = lambda handler, method, path, fields: (
        method == "POST" and (handler.rows("service_requests", "request", [{"service_request_id": "W-1"}]) or True)
    )
    _case, second = sent_on(leak, body, run_jobs)
    assert second.state == Transfer.State.REFUSED and "W-1" in second.trouble


def test_a_number_that_comes_as_a_number_and_a_list_in_json(leak, body, water, run_jobs):
    def in_json(handler, method, path, fields):
        if method == "POST":
            handler.say(201, json.dumps([{"service_request_id": 4711}]).encode(), "application/json")
        return method == "POST"

    water.answer = in_json
    _case, made = sent_on(leak, body, run_jobs)
    assert (made.state, made.remote_id) == (Transfer.State.SENT, "4711")


def test_a_token_becomes_a_number(leak, body, water, run_jobs):
    known = []

    def by_token(handler, method, path, fields):
        if method == "POST":
            water.posts.append(fields)
            handler.rows("service_requests", "request", [{"token": "t/1"}])
        elif path.startswith("tokens/"):
            assert path == "tokens/t%2F1.xml"
            handler.rows("service_requests", "request", known)
        else:
            return False
        return True

    water.answer = by_token
    _case, made = sent_on(leak, body, run_jobs)
    assert (made.state, made.token, made.remote_id) == (Transfer.State.SENT, "t/1", "")
    polling.sweep()
    run_jobs()
    Transfer.objects.update(sent=timezone.now() - polling.TOO_LONG - timedelta(hours=1))
    polling.sweep()
    run_jobs()
    made.refresh_from_db()
    assert made.remote_id == "" and made.trouble, "a token for ever is said"
    known.append({"token": "t/1", "service_request_id": "W-77"})
    polling.sweep()
    run_jobs()
    made.refresh_from_db()
    assert (made.remote_id, made.trouble, len(water.posts)) == ("W-77", "", 1)


def test_a_body_without_open311_gets_one_letter(leak, body, run_jobs):
    Body.objects.update(endpoint="", email="eau@water.test")
    body.refresh_from_db()
    case, made = sent_on(leak, body, run_jobs)
    sending.send.func(transfer=made.pk)
    (letter,) = Message.objects.filter(address="eau@water.test")
    assert case.code in letter.subject and "Une fuite" in letter.text and "awa" not in letter.text
    assert made.state == Transfer.State.SENT


def test_a_category_that_goes_there_at_once(leak, body, water, run_jobs):
    BodyService.objects.update(automatic=True)
    case = leak()
    run_jobs()
    assert Transfer.objects.get(case=case).state == Transfer.State.SENT and len(water.posts) == 1


def test_states_are_asked_for_when_it_lists_no_updates(leak, body, water, run_jobs):
    water.updates = None
    case, made = sent_on(leak, body, run_jobs)

    def look(**now: str) -> None:
        water.taken["W-1"].update(now)
        polling.sweep()
        run_jobs()
        case.refresh_from_db()

    look()
    steps = case.steps.count()
    look()
    assert case.steps.count() == steps
    look(status_notes="Équipe en route", updated_datetime=timezone.now().isoformat())
    assert case.steps.last().text == "Eau SA: Équipe en route" and case.open
    look(status="closed", updated_datetime=timezone.now().isoformat())
    assert case.state == "solved" and "Équipe" not in case.steps.last().text
    look(status="open", status_notes="Elle fuit encore", updated_datetime=timezone.now().isoformat())
    made.refresh_from_db()
    assert (case.state, made.state) == ("accepted", Transfer.State.SENT)


def test_they_close_it_without_solving_it(leak, body, water, run_jobs):
    case, made = sent_on(leak, body, run_jobs)
    water.update("u1", "W-1", "closed", "Ce n’est pas à nous", extended_attributes="")
    water.updates[0]["status"] = "not_responsible"
    polling.sweep()
    run_jobs()
    case.refresh_from_db()
    made.refresh_from_db()
    assert case.open and made.state == Transfer.State.REFUSED and made.trouble
    assert case.steps.last().text == "Eau SA: Ce n’est pas à nous"


def apply(made: Transfer, id: str, status: str, words: str = "", minutes: int = 0) -> None:
    actions.apply(made, actions.Update(id, status, words, timezone.now() - timedelta(minutes=minutes)))


def test_out_of_order(leak, body, run_jobs):
    case, made = sent_on(leak, body, run_jobs)
    apply(made, "2", "closed", "Fini", minutes=5)
    apply(made, "1", "open", "On commence", minutes=60)
    case.refresh_from_db()
    made.refresh_from_db()
    assert (case.state, made.state) == ("solved", Transfer.State.CLOSED)
    assert case.steps.last().text == "Eau SA: On commence" and case.steps.last().action == "told"
    apply(made, "3", "open", "", minutes=1)
    apply(made, "2b", "closed", "", minutes=3)
    case.refresh_from_db()
    made.refresh_from_db()
    assert (case.state, made.state) == ("accepted", Transfer.State.SENT)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([0, 1, 2, 3, 0, 2, 3]))
def test_any_order_with_repeats_ends_as_the_newest_says(order, leak, body, run_jobs):
    told = [
        ("a", "open", "Reçu", 40),
        ("b", "started", "", 30),
        ("c", "closed", "Fini", 20),
        ("d", "open", "Encore", 10),
    ]
    Transfer.objects.all().delete()
    RemoteUpdate.objects.all().delete()
    case = leak()
    made = Transfer.objects.create(case=case, body=body, state=Transfer.State.SENT, remote_id=case.code)
    for n in order:
        apply(made, *told[n])
    case.refresh_from_db()
    assert case.open, "the newest says open"
    assert RemoteUpdate.objects.filter(body=body).count() == 4


def test_what_is_written_here_is_told_there(leak, body, water, run_jobs):
    case, _made = sent_on(leak, body, run_jobs)
    cases.reply(case.pk, "Elle grossit", by=SYSTEM)
    cases.reply(case.pk, "Pour nous seuls", by=SYSTEM, public=False)
    run_jobs()
    (told,) = water.told
    assert (told["description"], told["service_request_id"], told["status"]) == ("Elle grossit", "W-1", "open")
    water.update("w1", "W-1", "open", "Elle grossit")  # it comes back in their list
    water.update("u2", "W-1", "open", "Vu")
    polling.sweep()
    run_jobs()
    assert [s.text for s in case.steps.filter(action="told")] == ["Eau SA: Vu"]
    assert len(water.told) == 1, "what is theirs is not told to them"
    water.answer = lambda handler, method, *_: method == "POST" and (handler.say(404, b"") or True)
    cases.reply(case.pk, "Encore", by=SYSTEM)
    run_jobs()  # a body that takes no updates: nothing breaks


def test_it_says_nothing_that_breaks_us(leak, body, water, run_jobs):
    """Answers that no server should give to the one who only asks."""
    case, _made = sent_on(leak, body, run_jobs)
    bombs = [
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;">]><service_request_updates>&y;</service_request_updates>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', b"", b"\x00\x01", b"[[[[1]]]]", b"[1, 2]", b"{",
        b'{"a": [{"request_update": 1}]}', b"[" * 100_000, "<é".encode("latin-1"), b'[{"update_id": "1"}]', b"null",
        b"<service_request_updates><request_update><update_id>9</update_id></request_update></service_request_updates>",
    ]  # fmt: skip
    for bomb in bombs:
        water.answer = lambda handler, *_, bomb=bomb: handler.say(200, bomb) or True
        polling.sweep()
        run_jobs()
    # What XML cannot hold, JSON can.
    water.answer = lambda handler, method, path, fields: (
        path == "servicerequestupdates.xml"
        and (handler.say(200, json.dumps(water.updates).encode(), "application/json") or True)
    )
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", "2026-13-45"):
        water.update(f"id {at}" * 40, "W-1", "open\x00", f"Mots {at}\x00<b>", at)
    water.update("x", "W-999", "closed", "not ours")
    polling.sweep()
    run_jobs()
    case.refresh_from_db()
    assert case.open and case.steps.filter(action="told").count() == 4
    body.refresh_from_db()
    assert not body.trouble


@pytest.mark.parametrize("endpoint", ["ftp://x/", "http://", "http://[::1", "javascript:alert(1)", "//x/"])
def test_an_address_that_is_none(endpoint):
    with pytest.raises(Trouble):
        Peer(endpoint).services()


# The desk


def test_a_body_is_set_up_from_the_desk(hire, town, water):
    manager = hire("manager")
    fields = {"names_fr": "Eau SA", "contact_fr": "Tél. 123", "endpoint": water.endpoint.rstrip("/"), "active": "on"}
    assert manager.post("/desk/bodies/new", {"endpoint": "nope"}).status_code == 422
    response = manager.post("/desk/bodies/new", fields)
    body = Body.objects.get()
    assert response.url == f"/desk/bodies/{body.slug}" and body.endpoint == water.endpoint
    page = manager.post(response.url, {"do": "check"}).content.decode()
    assert "W1" in page and "Fuites" in page
    body.refresh_from_db()
    assert body.checked
    manager.post(response.url, {"do": "services", "code-water-point": "W1", "automatic-water-point": "yes"})
    (service,) = BodyService.objects.all()
    assert (service.topic, service.service_code, service.automatic) == (town.topics["water-point"], "W1", True)
    manager.post(response.url, {"do": "services"})
    assert not BodyService.objects.exists()
    page = manager.post(response.url, {"do": "key"}).content.decode()
    key = page.split("<code>")[1].split("</code>")[0]
    body.refresh_from_db()
    assert body.key_digest == hashlib.sha256(key.encode()).hexdigest() and actions.holder(key) == body
    assert key not in manager.get(response.url).content.decode()
    assert actions.holder(key + "x") is None
    water.answer = lambda handler, *_: handler.say(200, b"<html>", "text/html") or True
    manager.post(response.url, {"do": "check"})
    body.refresh_from_db()
    assert body.trouble and body.trouble in manager.get("/desk/bodies/").content.decode().replace("&#x27;", "'")
    body.api_key = "secret-of-ours"
    body.save()
    assert "secret-of-ours" not in manager.get(response.url).content.decode()
    manager.post(response.url, {**fields, "endpoint": "http://other.test/"})
    body.refresh_from_db()
    assert body.api_key == "", "a key is never sent to another address"


def test_an_agent_sends_one_on_and_tries_again(hire, leak, body, water, run_jobs):
    case, agent, manager = leak(), hire("agent"), hire("manager")
    water.answer = lambda handler, method, *_: method == "POST" and (handler.say(400, b"") or True)
    page = agent.get(f"/desk/reports/{case.code}").content.decode()
    assert f"/desk/bodies/send/{case.code}" in page
    assert agent.post(f"/desk/bodies/send/{case.code}", {"body": "water"}).status_code == 302
    run_jobs()
    made = Transfer.objects.get()
    page = manager.get("/desk/bodies/water").content.decode()
    assert case.code[:3] in page and made.state == Transfer.State.REFUSED
    water.answer = lambda *_: False
    manager.post("/desk/bodies/water", {"do": "again", "transfer": made.pk})
    run_jobs()
    made.refresh_from_db()
    assert made.state == Transfer.State.SENT
    assert "W-1" in agent.get(f"/desk/reports/{case.code}").content.decode()


@pytest.mark.parametrize("role", ["nobody", "", "reader", "agent"])
def test_who_may_not_set_up(role, hire, client, body):
    someone = client if role == "nobody" else hire(role)
    for path in ("/desk/bodies/", "/desk/bodies/new", "/desk/bodies/water"):
        assert someone.get(path).status_code == (302 if role == "nobody" else 403)
        assert someone.post(path, {"do": "key"}).status_code == (302 if role == "nobody" else 403)
    body.refresh_from_db()
    assert not body.key_digest


@pytest.mark.parametrize("role", ["nobody", "", "reader"])
def test_who_may_not_send_on(role, hire, client, body, leak):
    someone = client if role == "nobody" else hire(role)
    case = leak()
    assert someone.post(f"/desk/bodies/send/{case.code}", {"body": "water"}).status_code in (302, 403)
    assert not Transfer.objects.exists()


def test_an_agent_of_another_zone_may_not(hire, leak, body, town):
    case = leak()  # in Nord
    agent = hire("agent", zone=town.south.pk)
    assert agent.post(f"/desk/bodies/send/{case.code}", {"body": "water"}).status_code == 404
    assert not Transfer.objects.exists() and Step.objects.filter(action="transferred").count() == 0
