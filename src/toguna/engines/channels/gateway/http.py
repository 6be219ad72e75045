"""Requests to other people's servers, by connections that are kept: what is certain about a failure, and what is not."""

from __future__ import annotations

import http.client
import json
import select
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toguna.engines.channels.gateway.media import Busy, Doubtful

TIMEOUT = 20.0  # seconds
IDLE = 30.0  # seconds after which a connection is made anew: the other side may be closing it
LARGEST = 200_000  # bytes of an answer

_local = threading.local()
_tls = ssl.create_default_context()


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    retry_after: float | None = None

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def words(self) -> str:
        return f"{self.status} {self.body[:200].decode(errors='replace').strip()}"


def call(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Answer:
    """One request. Raises Busy when it certainly did not reach the other side, Doubtful when nobody knows.

    A request is never repeated here: it might be done twice."""
    parts = urlsplit(url)
    place = (parts.scheme, parts.netloc)
    connection = _kept(place, timeout)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        if connection.sock is None:
            connection.connect()
    except OSError as error:
        _forget(place)
        raise Busy(f"{parts.netloc} does not answer: {error}") from error
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        with connection.getresponse() as response:
            answer = Answer(response.status, response.read(LARGEST), _seconds(response.getheader("Retry-After")))
            if not response.isclosed():  # more than we read: the rest would be taken for the next answer
                _forget(place)
    except (OSError, http.client.HTTPException) as error:
        _forget(place)
        raise Doubtful(f"{parts.netloc}: {type(error).__name__} {error}".strip()) from error
    return answer


def _kept(place: tuple[str, str], timeout: float) -> http.client.HTTPConnection:
    """This thread's connection to there, if it is alive."""
    pool: dict[tuple[str, str], tuple[http.client.HTTPConnection, float]] = _local.__dict__.setdefault("pool", {})
    connection, used = pool.get(place, (None, 0.0))
    now = time.monotonic()
    if connection is not None and connection.sock is not None:
        closed = now - used > IDLE or bool(select.select([connection.sock], [], [], 0)[0])
        if not closed:
            pool[place] = (connection, now)
            return connection
        connection.close()
    if place[0] == "https":
        connection = http.client.HTTPSConnection(place[1], timeout=timeout, context=_tls)
    else:
        connection = http.client.HTTPConnection(place[1], timeout=timeout)
    pool[place] = (connection, now)
    return connection


def _forget(place: tuple[str, str]) -> None:
    connection, _used = _local.pool.pop(place, (None, 0.0))
    if connection is not None:
        connection.close()


def _seconds(given: str | None) -> float | None:
    return float(given) if given is not None and given.strip().isdigit() else None
