"""Letters are read without trust: what is new in them is found, and nothing that is sent breaks the reader."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.channels.post import letters

HEAD = b"From: Awa Diarra <Awa@Example.org>\r\nTo: mairie@ville.example\r\nMessage-ID: <1@a>\r\n"


def test_a_plain_letter():
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Awa Diarra <Awa@Example.org>", "mairie@ville.example", "Trou à l'école"
    made["Message-ID"], made["In-Reply-To"] = "<x@y>", "<81-abc@ville.example>"
    made.set_content("Bonjour,\nun gros trou.\n\n-- \nAwa\n+223 70")
    made.add_attachment(
        b"\xff\xd8\xff\xe0" + b"0" * 50, maintype="application", subtype="pdf", filename="../../é t.pdf"
    )
    letter = letters.read(made.as_bytes())
    assert (letter.sender, letter.name, letter.id) == ("awa@example.org", "Awa Diarra", "x@y")
    assert letter.subject == "Trou à l'école" and letter.text == "Bonjour,\nun gros trou."
    assert letter.references == ("81-abc@ville.example",) and letter.automatic == "" and letter.bounce is None
    [file] = letter.attachments
    assert file.picture and "/" not in file.name and file.name.endswith(".pdf")  # its bytes say what it is


@pytest.mark.parametrize(
    ("charset", "head", "body"),
    [
        ("utf-8", "utf-8", "Où est l’école ?"),
        ("iso-8859-1", "iso-8859-1", "Où est l'école ?"),
        ("windows-1252", "windows-1252", "Où est l’école ?"),
        ("utf-16", "utf-16", "Où est l’école ?"),
        ("utf-8", "klingon", "Où est l’école ?"),
        ("cp1252", "utf-8", "Où est l’école ?"),  # it lies
        ("utf-8", "base64", "Où est l’école ?"),  # a codec of Python that is no alphabet
    ],
)
def test_alphabets(charset, head, body):
    encoded = base64.encodebytes(body.encode(charset))
    raw = (
        HEAD
        + f'Content-Type: text/plain; charset="{head}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'.encode()
        + encoded
    )
    assert letters.read(raw).text == body


@pytest.mark.parametrize(
    "quoted",
    [
        "Le lun. 23 nov. 2026 à 09:12, Mairie <mairie@ville.example> a écrit :\n> Votre code",
        "Le lun. 23 nov. 2026 à 09:12, Mairie de Soundiakoura <mairie@ville.example>\na écrit :\n\n> Votre code",
        "On Mon, 23 Nov 2026 at 09:12, Town <mairie@ville.example> wrote:\n> Your code",
        "Em seg., 23 de nov. de 2026 às 09:12, Câmara <c@ville.example> escreveu:\n> O seu código",
        "-----Message d'origine-----\nDe : Mairie\nEnvoyé : lundi\nVotre code",
        "________________________________\nDe : Mairie <m@v>\nEnvoyé : lundi\n",
        "De : Mairie <m@v>\nEnvoyé : lundi 23 novembre 2026\nÀ : Awa\nObjet : Reçu\n\nVotre code",
        "Envoyé de mon iPhone",
        "Enviado do meu telemóvel",
        "-- \nAwa Diarra",
        "> Votre code\n> est K7M4XZ",
    ],
)
def test_what_was_said_before_is_cut_off(quoted):
    assert letters.newest(f"C'est revenu.\r\nDe nouveau.\r\n\r\n{quoted}") == "C'est revenu.\nDe nouveau."


def test_an_answer_below_what_it_answers():
    assert letters.newest("On Mon, Town <m@v> wrote:\n> Is it solved?\n> Tell us\n\nNo, it is not.") == "No, it is not."


def test_html_alone():
    page = (
        "<html><head><style>p{}</style><title>x</title></head><body><p>Un gros&nbsp;trou<br>devant l&#39;école</p>"
        "<script>alert(1)</script><ul><li>un<li>deux</ul><div class='gmail_quote'>Le lundi<blockquote>vieux</blockquote></div></body>"
    )
    raw = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page.encode()
    assert letters.read(raw).text == "Un gros trou\ndevant l'école\n\nun\ndeux"


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "List-Id: <news.example.org>",
        "X-Spam-Flag: YES",
        "Return-Path: <>",
        "\r\n".join(["Received: from a by b"] * 51),
    ],
)
def test_machines_are_known(header):
    assert letters.read(HEAD + header.encode() + b"\r\n\r\nI am away").automatic
    assert not letters.read(HEAD + b"Auto-Submitted: no\r\n\r\nHello").automatic


def test_a_delivery_report():
    raw = (
        b"From: Mail Delivery <MAILER-DAEMON@mx.example>\r\nMessage-ID: <b@mx>\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n'
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; Awa@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such\r\n user here\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        b"Message-ID: <81-3fa9c2d41bd0@ville.example>\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    bounce = letters.read(raw).bounce
    assert bounce == letters.Bounce(
        "81-3fa9c2d41bd0@ville.example", "awa@example.org", "5.1.1 550 5.1.1 no such user here", True
    )


def test_parts_within_parts_without_end():
    raw = HEAD
    for n in range(3000):
        raw += f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode()
    letter = letters.read(raw + b"\r\nend")
    assert letter.sender == "awa@example.org"


_LINES = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"From: =?utf-8?B?w6k=?= <a@b.c>", b"From: <<>@@>", b"From: a@b.c, d@e.f", b"Subject: =?utf-8?Q?=FF=FE?=",
                b"Subject: =?unknown?X?x?=", b'Content-Type: multipart/mixed; boundary="x"', b"--x", b"--x--", b"",
                b"Content-Type: text/html; charset=utf-7", b"Content-Transfer-Encoding: base64", b"Content-Type: ;;;=",
                b"Content-Type: message/rfc822", b"Content-Type: multipart/report", b"Content-Type: message/delivery-status",
                b"Content-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=x", b"Content-Disposition: \xff",
                b"Message-ID: <\xff@x>", b"To: =?x", b"References: <a> <b> <c", b"Content-Transfer-Encoding: x-uuencode",
                b"begin 644 x", b"Content-Type: text/plain; charset*=''", b"<blockquote><p></blockquote><script>",
            ]
        ),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=300)
@given(_LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_whatever_is_sent_is_read(lines, end):
    letter = letters.read(end.join(lines))
    whole = "".join(
        [letter.id, letter.sender, letter.name, letter.subject, letter.text, *letter.to, *letter.references]
    )
    whole.encode("utf-8")  # it can be stored
    assert "\x00" not in whole and letter.id
