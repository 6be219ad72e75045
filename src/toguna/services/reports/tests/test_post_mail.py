"""Letters about reports, from the mail server's door to the case: each is taken once, by whom it is for, and none is lost."""

from __future__ import annotations

import os
import smtplib
import threading
from datetime import timedelta
from email import policy
from email.message import EmailMessage

import pytest
from django.contrib.gis.geos import Point
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.channels.models import Incoming, Message, OptOut
from toguna.engines.channels.post import files, keeping, letters, mail_in
from toguna.engines.channels.post.lmtp import Server
from toguna.engines.channels.post.stamps import read_stamp, stamp
from toguna.engines.channels.talk import understanding
from toguna.engines.people import api as people
from toguna.engines.people.erasure import erase
from toguna.engines.people.erasure import export as people_export
from toguna.engines.territory import names
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.access import SYSTEM
from toguna.services.reports import mailbox

AWA = "awa@example.org"


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


def letter(
    text: str,
    *,
    subject: str = "",
    sender: str = f"Awa Diarra <{AWA}>",
    to: str = "mairie@ville.example",
    photos=(),
    **more,
) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, subject
    letter.n += 1
    made["Message-ID"] = more.pop("id", f"<{letter.n}@example.org>")
    for name, value in more.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    for data in photos:
        made.add_attachment(data, maintype="image", subtype="jpeg", filename="photo.jpg")
    return made.as_bytes(policy=policy.SMTP)


letter.n = 0
HOLE = "Bonjour,\nil y a un gros trou sur la route devant l'école Sainte Marie.\nMerci de le réparer."


def take(*args, **more) -> Incoming:
    row = mail_in.take(letter(*args, **more))
    row.refresh_from_db()
    return row


def answer(row: Incoming) -> str:
    return row.answer.text if row.answer else ""


def test_a_letter_becomes_a_report(places, town, picture):
    raw = letter(HOLE, subject="Nid-de-poule", photos=[picture])
    row = mail_in.take(raw)
    assert mail_in.take(raw).pk == row.pk  # the mail server sends it again
    case = cases.Case.objects.get()
    assert (case.topic.slug, case.channel, case.team, case.zone) == ("pothole", "email", town.roads, town.north)
    assert case.point.x == pytest.approx(0.25) and "Merci de le réparer" in case.text
    assert case.photos.count() == 1 and case.code in answer(row)
    assert Message.objects.filter(key=f"incoming:{row.pk}").count() == 1
    assert files.path(row.raw["file"]).read_bytes() == raw
    assert row.raw["attachments"] == [{"name": "photo.jpg", "kind": "image/jpeg", "bytes": len(picture)}]


def test_a_report_without_a_place_is_taken_and_asked_for_it(town):
    row = take("Il y a un trou dans la route près de chez moi", subject="Nid-de-poule")
    case = cases.Case.objects.get()
    assert (
        case.point is None
        and case.topic.slug == "pothole"
        and len(answer(row).splitlines()) == 4
        and cases.key_of(case) in answer(row)
    )


@pytest.fixture
def case(places, town):
    take(HOLE, subject="Nid-de-poule")
    return cases.Case.objects.get()


def steps(case) -> list[tuple[str, str, bool]]:
    return [(s.action, s.text, s.public) for s in cases.Step.objects.filter(case=case).order_by("id")][1:]


def test_the_code_in_the_subject_joins_the_report(case, picture):
    quoted = "\n\nLe lundi 23 novembre 2026 à 09:12, Mairie <m@v> a écrit :\n> Votre code"
    row = take(f"C'est devant la porte bleue.{quoted}", subject=f"RE: reçu {case.code}", photos=[picture])
    assert steps(case)[0] == ("answered", "C'est devant la porte bleue.", case.public)
    assert cases.Case.objects.count() == 1 and case.photos.count() == 1 and case.code in answer(row)


@pytest.mark.parametrize("where", ["In_Reply_To", "References", "to"])
def test_an_answer_finds_its_report_without_a_code(case, where):
    sent = Message.objects.get(key__startswith="incoming:")
    more = (
        {"to": f"mairie+{stamp(sent.pk)}@ville.example"}
        if where == "to"
        else {where: f"<x@y> <{stamp(sent.pk)}@ville.example>"}
    )
    take("Toujours là", subject="Re: bonjour", **more)
    assert [s[:2] for s in steps(case)] == [("answered", "Toujours là")]


