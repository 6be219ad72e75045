"""A client of other bodies' GeoReport v2 that trusts nothing: times and sizes are bounded, redirects are not followed, and
what is not the standard's is said in words for staff.

XML is asked for, the only format that the standard requires; JSON that comes instead is read too. Made of the standard
library: it follows no redirect and uses no proxy unless told so, which is what is wanted here.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

PAUSE = 10.0  # seconds without a byte
WHOLE = 25.0  # seconds for one call
MOST_BYTES = 5_000_000
MOST_ROWS = 1000
MOST_PAGES = 20
BATCH = 50  # numbers asked for in one call: addresses are cut at 2,000 characters by some servers
AGENT = "Toguna (Open311 GeoReport v2)"

Row = Mapping[str, str]
Fields = Mapping[str, str | list[str]]


class Trouble(Exception):
    """The other side did not answer as it should; str() says it for staff. unsure: what was sent may have been taken all
    the same. refused: they said no, trying again changes nothing. missing: they have no such operation."""

    def __init__(self, words: str, *, unsure: bool = False, refused: bool = False, missing: bool = False) -> None:
        super().__init__(words)
        self.unsure, self.refused, self.missing = unsure, refused, missing


@dataclass(frozen=True)
class Service:
    code: str
    name: str


class Peer:
    """endpoint: the base address of its GeoReport v2."""

    def __init__(self, endpoint: str, *, jurisdiction: str = "", api_key: str = "") -> None:
        self.endpoint = endpoint.rstrip("/") + "/"
        self.known = {k: v for k, v in (("jurisdiction_id", jurisdiction), ("api_key", api_key)) if v}

    def services(self) -> list[Service]:
        rows = self._get("services.xml", "service")
        return [Service(row["service_code"], row.get("service_name", "")) for row in rows if row.get("service_code")]

    def post(self, fields: Fields) -> tuple[str, str]:
        """(its number, "") or ("", a token) of a new request."""
        rows = _rows(_call("POST", self._url("requests.xml"), {**self.known, **fields}), "request")
        number, token = (_id(rows[0].get(name, "")) for name in ("service_request_id", "token")) if rows else ("", "")
        if not (number or token):
            raise Trouble(_("It took the report and gave no number for it."), unsure=True)
        return number, "" if number else token

    def find(self, mark: str, *, service_code: str, since: datetime) -> str:
        """The number of the request whose words hold the mark, "" when there is none."""
        query = {"service_code": service_code, "start_date": _written(since), "end_date": _written(timezone.now())}
        return next((_id(r.get("service_request_id", "")) for r in self._pages("requests.xml", "request", query) if mark in r.get("description", "")), "")  # fmt: skip

    def resolve(self, token: str) -> str:
        """The number that a token became, "" as long as there is none."""
        rows = self._get(f"tokens/{quote(token, safe='')}.xml", "request")
        return _id(rows[0].get("service_request_id", "")) if rows else ""

    def updates(self, start: datetime, end: datetime) -> list[Row]:
        query = {"start_date": _written(start), "end_date": _written(end), "extensions": "true"}
        return self._pages("servicerequestupdates.xml", "request_update", query)

    def states(self, numbers: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        for n in range(0, len(numbers), BATCH):
            query = {"service_request_id": ",".join(numbers[n : n + BATCH]), "extensions": "true"}
            rows += self._get("requests.xml", "request", query)
        return rows

    def tell(self, fields: Mapping[str, str]) -> str:
        """Gives an update of ours; the id that it has there, "" when they do not say."""
        address = self._url("servicerequestupdates.xml")
        rows = _rows(_call("POST", address, {**self.known, **fields}), "request_update")
        return _id(rows[0].get("update_id", "")) if rows else ""

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        return self.endpoint + path + (f"?{urlencode(query)}" if query else "")

    def _get(self, path: str, item: str, query: Mapping[str, str] | None = None) -> list[Row]:
        return _rows(_call("GET", self._url(path, {**self.known, **(query or {})})), item)

    def _pages(self, path: str, item: str, query: Mapping[str, str]) -> list[Row]:
        """All pages; a server that knows none gives the same rows again, which ends it."""
        rows: list[Row] = []
        for page in range(1, MOST_PAGES + 1):
            more = [r for r in self._get(path, item, {**query, "page": str(page)}) if r not in rows[-MOST_ROWS:]]
            rows += more
            if len(more) < MOST_ROWS:
                break
        return rows


def _written(moment: datetime) -> str:
    return moment.astimezone(timezone.get_default_timezone()).isoformat(timespec="seconds")


def moment(typed: str) -> datetime | None:
    """A date and time of theirs, None when it cannot be read."""
    try:
        found = parse_datetime(typed.strip())
        return timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        return None


def _id(typed: str) -> str:
    return typed if 0 < len(typed) <= 120 and typed.isprintable() else ""


def _call(method: str, address: str, fields: Fields | None = None) -> bytes:
    """What it answers. Raises Trouble."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host:
        raise Trouble(_("Its address is no web address: it begins with https://."), refused=True)
    link: http.client.HTTPConnection = (
        http.client.HTTPSConnection(host, port, timeout=PAUSE, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=PAUSE)
    )
    try:
        link.connect()
    except OSError as error:
        raise Trouble(_("It cannot be reached (%(why)s).") % {"why": error}) from error
    # However slowly the bytes drip, it ends: this wakes whoever reads.
    alarm = threading.Timer(WHOLE, _cut, [link.sock])
    alarm.daemon = True
    alarm.start()
    unsure = method == "POST"
    try:
        body = urlencode(fields, doseq=True).encode() if fields is not None else None
        headers = {"User-Agent": AGENT, "Accept": "text/xml, application/xml, application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        link.request(method, parts._replace(scheme="", netloc="", fragment="").geturl() or "/", body, headers)
        answer = link.getresponse()
        data = _read(answer, unsure)
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(_("It did not answer in time, or broke off."), unsure=unsure) from error
    finally:
        alarm.cancel()
        link.close()
    _judge(answer, data, unsure)
    return data


def _cut(link: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is over already
        link.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse, unsure: bool) -> bytes:
    data, end = b"", time.monotonic() + WHOLE
    while piece := answer.read1(65536):
        data += piece
        if len(data) > MOST_BYTES:
            raise Trouble(_("It answers with far too much."), unsure=unsure)
        if time.monotonic() > end:
            raise TimeoutError
    return data


def _judge(answer: http.client.HTTPResponse, data: bytes, unsure: bool) -> None:
    """Raises Trouble unless it is a good answer of the standard's."""
    status, kind = answer.status, answer.headers.get_content_type()
    page = kind in ("text/html", "application/xhtml+xml") or data[:200].lstrip().lower().startswith(
        (b"<!doctype html", b"<html")
    )
    why = "" if page else _reasons(data)
    if 300 <= status < 400:
        where = (answer.headers.get("Location") or "?")[:120]
        raise Trouble(
            _("It has moved to %(where)s: write its new address.") % {"where": where}, refused=unsure, missing=True
        )
    if status in (404, 405, 501):
        raise Trouble(
            why or _("It has nothing at this address (%(status)d).") % {"status": status}, refused=True, missing=True
        )
    if status in (429, 503):
        raise Trouble(_("It is too busy (%(status)d).") % {"status": status})
    if 400 <= status < 500 and status != 408:
        raise Trouble(_("It refuses: %(why)s") % {"why": why or status}, refused=True)
    if not 200 <= status < 300:
        raise Trouble(_("It has failed (%(status)d). %(why)s") % {"status": status, "why": why}, unsure=unsure)
    if page:
        raise Trouble(_("It answers with a web page: is this the address of its Open311?"), unsure=unsure, missing=True)


def _reasons(data: bytes) -> str:
    """The sentences of the standard's error list."""
    try:
        return " ".join(row["description"] for row in _rows(data, "error") if row.get("description"))[:200]
    except Trouble:
        return ""


def _rows(data: bytes, item: str) -> list[Row]:
    """The rows of an answer in XML or JSON, values as strings. What is nested is left out, but for our `state`."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        if start in (b"[", b"{"):
            return _from_json(json.loads(data), item)
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise Trouble(_("Its answer cannot be read: it is neither XML nor JSON of Open311."), unsure=True) from error
    return [_from_xml(element) for element in ([root] if root.tag == item else root.iter(item))]


def _from_xml(element: Element) -> Row:
    row = {child.tag: (child.text or "").strip() for child in element if len(child) == 0}
    if state := element.findtext("extended_attributes/state"):
        row["state"] = state.strip()
    return row


def _from_json(value: Any, item: str) -> list[Row]:
    if isinstance(value, dict):  # some wrap the list as XML does
        inner = [v for v in value.values() if isinstance(v, list)]
        value = inner[0] if len(value) == 1 and inner else [value]
    rows: list[Row] = []
    for given in value:
        if isinstance(given, dict) and isinstance(given.get(item), dict):
            given = given[item]
        if not isinstance(given, dict):
            raise ValueError("rows of Open311 are objects")
        row = {k: str(v) for k, v in given.items() if isinstance(v, (str, int, float)) and not isinstance(v, bool)}
        extended = given.get("extended_attributes")
        if isinstance(extended, dict) and isinstance(extended.get("state"), str):
            row["state"] = extended["state"]
        rows.append(row)
    return rows
