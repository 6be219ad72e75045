"""Asks the Valhalla of this machine, over one connection kept open by each thread."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from toguna.engines.territory.routing import programs

SECONDS = 60


class RoutingUnavailable(Exception):
    """Routes cannot be computed now: Valhalla is not installed, no network was built, or it does not answer."""


class NoRoute(Exception):
    """There is no way between these places for that vehicle; or one of them is near no road."""


class _Kept(threading.local):
    connection: http.client.HTTPConnection | None = None
    address: tuple[str, int] | None = None


_kept = _Kept()


def ask(action: str, question: dict[str, Any]) -> Any:
    """Valhalla's answer to one question (its JSON). Raises RoutingUnavailable or NoRoute."""
    body = json.dumps(question, separators=(",", ":"))
    for attempt in (1, 2):
        connection, fresh = _connect()
        try:
            connection.request("POST", f"/{action}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            status, answer = response.status, response.read()
            break
        except (OSError, http.client.HTTPException) as error:
            # A connection that was kept may be to one that was started again since: once more, on a new one.
            forget()
            if fresh or attempt == 2:
                raise RoutingUnavailable(_("Routes cannot be computed now. Try again in a minute.")) from error
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
    """Closes this thread's connection."""
    if _kept.connection is not None:
        _kept.connection.close()
    _kept.connection = _kept.address = None


def _connect() -> tuple[http.client.HTTPConnection, bool]:
    """This thread's connection, and whether it is a new one."""
    address = _address()
    if _kept.connection is not None and _kept.address == address:
        return _kept.connection, False
    forget()
    _kept.connection, _kept.address = http.client.HTTPConnection(*address, timeout=SECONDS), address
    return _kept.connection, True


def _address() -> tuple[str, int]:
    """(host, port). TOGUNA_ROUTING_URL names the one that several hosts share."""
    if told := os.environ.get("TOGUNA_ROUTING_URL"):
        parts = urlsplit(told)
        return parts.hostname or "127.0.0.1", parts.port or 80
    found = programs.serving()
    if found is not None:
        return "127.0.0.1", found.port
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
