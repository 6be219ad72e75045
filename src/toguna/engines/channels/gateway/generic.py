"""SMS through any aggregator that takes one HTTP request a message: the request is written on the route, with {to}, {text},
{sender} and {id} where they belong; what a good answer looks like, too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway import http
from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable

PLACES = re.compile(r"\{(to|digits|text|sender|id|secret)\}")


def filled(template: str, values: Mapping[str, str], kind: str) -> str:
    """A template with its values, each written as its place needs it. kind: "url", "form", "json" or "" (as it is)."""

    def one(found: re.Match[str]) -> str:
        value = values[found[1]]
        if kind in ("url", "form"):
            return quote(value, safe="")
        return json.dumps(value, ensure_ascii=False)[1:-1] if kind == "json" else value

    return PLACES.sub(one, template)


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    values = {
        "to": message.address, "digits": message.address.lstrip("+"), "text": message.text,
        "sender": str(given.get("sender", "")), "id": str(message.id), "secret": str(given.get("secret", "")),
    }  # fmt: skip
    body = str(given.get("body") or "")
    kind = "json" if body.lstrip().startswith(("{", "[")) else "form"
    headers = (
        {"Content-Type": "application/json" if kind == "json" else "application/x-www-form-urlencoded"} if body else {}
    )
    for line in str(given.get("headers") or "").splitlines():
        name, _colon, value = line.partition(":")
        if name.strip():
            headers[name.strip()] = filled(value.strip(), values, "")
    data = filled(body, values, kind).encode() if body else None
    url = filled(str(given["url"]), values, "url")
    answer = http.call("POST" if body else "GET", url, data, headers)
    if answer.status in (401, 402, 403, 429, 503):
        raise Busy(answer.words(), after=answer.retry_after)
    if answer.status >= 500:
        raise Doubtful(answer.words())
    if answer.status >= 400:
        raise Unsendable(answer.words())
    text = answer.body.decode(errors="replace")
    if given.get("good") and not re.search(str(given["good"]), text):  # 200, with an error inside
        raise Unsendable(answer.words())
    reference = re.search(str(given["reference"]), text) if given.get("reference") else None
    return Sent(reference[1] if reference and reference.groups() else "")


HTTP = Medium(
    "http",
    deliver,
    medium="sms",
    title=_("Aggregator, by any HTTP request"),
    settings=(
        Setting("url", _("Address of the request, with {to}, {digits}, {text}, {sender}, {id}, {secret}")),
        Setting("body", _("Body: JSON or a form, with the same (empty: a GET request)"), required=False),
        Setting("headers", _("Headers, one a line, with the same"), required=False),
        Setting("secret", _("The word for {secret}"), secret=True, required=False),
        Setting("sender", _("Sender: a short number or a name"), required=False),
        Setting("good", _("What is in a good answer (a regular expression; empty: any 2xx)"), required=False),
        Setting(
            "reference", _("Where its number of the message is: a regular expression with one ( )"), required=False
        ),
    ),
)
