"""A mailbox elsewhere: its unread letters are taken once, and marked only when they are kept."""

from __future__ import annotations

import re
import socketserver
import threading

import pytest

from toguna.engines.channels.models import Incoming
from toguna.engines.channels.post import files, imap, letters

pytestmark = pytest.mark.django_db


class Session(socketserver.StreamRequestHandler):
    """As much of IMAP4rev1 as imaplib asks."""

    def handle(self) -> None:
        box = self.server
        self._say(b"* OK IMAP4rev1 here")
        while line := self.rfile.readline().decode().strip():
            tag, _space, rest = line.partition(" ")
            verb = rest.upper()
            if verb.startswith("CAPABILITY"):
                self._say(b"* CAPABILITY IMAP4REV1")
            elif verb.startswith("LOGIN") and '"right"' not in rest:
                self._say(f"{tag} NO wrong password".encode())
                continue
            elif verb.startswith("SELECT"):
                self._say(f"* {len(box.letters)} EXISTS".encode())
            elif verb.startswith("UID SEARCH UNSEEN"):
                unseen = [str(n) for n in sorted(box.letters) if r"\Seen" not in box.flags[n]]
                self._say(f"* SEARCH {' '.join(unseen)}".encode())
            elif found := re.match(r"UID FETCH (\d+) \((.+)\)", rest):
                number, what = int(found.group(1)), found.group(2)
                raw = box.letters[number]
                if what == "RFC822.SIZE":
                    self._say(f"* {number} FETCH (UID {number} RFC822.SIZE {box.sizes.get(number, len(raw))})".encode())
                else:
                    self.wfile.write(
                        f"* {number} FETCH (UID {number} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
                    )
            elif found := re.match(r"UID STORE (\d+) \+FLAGS \((.+)\)", rest):
                box.flags[int(found.group(1))] |= set(found.group(2).split())
            elif verb.startswith("LOGOUT"):
                self._say(b"* BYE")
            self._say(f"{tag} OK done".encode())
            if verb.startswith("LOGOUT"):
                return

    def _say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


def letter(n: int) -> bytes:
    return (
        f"From: awa@example.org\r\nMessage-ID: <{n}@example.org>\r\nSubject: Conseil {n}\r\n\r\n"
        "Quand se tient le prochain conseil municipal, et comment peut-on y assister ?\r\n"
    ).encode()


@pytest.fixture
def box(monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.letters = {4: letter(4), 7: letter(7)}
        server.flags = {4: set(), 7: set()}
        server.sizes = {}
        given = {
            "imap": "127.0.0.1",
            "port": server.server_address[1],
            "ssl": False,
            "username": "m",
            "password": "right",
        }
        monkeypatch.setattr(imap, "section", lambda name: given if name == "mail_in" else {})
        server.given = given
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_unread_letters_are_taken_once(box):
    assert imap.poll() == 2 and imap.poll() == 0
    assert [r.subject for r in Incoming.objects.order_by("id")] == ["Conseil 4", "Conseil 7"]
    box.flags[4].clear()  # somebody marks it as unread: it is known by its Message-ID
    assert imap.poll() == 1 and Incoming.objects.count() == 2


def test_one_that_cannot_be_kept_stays_unread(box, monkeypatch):
    monkeypatch.setattr(files, "keep", lambda data: (_ for _ in ()).throw(OSError("disk full")))
    imap.poll_quietly()
    assert box.flags == {4: set(), 7: set()} and not Incoming.objects.exists()
    monkeypatch.undo()


def test_one_that_is_too_large_stays_there_for_somebody(box):
    box.sizes[4] = letters.LARGEST + 1
    assert imap.poll() == 1
    assert box.flags == {4: {r"\Seen", r"\Flagged"}, 7: {r"\Seen"}}


def test_a_mailbox_that_is_away_breaks_nothing(box, caplog):
    box.given["password"] = "wrong"
    imap.poll_quietly()
    assert "mail_in" in caplog.text and "wrong password" in caplog.text and '"wrong"' not in caplog.text
    box.given["port"] = 1
    imap.poll_quietly()
    assert not Incoming.objects.exists()
