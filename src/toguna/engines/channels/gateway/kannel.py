"""SMS through Kannel: one HTTP request a message to its smsbox, which queues it for the operator.

https://www.kannel.org/download/1.4.5/userguide-1.4.5/userguide.html, "Sending SMS", "Delivery reports".
"""

from __future__ import annotations

import os
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from toguna.engines.channels import sms
from toguna.engines.channels.gateway import http, marks
from toguna.engines.channels.gateway.media import Busy, Medium, Outgoing, Sent, Setting, Unsendable

SENDSMS = "http://127.0.0.1:13013/cgi-bin/sendsms"
EVERY_REPORT = 31  # delivered 1, not delivered 2, buffered 4, taken by the operator 8, refused by the operator 16
USER = "toguna"


def here() -> str:
    """Where Kannel, on this machine, reaches the web server: not by the town's public name."""
    return os.environ.get("TOGUNA_LOCAL_URL") or str(settings.TOGUNA_URL)


def password() -> str:
    """Of the one who may send through our own Kannel; in its configuration, and nowhere else."""
    return marks.secret("kannel")


def url(message: Outgoing) -> str:
    """The whole request, by which Kannel is asked to send one message."""
    given = message.settings
    plain = sms.size(message.text).alphabet == "GSM"
    mask = int(given.get("dlr_mask", EVERY_REPORT))
    asked = {
        "username": given.get("username") or USER,
        "password": given.get("password") or password(),
        "to": message.address,
        "text": message.text,
        "charset": "UTF-8",
        "coding": "0" if plain else "2",
    }
    if given.get("sender"):
        asked["from"] = str(given["sender"])
    if given.get("smsc"):
        asked["smsc"] = str(given["smsc"])
    if mask:
        asked["dlr-mask"] = str(mask)
        asked["dlr-url"] = f"{given.get('callback') or here()}/sms/dlr/{marks.mark(message.id)}?t=%d&a=%A"
    return f"{given.get('url') or SENDSMS}?{urlencode(asked, quote_via=quote)}"


def deliver(message: Outgoing) -> Sent:
    """A 202 says that Kannel has it, not that anybody has read it: that is what delivery reports are for."""
    answer = http.call("GET", url(message))
    if answer.status == 202:
        return Sent()
    if answer.status == 400:
        raise Unsendable(answer.words())
    raise Busy(answer.words())  # 503: the operator's queue is full or away; 403: our password is not the one it knows


KANNEL = Medium(
    "kannel",
    deliver,
    medium="sms",
    title=_("Operator, through Kannel"),
    settings=(
        Setting("url", _("Address of sendsms"), required=False),
        Setting("username", _("User name"), required=False),
        Setting("password", _("Password"), secret=True, required=False),
        Setting("sender", _("Sender: a short number or a name"), required=False),
        Setting("smsc", _("Identifier of the operator in Kannel"), required=False),
    ),
    connections=16,
)
