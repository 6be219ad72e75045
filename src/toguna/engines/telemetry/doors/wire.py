"""What of MQTT 3.1.1 a subscriber at QoS 1 speaks: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html

A library that any client can use spends nine times as much on each message, in reads of one byte and in calls, a third of all that taking it
costs. Here what the socket has is cut into messages in one go. Nothing is acknowledged but by `acknowledge`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = (n << 4 for n in (1, 2, 3, 4, 8, 9, 12, 14))
KEEP = 30  # seconds: the broker hears from us within that, and we from it within twice that
ANSWER = 10.0  # seconds for the broker to let us in
PAUSED = 4_000_000  # bytes that wait in memory: beyond, nothing is read from the socket


class Refused(OSError):
    """The broker did not let us in, or spoke something else."""


class Publish(NamedTuple):
    """number: what it is acknowledged by; 0 where nothing is to be acknowledged."""

    topic: str
    body: bytes
    number: int
    kept: bool


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind: int, body: bytes) -> bytes:
    length, size = len(body), bytearray()
    while True:
        length, seven = divmod(length, 128)
        size.append(seven | 0x80 if length else seven)
        if not length:
            return bytes((kind,)) + bytes(size) + body


def _length(data: bytes, at: int) -> tuple[int, int] | None:
    """(length of what follows, where that begins); None: more has to come. Raises IndexError when it is none."""
    length = 0
    for place, seven in enumerate(data[at : at + 4]):
        length |= (seven & 0x7F) << 7 * place
        if seven < 0x80:
            return length, at + place + 1
    if len(data) >= at + 4:
        raise IndexError("no length")
    return None


class Subscriber(asyncio.Protocol):
    """One connection. A session of its own at the broker (`name`), which keeps what comes while we are away."""

    def __init__(self, name: str, user: str, password: str, topic: str) -> None:
        flags = 0xC0  # user name, password, and not a clean session
        self._connect = packet(
            CONNECT,
            _text("MQTT") + bytes((4, flags)) + struct.pack(">H", KEEP) + _text(name) + _text(user) + _text(password),
        )
        self._subscribe = packet(SUBSCRIBE | 2, struct.pack(">H", 1) + _text(topic) + b"\x01")
        self._transport: asyncio.Transport | None = None
        self._rest, self._come, self._size = b"", list[Publish](), 0
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._news, self.ended, self._refused = asyncio.Event(), False, False
        self._heard = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    # From the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._connect)
        self._later()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._to_the_end()
        if not self._ready.done():
            self._ready.set_exception(exc or Refused("MQTT: the broker closed"))
        self._news.set()

    def _to_the_end(self) -> None:
        """Mosquitto hands us a message before it acknowledges it to the device. So when it dies, what it wrote is read to its end: an
        acknowledgement that could not be written any more has closed the connection before all was read."""
        if self._transport is not None and not self._refused:
            socket = self._transport.get_extra_info("socket").fileno()
            with contextlib.suppress(OSError):
                while data := os.read(socket, 1 << 18):
                    self.data_received(data)

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            self._cut(self._rest + data if self._rest else data)
        except (IndexError, struct.error, UnicodeDecodeError) as error:
            self._refuse(f"MQTT: {error}")
        if self._come:
            self._news.set()
            if self._size > PAUSED and self._transport is not None:
                self._transport.pause_reading()

    def _cut(self, data: bytes) -> None:
        at, end, come = 0, len(data), self._come
        while end - at >= 2:
            kind, length, start = data[at], data[at + 1], at + 2
            if length & 0x80:
                found = _length(data, at + 1)
                if found is None:
                    break
                length, start = found
            stop = start + length
            if stop > end:
                break
            if kind & 0xF0 == PUBLISH:
                body, number = start + 2 + (data[start] << 8 | data[start + 1]), 0
                topic = data[start + 2 : body].decode()
                if kind & 6:
                    number, body = data[body] << 8 | data[body + 1], body + 2
                come.append(Publish(topic, data[body:stop], number, bool(kind & 1)))
                self._size += length
            else:
                self._other(kind & 0xF0, data[start:stop])
            at = stop
        self._rest = data[at:]

    def _other(self, kind: int, body: bytes) -> None:
        assert self._transport is not None
        if kind == CONNACK:
            if body[1]:
                self._refuse(f"MQTT: refused, {body[1]}")
                return
            # What a session of before has waiting comes now, before the answer to this: nobody waits for that one.
            self._transport.write(self._subscribe)
            if not self._ready.done():
                self._ready.set_result(None)
        elif kind == SUBACK and body[2] > 1:
            self._refuse("MQTT: no right to read")

    def _refuse(self, why: str) -> None:
        self._refused = True
        if not self._ready.done():
            self._ready.set_exception(Refused(why))
        if self._transport is not None:
            self._transport.abort()

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(KEEP / 2, self._beat)

    def _beat(self) -> None:
        """Says that we are there; ends a connection at whose other end nobody is."""
        assert self._transport is not None
        if self._transport.is_reading() and time.monotonic() - self._heard > 2 * KEEP:
            self._transport.abort()
            return
        self._transport.write(packet(PINGREQ, b""))
        self._later()

    # For who reads

    async def ready(self) -> None:
        """Raises OSError when we are not let in."""
        try:
            await asyncio.wait_for(self._ready, ANSWER)
        except TimeoutError as error:
            raise Refused("MQTT: no answer") from error

    async def come(self) -> list[Publish]:
        """All that came; nothing, when the connection has ended and all was taken."""
        while not self._come and not self.ended:
            self._news.clear()
            await self._news.wait()
        come, self._come, self._size = self._come, [], 0
        if self._transport is not None and not self.ended:
            self._transport.resume_reading()
        return come

    def acknowledge(self, come: Sequence[Publish]) -> None:
        if self._transport is not None and not self.ended:
            self._transport.write(b"".join(struct.pack(">BBH", PUBACK, 2, one.number) for one in come if one.number))

    def close(self) -> None:
        if self._transport is not None and not self.ended:
            self._transport.write(packet(DISCONNECT, b""))
            self._transport.close()
