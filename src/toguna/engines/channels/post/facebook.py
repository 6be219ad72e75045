"""Messages to the town's page on Facebook, by the Messenger Platform: https://developers.facebook.com/docs/messenger-platform

People are known there by a number that means something for this page only; here it is written "facebook:<number>". Beyond
24 hours after they wrote, Meta lets nothing through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable
from toguna.engines.channels.post import wire
from toguna.engines.channels.post.hooks import Became, Came, Hook, Malformed, challenge_of_meta, signed_by_meta
from toguna.engines.channels.post.pictures import Fetcher
from toguna.engines.channels.post.whatsapp import BASE, metas_own

LONGEST = 2000
SLOWER = {4, 17, 32, 613}
BROKEN = {102, 190, 200, 230}


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    url = f"{given.get('base') or BASE}/{quote(str(given.get('page_id', '')))}/messages"
    answer = wire.call(
        "POST",
        url,
        data={
            "recipient": {"id": message.address.partition(":")[2]},
            "messaging_type": "RESPONSE",
            "message": {"text": message.text[:LONGEST]},
        },
        headers={"Authorization": f"Bearer {given.get('token', '')}"},
    )
    said = answer.json()
    if answer.status < 300:
        if not said.get("message_id"):
            raise Doubtful("answered without the number of the message")
        return Sent(reference=str(said["message_id"])[:120])
    error = said.get("error")
    error = error if isinstance(error, dict) else {}
    code, words = error.get("code"), f"{error.get('code') or answer.status}: {error.get('message', '')}"[:280]
    if answer.status == 429 or code in SLOWER:
        raise Busy(words, after=answer.after)
    if answer.status == 401 or code in BROKEN:
        raise Busy(words, after=300)
    if code == 1200 or (answer.status == 503 and code is None):  # "temporary send message failure"
        raise Busy(words, after=answer.after)
    raise (Doubtful if answer.status >= 500 else Unsendable)(words)


def read(given: dict[str, Any]) -> Iterator[Came | Became]:
    if given.get("object") != "page":
        raise Malformed
    for entry in given.get("entry", []):
        for event in entry.get("messaging", []):
            message = event.get("message")
            if isinstance(message, dict) and not message.get("is_echo"):
                yield _message(event, message)
            elif isinstance(event.get("delivery"), dict):
                for mid in event["delivery"].get("mids") or []:
                    yield Became("delivered", reference=str(mid))


def _message(event: dict[str, Any], message: dict[str, Any]) -> Came:
    who = str(event["sender"]["id"])
    if not who.isdigit():
        raise Malformed
    words, shown = str(message.get("text", "")), []
    for attachment in message.get("attachments") or []:
        payload = attachment.get("payload") or {}
        if attachment.get("type") == "image" and payload.get("url"):
            shown.append(str(payload["url"])[:2000])
        elif attachment.get("type") == "location" and isinstance(payload.get("coordinates"), dict):
            words = words or f"{float(payload['coordinates']['lat'])}, {float(payload['coordinates']['long'])}"
    to = str(event.get("recipient", {}).get("id", ""))
    return Came(f"facebook:{who}", str(message["mid"]), words, to, {"at": event.get("timestamp")}, tuple(shown))


def fetch(given: dict[str, str], what: str) -> bytes:
    if not metas_own(what, given.get("base") or BASE):
        raise Unsendable("a photo that is not at Meta's")
    answer = wire.call("GET", what)
    if answer.status >= 300:
        raise Busy(f"the photo is not given: {answer.status}")
    return answer.body


FACEBOOK = Medium(
    "facebook",
    deliver,
    title="Facebook",
    settings=(
        Setting("page_id", _("Number of the page")),
        Setting("token", _("Key of the page (page access token)"), secret=True),
        Setting("app_secret", _("Secret of the app"), secret=True),
        Setting("verify_token", _("Word for checking the address (verify token)"), secret=True),
        Setting("base", _("Address of the service"), required=False, default=BASE),
    ),
)
HOOK = Hook("facebook", signed_by_meta, read, challenge_of_meta)
FETCHER = Fetcher("facebook", fetch)
