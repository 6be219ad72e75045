"""Stand-ins for other companies' servers, with the faults that theirs have: for tests, and for trying a set-up without an account.

Each is a small HTTP server that keeps what it was sent (`sent`), checks it as the real one does, and can call us back. A fault
happens to a share of the requests: `lost` (taken, then the line is cut before the answer), `late` (answered after a while),
`busy` (429 with Retry-After, not taken), `500` (an error, not taken), `timeout` (taken, never answered). A company may know
more faults, of its own.
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

FAULTS = ("lost", "late", "busy", "500", "timeout")
LARGEST = 20_000_000


@dataclass(frozen=True)
class Asked:
    """A request. headers: names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        found = json.loads(self.body or b"{}")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Reply:
    """status 0: the line is cut instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> Self:
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


class Company:
    """One company. Subclasses answer `reply(asked)`; `next_faults` are what happens to the next requests, in order, and
    `faults` {name: share} to all others."""

    name: ClassVar[str] = ""
    port: ClassVar[int] = 0
    known_faults: ClassVar[tuple[str, ...]] = FAULTS

    def __init__(self, *, port: int = 0, faults: Mapping[str, float] | None = None, **options: str) -> None:
        self.options = options
        self.faults = dict(faults or {})
        self.next_faults: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self._chance = random.Random(7)  # noqa: S311
        company = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _go(self) -> None:
                length = min(int(self.headers.get("Content-Length") or 0), LARGEST)
                headers = {k.lower(): v for k, v in self.headers.items()}
                company._serve(self, Asked(self.command, self.path, headers, self.rfile.read(length)))

            do_GET = do_POST = do_PUT = do_DELETE = _go

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def advice(self) -> str:
        """What whoever starts it by hand should know."""
        return ""

    def too_busy(self) -> Reply:
        """As this company says it; others may say more."""
        return Reply(429, b"{}", {"Retry-After": "7"})

    def broken(self) -> Reply:
        return Reply(500, b"oops", {"Content-Type": "text/plain"})

    def _fault(self) -> str:
        with self.lock:
            if self.next_faults:
                return self.next_faults.pop(0)
            chance = self._chance.random()
        for name, share in self.faults.items():
            if chance < share:
                return name
            chance -= share
        return ""

    def _serve(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        fault = self._fault()
        if fault == "busy":
            made = self.too_busy()
        elif fault == "500":
            made = self.broken()
        else:
            try:
                made = self.reply(asked)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                made = Reply(400, str(error).encode())
        if fault == "late":
            time.sleep(2)
        elif fault == "timeout":
            time.sleep(60)
        if fault in ("lost", "timeout") or not made.status:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(made.status)
        for name, value in made.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(made.body)))
        handler.end_headers()
        handler.wfile.write(made.body)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Until the process ends."""
        self._server.serve_forever()


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> int:
    """One call to the town, as the company makes it; the status of the answer."""
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310
    try:
        with _direct.open(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
