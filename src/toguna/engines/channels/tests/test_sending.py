"""A message is written down with what it is about, and sent once, whatever happens to the mail server."""

import socketserver
import threading

import pytest
from django.core.management import call_command
from django.db import transaction

from toguna.engines.channels import api, sending
from toguna.engines.channels.models import Message


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
                say("250 fine")


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
        sending, "mail", lambda: {"host": "127.0.0.1", "port": server.server_address[1], "from": "mairie@example.org"}
    )
    post()
    post()
    call_command("worker", once=True)
    sending.deliver.func(message=Message.objects.get().pk)  # the job, repeated
    assert len(server.received) == 1
    assert "To: awa@example.org" in server.received[0] and "case.opened:1:email@example.org" in server.received[0]
    assert Message.objects.get().state == Message.State.SENT


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_away_loses_nothing(server, monkeypatch):
    monkeypatch.setattr(sending, "mail", lambda: {"host": "127.0.0.1", "port": 1, "from": "mairie@example.org"})
    post()
    row = Message.objects.get()
    with pytest.raises(OSError):
        sending.deliver.func(message=row.pk)
    assert Message.objects.get().state == Message.State.QUEUED
    monkeypatch.setattr(
        sending, "mail", lambda: {"host": "127.0.0.1", "port": server.server_address[1], "from": "mairie@example.org"}
    )
    sending.deliver.func(message=row.pk)
    assert len(server.received) == 1


@pytest.mark.django_db(transaction=True)
def test_without_a_gateway_the_message_is_shown_on_the_console(caplog):
    with transaction.atomic():
        api.send("sms", "+22370000001", key="k", text="123456 est votre code")
    with caplog.at_level("INFO", "toguna.channels"):
        call_command("worker", once=True)
    assert Message.objects.get().state == Message.State.SHOWN
    assert "123456" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_sent():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        api.send("sms", "+22370000001", key="k", text="x")
        1 / 0  # noqa: B018
    assert not Message.objects.exists()
