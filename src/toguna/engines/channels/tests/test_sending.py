"""A message is written down with what it is about, and sent once, whatever happens to the mail server."""

import socketserver
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from toguna.engines.channels import api
from toguna.engines.channels.gateway import queue
from toguna.engines.channels.models import Message
from toguna.engines.channels.post import mail_out
from toguna.engines.channels.post.stamps import stamp
from toguna.kernel.tasks import Lane


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    def handle(self) -> None:
        def say(words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

        say("220 here")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                say("354 go on")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part
                self.server.received.append(body.decode())
                say("250 kept")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say(getattr(self.server, "answers", {}).get(verb, "250 fine"))


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as made:
        made.received = []
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def post() -> None:
    with transaction.atomic():
        api.send("email", "awa@example.org", key="case.opened:1:email", subject="Reçu", text="Votre code est K7M4XZ")


@pytest.mark.django_db(transaction=True)
def test_a_mail_asked_for_twice_is_sent_once(server, monkeypatch):
    monkeypatch.setattr(
        mail_out, "mail", lambda: {"host": "127.0.0.1", "port": server.server_address[1], "from": "mairie@example.org"}
    )
    post()
    post()
    call_command("sender", once=True)
    call_command("sender", once=True)
    assert len(server.received) == 1
    assert (
        "To: awa@example.org" in server.received[0]
        and f"<{stamp(Message.objects.get().pk)}@example.org>" in server.received[0]
    )
    assert Message.objects.get().state == Message.State.SENT


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_loses_nothing(server, monkeypatch):
    monkeypatch.setattr(mail_out, "mail", lambda: {"host": "127.0.0.1", "port": 1, "from": "mairie@example.org"})
    post()
    call_command("sender", once=True)
    row = Message.objects.get()
    assert (row.state, row.tries) == (Message.State.QUEUED, 1) and "refused" in row.error
    through(server, monkeypatch)
    call_command("sender", once=True)  # not yet: it waits a little
    assert not server.received
    Message.objects.update(due=timezone.now())
    call_command("sender", once=True)
    assert len(server.received) == 1 and Message.objects.get().state == Message.State.SENT


@pytest.mark.django_db(transaction=True)
def test_without_a_gateway_the_message_is_shown_on_the_console(caplog):
    with transaction.atomic():
        api.send("sms", "+22370000001", key="k", text="123456 est votre code")
    with caplog.at_level("INFO", "toguna.channels"):
        call_command("sender", once=True)
    assert Message.objects.get().state == Message.State.SHOWN
    assert "123456" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_sent():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        api.send("sms", "+22370000001", key="k", text="x")
        1 / 0  # noqa: B018
    assert not Message.objects.exists()


def through(server, monkeypatch) -> None:
    port = server.server_address[1]
    monkeypatch.setattr(mail_out, "mail", lambda: {"host": "127.0.0.1", "port": port, "from": "mairie@example.org"})


@pytest.mark.django_db(transaction=True)
def test_a_message_that_could_not_leave_for_days_is_given_up():
    post()
    Message.objects.update(
        created=timezone.now() - timedelta(days=4), due=timezone.now() - timedelta(days=4), error="away"
    )
    assert queue.expire() == 1
    row = Message.objects.get()
    assert (row.state, row.error) == (Message.State.FAILED, "away")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("answer", "state"), [("550 no such person", "failed"), ("451 try later", "queued")])
def test_a_refusal_for_good_is_not_tried_again(server, monkeypatch, answer, state):
    server.answers = {b"RCPT": answer}
    through(server, monkeypatch)
    post()
    call_command("sender", once=True)
    row = Message.objects.get()
    assert row.state == state and answer[:3] in row.error


@pytest.mark.django_db(transaction=True)
def test_a_code_that_comes_too_late_is_not_sent(server, monkeypatch):
    through(server, monkeypatch)
    with transaction.atomic():
        api.send("email", "awa@example.org", key="k", text="123456", lane=Lane.ONE_TIME_CODE)
    Message.objects.update(created=timezone.now() - timedelta(minutes=11))
    call_command("sender", once=True)
    row = Message.objects.get()
    assert not server.received and (row.state, row.text) == (Message.State.FAILED, "")


@pytest.mark.django_db(transaction=True)
def test_mail_of_django_itself_goes_the_same_way(server, monkeypatch):
    through(server, monkeypatch)
    mail.get_connection("toguna.engines.channels.mail.Backend").send_messages(
        [mail.EmailMessage("Été\nBcc: all@example.org", "Corps é", to=["a@example.org", "b@example.org"])]
    )
    call_command("sender", once=True)
    assert Message.objects.filter(state="sent").count() == 2 == len(server.received)
    assert not any("\nBcc" in text for text in server.received)


@pytest.mark.django_db
def test_what_is_typed_cannot_break_the_senders_transaction():
    api.send("email", "a@example.org", key="k", subject="x" * 500 + "\r\nBcc: b@example.org", text="t")
    api.send("sms", "+22370000001", key="s", text="Forêt – 1\u202f000")
    assert len(Message.objects.get(key="k").subject) == 200
    assert Message.objects.get(key="s").text == "Foret - 1 000"
