"""Requests to providers: what is certain about a failure, and what is not. Nothing is ever repeated here."""

from __future__ import annotations

import base64
import contextvars
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toguna.engines.ledger.providers.port import NotSent, Refused, Unknown

TIMEOUT = 20.0  # seconds
LARGEST = 200_000  # bytes of an answer
_tls = ssl.create_default_context()


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object that was sent; empty for anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def words(self) -> str:
        return f"{self.status} {self.body[:300].decode(errors='replace').strip()}"


@dataclass(frozen=True)
class Exchange:
    """What was said and answered, for the raw record: never a header, for that is where the keys are."""

    line: str
    sent: bytes
    status: int
    answered: bytes


_heard: contextvars.ContextVar[list[Exchange] | None] = contextvars.ContextVar("heard", default=None)


@contextmanager
def recorded() -> Iterator[list[Exchange]]:
    """All that is said within, tokens apart."""
    kept: list[Exchange] = []
    mark = _heard.set(kept)
    try:
        yield kept
    finally:
        _heard.reset(mark)


def call(
    method: str, url: str, *, data: Any = None, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One request. data: an object for a JSON body. Raises NotSent when it certainly did not arrive, Unknown when nobody knows."""
    parts = urlsplit(url)
    # Providers' firewalls refuse requests without a User-Agent, or with that of a library.
    given = {"User-Agent": "Toguna/1", "Accept": "application/json", **(headers or {})}
    if data is not None:
        body, given["Content-Type"] = json.dumps(data).encode(), "application/json"
    line: http.client.HTTPConnection
    if parts.scheme == "https":
        line = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=_tls)
    elif parts.scheme == "http":
        line = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    else:
        raise NotSent(f"{url!r} is no address of a provider")
    kept, status, answered = _heard.get(), 0, b""
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        try:
            line.connect()
        except OSError as error:
            raise NotSent(f"{parts.netloc} does not answer: {error}") from error
        try:
            line.request(method, path, body, given)
            with line.getresponse() as response:
                status, answered = response.status, response.read(LARGEST)
        except (OSError, http.client.HTTPException) as error:
            raise Unknown(f"{parts.netloc}: {type(error).__name__} {error}".strip()) from error
    finally:
        line.close()
        if kept is not None:
            kept.append(Exchange(f"{method} {parts.path}", body or b"", status, answered))
    return Answer(status, answered)


def post(url: str, data: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return call("POST", url, data=data, headers=headers)


def judge(answer: Answer) -> Exception:
    """What a refusal means, where a provider says no more than by its status: 4xx was not done; 5xx may have been."""
    if answer.status in (401, 403, 429, 503):
        return NotSent(answer.words())  # our keys, our hurry or their maintenance: not about this payment
    if answer.status in (408, 409):  # it took too long; it is there already
        return Unknown(answer.words())
    return Refused(answer.words()) if 400 <= answer.status < 500 else Unknown(answer.words())


def basic(name: str, word: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{word}'.encode()).decode()}"


_tokens: dict[tuple[str, str], tuple[str, float]] = {}
_lock = threading.Lock()


def token(
    method: str, url: str, authorization: str, *, headers: Mapping[str, str] | None = None, form: bytes | None = None
) -> str:
    """An OAuth access token, asked for once by all threads until a minute before its end. Raises NotSent."""
    with _lock:
        known, until = _tokens.get((url, authorization), ("", 0.0))
        if known and time.monotonic() < until:
            return known
        more = {"Authorization": authorization, **(headers or {})}
        if form is not None:
            more["Content-Type"] = "application/x-www-form-urlencoded"
        mark = _heard.set(None)  # a token has no place in a record
        try:
            answer = call(method, url, headers=more, body=form)
        except Unknown as error:  # a token asked for in vain charges nobody
            raise NotSent(str(error)) from error
        finally:
            _heard.reset(mark)
        found = answer.json()
        if answer.status not in (200, 201) or not found.get("access_token"):
            raise NotSent(f"no token: {answer.status}")
        lasts = float(found.get("expires_in") or 3600)
        _tokens[url, authorization] = (str(found["access_token"]), time.monotonic() + max(30.0, lasts - 60))
        return str(found["access_token"])


def forget_tokens() -> None:
    with _lock:
        _tokens.clear()


def with_token(get: Callable[[], str], send: Callable[[str], Answer]) -> Answer:
    """Sends with a token; 401 certainly did nothing, and a token may be withdrawn before its time: once more, with a new one."""
    answer = send(get())
    if answer.status == 401:
        forget_tokens()
        answer = send(get())
    return answer
