"""One request to another company's server, with an end to everything: how long it may take and how much it may send."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toguna.engines.channels.gateway.media import Busy, Doubtful

WAITS = 15  # seconds, for each step
MOST_BYTES = 15_000_000


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object that was sent; empty for anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def after(self) -> float | None:
        """Seconds to wait, where the other side said so in a header."""
        given = self.headers.get("retry-after", "")
        return float(given) if given.isdigit() else None


def call(
    method: str, url: str, *, data: Any = None, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Sends one request; data: an object for a JSON body. Raises Busy when it certainly did not arrive, Doubtful when nobody
    knows. Follows no redirect."""
    parts = urlsplit(url)
    given = {"User-Agent": "Toguna", **(headers or {})}
    if data is not None:
        body, given["Content-Type"] = json.dumps(data).encode(), "application/json"
    line: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        line = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=WAITS, context=context)
    elif parts.scheme == "http":
        line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAITS)
    else:
        raise Busy("not an http address")
    try:
        try:
            line.connect()
        except (OSError, ValueError) as error:
            raise Busy(f"{type(error).__name__}: {error}") from error
        try:
            line.request(method, f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", body, given)
            answer = line.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read(MOST_BYTES + 1))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Doubtful(f"{type(error).__name__}: {error}") from error
    finally:
        line.close()
