"""An operator's message centre, as far as SMPP 3.4 is used between it and a town: bind, submit, delivery reports, what people
write, UCS-2, parts. https://smpp.org/SMPP_v3_4_Issue1_2.pdf, sections 4 and 5, appendix B."""

from __future__ import annotations

import itertools
import socket
import socketserver
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER = 0x1, 0x2, 0x9
SUBMIT, DELIVER, UNBIND, ENQUIRE, RESPONSE = 0x4, 0x5, 0x6, 0x15, 0x8000_0000
THROTTLED = 0x58


@dataclass
class Submitted:
    """One part as it came. text: decoded; udh: its header when it is a part of a longer one."""

    to: str
    sender: str
    text: str
    coding: int
    udh: bytes
    id: str
    wants_report: bool


@dataclass
class Operator:
    """Listens on loopback. reports: whether delivery reports are sent at once ("DELIVRD"...), "" for none; throttle: how many
    of the next submissions are refused with "too fast"."""

    port: int = 0
    system_id: str = "mairie"
    password: str = "secret"  # noqa: S105
    reports: str = "DELIVRD"
    throttle: int = 0
    submitted: list[Submitted] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._number, self._sequence, self._lock = itertools.count(1), itertools.count(1), threading.Lock()
        operator = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                operator._talk(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self.connections:
            connection.close()

    # ------------------------------------------------------------------ what people do

    def write(self, sender: str, to: str, text: str) -> None:
        """Somebody writes: in GSM's alphabet where it is ASCII, else UCS-2, in parts when it is long."""
        plain = text.isascii()
        data, coding = (text.encode("ascii"), 0) if plain else (text.encode("utf-16-be"), 8)
        most, each = (160, 153) if plain else (140, 134)
        if len(data) <= most:
            self._deliver(sender, to, data, coding, 0)
            return
        pieces = [data[start : start + each] for start in range(0, len(data), each)]
        mark = next(self._number) % 256
        for number, piece in enumerate(pieces, 1):
            self._deliver(sender, to, bytes([5, 0, 3, mark, len(pieces), number]) + piece, coding, 0x40)

    def report(self, message: Submitted, state: str) -> None:
        """A delivery report, as in appendix B."""
        now = time.strftime("%y%m%d%H%M")
        done = "001" if state == "DELIVRD" else "000"
        text = f"id:{message.id} sub:001 dlvrd:{done} submit date:{now} done date:{now} stat:{state} err:000 text:"
        self._deliver(message.to, message.sender, text.encode(), 0, 0x04)

    def _deliver(self, sender: str, to: str, data: bytes, coding: int, esm: int) -> None:
        body = (
            b"\0" + bytes([1, 1]) + sender.lstrip("+").encode() + b"\0" + bytes([0, 1]) + to.lstrip("+").encode() + b"\0"
            + bytes([esm, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(data)]) + data
        )  # fmt: skip
        if not self.connections:
            raise ConnectionError("nobody is bound")
        self._send(self.connections[-1], DELIVER, 0, next(self._sequence), body)

    # ------------------------------------------------------------------ the wire

    def _send(self, connection: socket.socket, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        with self._lock:
            connection.sendall(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)

    def _talk(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while len(head := stream.read(16)) == 16:
            length, command, _status, sequence = struct.unpack(">IIII", head)
            body = stream.read(length - 16)
            if command in (BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER):
                name, word = body.split(b"\0")[:2]
                good = (name.decode(), word.decode()) == (self.system_id, self.password)
                self._send(connection, command | RESPONSE, 0 if good else 0x0E, sequence, b"toguna-sim\0")
                if good and command != BIND_TRANSMITTER:
                    self.connections.append(connection)
            elif command == SUBMIT:
                self._submit(connection, sequence, body)
            elif command == UNBIND:
                self._send(connection, UNBIND | RESPONSE, 0, sequence)
                break
            elif command == ENQUIRE:
                self._send(connection, ENQUIRE | RESPONSE, 0, sequence)
        if connection in self.connections:
            self.connections.remove(connection)

    def _submit(self, connection: socket.socket, sequence: int, body: bytes) -> None:
        if self.throttle > 0:
            self.throttle -= 1
            self._send(connection, SUBMIT | RESPONSE, THROTTLED, sequence, b"\0")
            return
        read = _Reader(body)
        read.text()  # service type
        read.bytes(2)
        sender = read.text()
        read.bytes(2)
        to = read.text()
        esm, _protocol, _priority = read.bytes(3)
        read.text(), read.text()  # when, until
        wants, _replace, coding, _default, size = read.bytes(5)
        data, udh = read.bytes(size), b""
        if esm & 0x40:
            udh, data = data[: data[0] + 1], data[data[0] + 1 :]
        text = data.decode("utf-16-be") if coding == 8 else data.decode("latin-1")
        message = Submitted(to.lstrip("+"), sender, text, coding, udh, f"{next(self._number):x}", bool(wants & 3))
        self.submitted.append(message)
        self._send(connection, SUBMIT | RESPONSE, 0, sequence, message.id.encode() + b"\0")
        if self.reports and message.wants_report:
            self.report(message, self.reports)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def text(self) -> str:
        found, _zero, self._data = self._data.partition(b"\0")
        return found.decode("latin-1")

    def bytes(self, count: int) -> Any:
        found, self._data = self._data[:count], self._data[count:]
        return found
