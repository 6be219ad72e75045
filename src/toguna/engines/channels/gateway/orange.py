"""SMS through the SMS API of Orange: https://developer.orange.com/apis/sms (OAuth 2 client credentials, then OneAPI's
outboundSMSMessageRequest; reports and incoming messages as JSON posts)."""

from __future__ import annotations

import base64
import json
import threading
import time
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway import http
from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable

LIVE = "https://api.orange.com"
REPORTS = {
    "DeliveredToTerminal": "delivered",
    "DeliveredToNetwork": "taken",
    "MessageWaiting": "taken",
    "DeliveryUncertain": "taken",
    "DeliveryImpossible": "failed",
}

_tokens: dict[tuple[str, str], tuple[str, float]] = {}
_lock = threading.Lock()


def _token(base: str, client: str, word: str, *, anew: bool = False) -> str:
    """Good for an hour; asked for once by all threads."""
    with _lock:
        token, until = _tokens.get((base, client), ("", 0.0))
        if token and not anew and time.monotonic() < until:
            return token
        basic = base64.b64encode(f"{client}:{word}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = http.call("POST", f"{base}/oauth/v3/token", b"grant_type=client_credentials", headers)
        except Doubtful as error:  # a token asked for in vain sends nothing
            raise Busy(str(error)) from error
        found = answer.json()
        if answer.status != 200 or not isinstance(found, dict) or not found.get("access_token"):
            raise Busy(f"no token: {answer.words()}", after=answer.retry_after)
        token = str(found["access_token"])
        _tokens[base, client] = (token, time.monotonic() + max(30.0, float(found.get("expires_in") or 3600) - 60))
        return token


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    base, client, word = str(given.get("url") or LIVE).rstrip("/"), str(given["client_id"]), str(given["client_secret"])
    sender = f"tel:{given['sender']}"
    request = {
        "address": f"tel:{message.address}",
        "senderAddress": sender,
        "outboundSMSTextMessage": {"message": message.text},
    }
    if given.get("name"):
        request["senderName"] = str(given["name"])
    url = f"{base}/smsmessaging/v1/outbound/{quote(sender, safe='')}/requests"
    body = json.dumps({"outboundSMSMessageRequest": request}).encode()
    answer = http.Answer(401, b"")
    for anew in (False, True):  # a token may be revoked before its time; 401 certainly sent nothing
        headers = {
            "Authorization": f"Bearer {_token(base, client, word, anew=anew)}",
            "Content-Type": "application/json",
        }
        answer = http.call("POST", url, body, headers)
        if answer.status != 401:
            break
    found = answer.json()
    if answer.status in (200, 201) and isinstance(found, dict):
        where = found.get("outboundSMSMessageRequest", {}).get("resourceURL", "")
        if where:
            return Sent(str(where).rstrip("/").rpartition("/")[2])
        fault = found.get("requestError")  # an error inside a good answer
        raise Busy(json.dumps(fault)[:250]) if fault else Doubtful(f"this is no answer: {answer.words()}")
    if answer.status in (401, 402, 403, 429):  # 403: no SMS left, or the contract has ended
        raise Busy(answer.words(), after=answer.retry_after)
    if answer.status == 503:
        raise Busy(answer.words(), after=answer.retry_after)
    if answer.status >= 500 or answer.status < 300:
        raise Doubtful(answer.words())
    raise Unsendable(answer.words())


ORANGE = Medium(
    "orange",
    deliver,
    medium="sms",
    title="Orange SMS API",
    settings=(
        Setting("client_id", _("Client ID")),
        Setting("client_secret", _("Client secret"), secret=True),
        Setting("sender", _("Number of the sender, as the contract has it (+223...)")),
        Setting("name", _("Name of the sender"), required=False),
        Setting("url", _("Address (empty: that of production)"), required=False),
    ),
)
