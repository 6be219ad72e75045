"""SMS through Africa's Talking: https://developers.africastalking.com/docs/sms/sending/bulk (form in, JSON out), delivery
reports and incoming messages as form posts to the addresses that are shown on the desk."""

from __future__ import annotations

from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway import http
from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable

LIVE = "https://api.africastalking.com/version1/messaging"
# https://developers.africastalking.com/docs/sms/sending/bulk: status codes of a recipient.
TAKEN = (100, 101, 102)  # processed, sent, queued
REFUSED = {
    403: "not a phone number",
    404: "unsupported number type",
    406: "on the operator's black list",
    409: "do not disturb",
}
REPORTS = {
    "Success": "delivered",
    "Sent": "taken",
    "Submitted": "taken",
    "Buffered": "taken",
    "Rejected": "failed",
    "Failed": "failed",
    "AbsentSubscriber": "failed",
    "Expired": "failed",
}


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    form = {"username": given["username"], "to": message.address, "message": message.text}
    if given.get("sender"):
        form["from"] = given["sender"]
    headers = {
        "apiKey": str(given["api_key"]),
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = http.call("POST", str(given.get("url") or LIVE), urlencode(form).encode(), headers)
    if answer.status == 429 or answer.status in (401, 403):
        raise Busy(answer.words(), after=answer.retry_after)
    if answer.status >= 500:
        raise Doubtful(answer.words())
    if answer.status >= 400:
        raise Unsendable(answer.words())
    found = answer.json()
    # It answers 201 (or 200) whatever became of the message: what counts is inside.
    data = found.get("SMSMessageData", {}) if isinstance(found, dict) else {}
    recipients = data.get("Recipients") or []
    if not recipients:
        words = str(data.get("Message") or answer.words())
        if not isinstance(found, dict):
            raise Doubtful(f"this is no answer: {words}")
        raise Busy(words)  # "InvalidSenderId", "InsufficientBalance": nothing can leave that way now
    code, words = int(recipients[0].get("statusCode") or 0), str(recipients[0].get("status", ""))
    if code in TAKEN:
        return Sent(str(recipients[0].get("messageId", "")))
    if code in REFUSED:
        raise Unsendable(f"{code} {words}: {REFUSED[code]}")
    if code in (405, 500, 501, 502):  # no money left, or their own trouble
        raise Busy(f"{code} {words}")
    raise Unsendable(f"{code} {words}")


AFRICASTALKING = Medium(
    "africastalking",
    deliver,
    medium="sms",
    title="Africa's Talking",
    settings=(
        Setting("username", _("User name")),
        Setting("api_key", _("API key"), secret=True),
        Setting("sender", _("Sender: a short number or a name"), required=False),
        Setting("url", _("Address (empty: that of production)"), required=False),
    ),
)
