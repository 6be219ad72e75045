"""A message is written down with what it is about, and sent once, whatever happens to the mail server."""

import smtplib
import socketserver
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.channels import api, sending
from toguna.engines.channels.models import Message
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


def through(server, monkeypatch) -> None:
    port = server.server_address[1]
    monkeypatch.setattr(sending, "mail", lambda: {"host": "127.0.0.1", "port": port, "from": "mairie@example.org"})


@pytest.mark.django_db(transaction=True)
def test_a_message_whose_job_gave_up_is_queued_again_until_it_is_too_old(server, monkeypatch):
    monkeypatch.setattr(sending, "mail", lambda: {"host": "127.0.0.1", "port": 1, "from": "mairie@example.org"})
    post()
    row = Message.objects.get()
    with pytest.raises(OSError):
        sending.deliver.func(message=row.pk)
    row.refresh_from_db()
    assert (row.state, row.tries) == (Message.State.QUEUED, 1) and "refused" in row.error
    finish_jobs()
    Message.objects.update(created=timezone.now() - timedelta(hours=1))
    through(server, monkeypatch)
    sending.requeue()
    sending.requeue()  # its job is there already
    call_command("worker", once=True)
    assert len(server.received) == 1 and Message.objects.get().state == Message.State.SENT
    Message.objects.update(state="queued", created=timezone.now() - timedelta(days=4), error="the server was away")
    sending.requeue()
    call_command("worker", once=True)
    row.refresh_from_db()
    assert len(server.received) == 1 and (row.state, row.error) == (Message.State.FAILED, "the server was away")


def finish_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("answer", "state"), [("550 no such person", "failed"), ("451 try later", "queued")])
def test_a_refusal_for_good_is_not_tried_again(server, monkeypatch, answer, state):
    server.answers = {b"RCPT": answer}
    through(server, monkeypatch)
    post()
    try:
        sending.deliver.func(message=Message.objects.get().pk)
    except smtplib.SMTPException:
        assert state == "queued"
    row = Message.objects.get()
    assert row.state == state and answer[:3] in row.error


@pytest.mark.django_db(transaction=True)
def test_a_code_that_comes_too_late_is_not_sent(server, monkeypatch):
    through(server, monkeypatch)
    with transaction.atomic():
        api.send("email", "awa@example.org", key="k", text="123456", lane=Lane.ONE_TIME_CODE)
    Message.objects.update(created=timezone.now() - timedelta(minutes=11))
    call_command("worker", once=True)
    row = Message.objects.get()
    assert not server.received and (row.state, row.text) == (Message.State.FAILED, "")


@pytest.mark.django_db(transaction=True)
def test_mail_of_django_itself_goes_the_same_way(server, monkeypatch):
    through(server, monkeypatch)
    mail.get_connection("toguna.engines.channels.mail.Backend").send_messages(
        [mail.EmailMessage("Été\nBcc: all@example.org", "Corps é", to=["a@example.org", "b@example.org"])]
    )
    call_command("worker", once=True)
    assert Message.objects.filter(state="sent").count() == 2 == len(server.received)
    assert not any("\nBcc" in text for text in server.received)


@pytest.mark.django_db
def test_what_is_typed_cannot_break_the_senders_transaction():
    api.send("email", "a@example.org", key="k", subject="x" * 500 + "\r\nBcc: b@example.org", text="t")
    api.send("sms", "+22370000001", key="s", text="Forêt – 1\u202f000")
    assert len(Message.objects.get(key="k").subject) == 200
    assert Message.objects.get(key="s").text == "Foret - 1 000"