def test_a_stamp_that_somebody_made_up_is_nothing(case):
    sent = Message.objects.get(key__startswith="incoming:")
    forged = f"{sent.pk}-{'0' * 12}"
    row = take("Toujours là", subject="Re: bonjour", In_Reply_To=f"<{forged}@ville.example>")
    assert steps(case) == [] and row.state == Incoming.State.PERSON
    assert read_stamp(forged) is None and read_stamp(stamp(7)) == 7 and read_stamp(f"a+{stamp(7)}@b") == 7


def test_from_another_address_it_is_a_note_and_nothing_is_told(case):
    row = take("Fermez ce dossier", subject=case.code, sender="eve@example.org")
    action, words, public = steps(case)[0]
    assert (action, public) == ("noted", False) and "eve@example.org" in words and "Fermez ce dossier" in words
    assert case.code not in answer(row) and "route" not in answer(row)
    assert row.answer.address == "eve@example.org"


def test_a_machine_is_kept_and_never_answered(case):
    before = Message.objects.count()
    for header in ({"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<n.example>"}):
        row = take("Je suis en congé", subject=f"Absence: {case.code}", **header)
        assert row.state == Incoming.State.KEPT and row.text == "Je suis en congé"
    assert Message.objects.count() == before and steps(case) == []


def test_two_machines_fall_silent(town):
    rows = [take(f"xyzzy {n}", sender="robot@example.org") for n in range(mail_in.MOST_ANSWERS + 5)]
    assert sum(bool(r.answer) for r in rows) == mail_in.MOST_ANSWERS
    assert {r.state for r in rows} == {Incoming.State.PERSON}


def test_what_no_service_takes_waits_for_a_person(town):
    row = take(
        "Je voudrais savoir quand se tient le prochain conseil municipal, et si je peux y assister avec ma classe."
    )
    assert row.state == Incoming.State.PERSON and row.answer and not cases.Case.objects.exists()


def test_a_short_letter_is_a_command(case):
    row = take(
        "", subject=f"suivi {case.code}"
    )  # the code alone joins; a subject that is a command has no words to add
    assert row.answer
    row = take("STOP")
    assert row.state == Incoming.State.ANSWERED and OptOut.objects.get().address == AWA and row.answer


def test_a_bounce_marks_the_message(case):
    sent = Message.objects.get(key__startswith="incoming:")
    Message.objects.filter(pk=sent.pk).update(state=Message.State.SENT)
    bounce = (
        "From: MAILER-DAEMON@mx.example\r\nMessage-ID: <{n}@mx>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry\r\n--b\r\n'
        "Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{stamp}@v>\r\n\r\n--b--\r\n"
    )
    for n, (action, mark, state) in enumerate(
        [
            ("delayed", stamp(sent.pk), Message.State.SENT),
            ("failed", f"{sent.pk}-{'0' * 12}", Message.State.SENT),
            ("failed", stamp(sent.pk), Message.State.FAILED),
        ]
    ):
        row = mail_in.take(bounce.format(n=n, to=AWA, action=action, stamp=mark).encode())
        sent.refresh_from_db()
        assert sent.state == state and row.state == Incoming.State.KEPT
    assert "5.1.1" in sent.error


def test_a_service_that_breaks_loses_nothing(town, monkeypatch):
    monkeypatch.setattr(mailbox.sorting, "ranked", lambda words: 1 / 0)
    row = take(HOLE)
    assert row.state == Incoming.State.PERSON and row.text.startswith("Bonjour")


