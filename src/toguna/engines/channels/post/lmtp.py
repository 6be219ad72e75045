"""Letters from the town's mail server, over LMTP (RFC 2033): what is answered with 250 is on the disk and in the database; what
is not, the mail server keeps and tries again.

On the standard library: the server of aiosmtpd answers once for all recipients, where LMTP wants one answer for each, and runs
on an event loop that the database connection does not share. Who may send what (SPF, DKIM, DMARC, spam) is for the mail server
that stands before: this one listens on the machine itself.
"""

from __future__ import annotations

import logging
import re
import socketserver
import threading
from typing import Any

from django.db import connections

from toguna.engines.channels.post import letters
from toguna.engines.channels.post.mail_in import take

log = logging.getLogger("toguna.channels")

MOST_RECIPIENTS = 50
MOST_AT_ONCE = 16
LONGEST_LINE = 65_536
WAITS = 300  # seconds for the next line (RFC 5321 § 4.5.3.2)


class Session(socketserver.StreamRequestHandler):
    timeout = WAITS
    server: Server

    def handle(self) -> None:
        if not self.server.room.acquire(blocking=False):
            self._say("421 4.3.2 busy, come back later")
            return
        try:
            self._talk()
        except (OSError, EOFError):
            return  # the other side went away: it has no 250 and tries again
        finally:
            self.server.room.release()
            connections.close_all()

    def _talk(self) -> None:
        self._say("220 Toguna LMTP")
        sender: str | None = None
        to: list[str] = []
        while line := self.rfile.readline(LONGEST_LINE):
            verb, _space, rest = line.decode("utf-8", "replace").strip().partition(" ")
            match verb.upper():
                case "LHLO":
                    self._say(
                        f"250-Toguna\r\n250-SIZE {letters.LARGEST}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n"
                        "250 ENHANCEDSTATUSCODES"
                    )
                case "MAIL":
                    size = re.search(r"\bSIZE=(\d{1,15})\b", rest, re.I)
                    if (found := re.match(r"FROM:\s*<([^<>]*)>", rest, re.I)) is None:
                        self._say("501 5.5.4 MAIL FROM:<address>")
                    elif size and int(size.group(1)) > letters.LARGEST:
                        self._say(f"552 5.3.4 {letters.LARGEST} bytes at most")
                    else:
                        sender, to = found.group(1)[:254], []
                        self._say("250 2.1.0 fine")
                case "RCPT":
                    if sender is None:
                        self._say("503 5.5.1 MAIL first")
                    elif (found := re.match(r"TO:\s*<([^<>\s]+)>", rest, re.I)) is None:
                        self._say("501 5.5.4 RCPT TO:<address>")
                    elif len(to) >= MOST_RECIPIENTS:
                        self._say("452 4.5.3 too many recipients")
                    else:
                        to.append(found.group(1)[:254])
                        self._say("250 2.1.5 fine")
                case "DATA":
                    if sender is None or not to:
                        self._say("503 5.5.1 no recipient")
                        continue
                    self._say("354 go on, end with .")
                    body = self._body()
                    answer = self._take(body, sender, tuple(to))
                    for _recipient in to:
                        self._say(answer)
                    sender, to = None, []
                case "RSET":
                    sender, to = None, []
                    self._say("250 2.0.0 fine")
                case "NOOP":
                    self._say("250 2.0.0 fine")
                case "QUIT":
                    self._say("221 2.0.0 goodbye")
                    return
                case "HELO" | "EHLO":
                    self._say("500 5.5.1 this is LMTP: LHLO")
                case _:
                    self._say("500 5.5.2 unknown")

    def _take(self, body: bytes, sender: str, to: tuple[str, ...]) -> str:
        if len(body) > letters.LARGEST:
            return f"552 5.3.4 {letters.LARGEST} bytes at most"
        try:
            row = take(body, envelope_sender=sender, envelope_to=to)
        except Exception:  # the database or the disk is away: the mail server keeps the letter
            log.exception("a letter could not be kept")
            return "451 4.3.0 cannot keep it now, come back later"
        return f"250 2.0.0 kept as {row.pk}"

    def _body(self) -> bytes:
        """The letter, without the dots that were added to it. One that is too large is read to its end and not kept. Only a
        dot between two CRLF ends it: a bare line feed must not let one letter smuggle in another."""
        body = bytearray()
        ended = b"\r\n"
        while True:
            line = self.rfile.readline(LONGEST_LINE)
            if not line:
                raise EOFError
            if ended.endswith(b"\r\n"):
                if line == b".\r\n":
                    return bytes(body)
                if line.startswith(b"."):
                    line = line[1:]
            ended = (ended + line)[-2:]
            if len(body) <= letters.LARGEST:
                body += line

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int) -> None:
        self.room = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__((host, port), Session)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.exception("LMTP session")
