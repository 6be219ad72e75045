"""Asks the Valhallas of this machine, over connections that each thread keeps open."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from toguna.engines.territory.routing import programs

SECONDS = 60


class RoutingUnavailable(Exception):
    """Routes cannot be computed now: Valhalla is not installed, no network was built, or it does not answer."""


class NoRoute(Exception):
    """There is no way between these places for that vehicle; or one of them is near no road."""


class _Line:
    """One thread's connection to one Valhalla. busy: the file that whoever asks that Valhalla holds locked, in whatever process; None where
    Valhalla is not ours to share. Closed with its thread."""

    def __init__(self, host: str, port: int, busy: Path | None) -> None:
        self._lock = None if busy is None else os.open(busy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.connection = http.client.HTTPConnection(host, port, timeout=SECONDS)

    def take(self) -> bool:
        """Whether nobody else asks there now. `give` it back."""
        try:
            if self._lock is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give(self) -> None:
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Gives it back too."""
        self.connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    __del__ = close


class _Kept(threading.local):
    def __init__(self) -> None:
        self.lines: list[_Line] = []


_kept = _Kept()


def ask(action: str, question: dict[str, Any]) -> Any:
    """Valhalla's answer to one question (its JSON). Raises RoutingUnavailable or NoRoute."""
    body = json.dumps(question, separators=(",", ":"))
    for attempt in (1, 2):
        fresh = not _kept.lines
        line = _free()
        try:
            line.connection.request("POST", f"/{action}", body, {"Content-Type": "application/json"})
            response = line.connection.getresponse()
            status, answer = response.status, response.read()
            break
        except (OSError, http.client.HTTPException) as error:
            # A connection that was kept may be to one that was started again since: once more, on a new one.
            forget()
            if fresh or attempt == 2:
                raise RoutingUnavailable(_("Routes cannot be computed now. Try again in a minute.")) from error
        finally:
            line.give()
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise RoutingUnavailable(_("Routes cannot be computed now. Try again in a minute.")) from error
    if status == 200:
        return found
    code, message = found.get("error_code"), str(found.get("error", ""))
    if code in _NO_ROUTE:
        raise NoRoute(message)
    if status >= 500:
        raise RoutingUnavailable(message)
    raise ValueError(f"Valhalla refused the question: {code} {message}")


# https://valhalla.github.io/valhalla/api/turn-by-turn/api-reference/#internal-error-codes-and-conditions
_NO_ROUTE = {
    154,  # too long
    170, 171,  # places in parts of the network that do not meet; no road near
    172,  # a trace whose positions are too far apart
    441, 442, 443, 444, 445,  # no path; a trace that fits no road
}  # fmt: skip


def forget() -> None:
    """Closes this thread's connections."""
    for line in _kept.lines:
        line.close()
    _kept.lines = []


def _free() -> _Line:
    """The line that was used last, or another whose Valhalla has nothing to do; where all are busy, the first. Whom to ask is looked up by
    who has no line: a Valhalla that was started again has closed those that there were."""
    if not _kept.lines:
        _kept.lines = _lines()
    for i, line in enumerate(_kept.lines):
        if line.take():
            if i:
                _kept.lines.insert(0, _kept.lines.pop(i))
            return line
    return _kept.lines[0]


def _lines() -> list[_Line]:
    """One to each Valhalla of this machine. TOGUNA_ROUTING_URL names the one that several hosts share."""
    if told := os.environ.get("TOGUNA_ROUTING_URL"):
        parts = urlsplit(told)
        return [_Line(parts.hostname or "127.0.0.1", parts.port or 80, None)]
    found = programs.serving()
    if found is not None:
        return [_Line("127.0.0.1", port, programs.busy_file(n)) for n, port in enumerate(found.ports)]
    if programs.program("valhalla_service") is None:
        raise RoutingUnavailable(_("Routing is not installed on this machine (./toguna doctor says more)."))
    if programs.current() is None:
        raise RoutingUnavailable(_("The road network is not built yet: ./toguna routing build"))
    raise RoutingUnavailable(_("Routes cannot be computed now. Try again in a minute."))


def ready() -> bool:
    """Whether routes are answered now."""
    try:
        ask("status", {})
    except RoutingUnavailable:
        return False
    return True


def await_ready(seconds: float) -> None:
    """For a job that has time: waits for Valhalla where there is a network that it will answer from."""
    until = time.monotonic() + seconds
    while programs.current() is not None and not ready() and time.monotonic() < until:
        time.sleep(0.5)