@pytest.fixture
def door(places):
    with Server("127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_over_lmtp(door, monkeypatch):
    with smtplib.LMTP("127.0.0.1", door) as client:
        assert client.ehlo()[0] == 250 and client.has_extn("size")
        refused = client.sendmail(AWA, ["mairie@ville.example"], letter(".\n..\n" + HOLE))
        assert refused == {}
        assert cases.Case.objects.get().text.startswith(".\n..")
        with pytest.raises(smtplib.SMTPSenderRefused) as over:
            client.sendmail(AWA, ["m@v"], b"x" * (letters.LARGEST + 1))
        assert over.value.smtp_code == 552
        client.rset()
        monkeypatch.setattr(mail_in.files, "keep", lambda data: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(smtplib.SMTPDataError) as away:
            client.sendmail(AWA, ["m@v"], letter("encore"))
        assert away.value.smtp_code == 451
    assert Incoming.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_lmtp_is_not_confused(door):
    import socket

    with socket.create_connection(("127.0.0.1", door), timeout=60) as line:
        file = line.makefile("rwb")

        def say(words: bytes) -> bytes:
            file.write(words + b"\r\n")
            file.flush()
            return file.readline()

        assert file.readline().startswith(b"220")
        assert (
            say(b"EHLO x").startswith(b"500")
            and say(b"DATA").startswith(b"503")
            and say(b"\xff\xfe").startswith(b"500")
        )
        assert say(b"MAIL FROM:<a@b> SIZE=99999999999").startswith(b"552") and say(b"RCPT TO:<x@y>").startswith(b"503")
        assert say(b"MAIL FROM:<>").startswith(b"250") and say(b"RCPT TO:<x@y>").startswith(b"250")
        assert say(b"RCPT TO:<z@y>").startswith(b"250")
        assert say(b"DATA").startswith(b"354")
        # A bare line feed ends nothing: what follows is text of the same letter, not a second one.
        assert say(b"From: e@x.org\r\n\r\nun\n.\nMAIL FROM:<z@z>\r\n.").startswith(b"250")
        assert file.readline().startswith(b"250")  # one answer for each recipient
        assert say(b"QUIT").startswith(b"221")
    row = Incoming.objects.get()
    assert "MAIL FROM" in row.text and row.state == Incoming.State.KEPT  # an empty envelope sender: a machine


def test_a_file_is_saved_by_whoever_may_answer_and_by_nobody_else(town, hire):
    made = EmailMessage()
    made["From"], made["Message-ID"] = AWA, "<f@x>"
    made.set_content("Veuillez trouver ci-joint ma demande au sujet du conseil municipal de la semaine prochaine.")
    made.add_attachment(b"<script>alert(1)</script>", maintype="text", subtype="html", filename="../d\u00e9.html")
    row = mail_in.take(made.as_bytes())
    path = reverse("letter-file", args=[row.pk, 0])
    answer = hire("agent", service="channels").get(path)
    assert answer.content == b"<script>alert(1)</script>" and answer["Content-Type"] == "application/octet-stream"
    assert (
        answer["Content-Disposition"].startswith("attachment")
        and "/" not in answer["Content-Disposition"].split("''")[-1]
    )
    assert "sandbox" in answer["Content-Security-Policy"]
    for client in (Client(), hire("reader", service="channels"), hire("agent", service="channels", factor=False)):
        assert client.get(path).status_code in (302, 403)
    assert hire("agent", service="channels").get(reverse("letter-file", args=[row.pk, 1])).status_code == 404


def test_erasing_somebody_erases_their_letters(case, django_capture_on_commit_callbacks):
    [row] = Incoming.objects.all()
    person = people.known_at(AWA)
    assert people_export(person)["letters"][0]["text"].startswith("Bonjour")
    with django_capture_on_commit_callbacks(execute=True):
        erase(person, by=SYSTEM)
    assert not Incoming.objects.exists() and not files.path(row.raw["file"]).exists()


def test_letters_are_kept_for_a_while(case):
    [row] = Incoming.objects.all()
    place = files.path(row.raw["file"])
    long_ago = timezone.now() - timedelta(seconds=files.KEEP + 100)
    os.utime(place, (long_ago.timestamp(),) * 2)
    Incoming.objects.update(at=long_ago, state=Incoming.State.PERSON)
    keeping.forget_old()
    assert place.exists() and Incoming.objects.exists()  # somebody still has to answer it
    Incoming.objects.update(state=Incoming.State.ANSWERED)
    keeping.forget_old()
    assert not place.exists() and not Incoming.objects.exists()
