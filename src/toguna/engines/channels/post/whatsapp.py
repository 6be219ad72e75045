"""WhatsApp, by Meta's Cloud API: https://developers.facebook.com/docs/whatsapp/cloud-api

An answer within 24 hours of what somebody wrote may be any text; later, only a template that Meta has approved, with the text
as its one parameter. No request is idempotent: one of which nothing more is heard is doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable
from toguna.engines.channels.models import Incoming
from toguna.engines.channels.post import wire
from toguna.engines.channels.post.hooks import Became, Came, Hook, Malformed, challenge_of_meta, signed_by_meta
from toguna.engines.channels.post.pictures import Fetcher
from toguna.engines.channels.post.reading import reading

BASE = "https://graph.facebook.com/v23.0"
LONGEST = 4096
LONGEST_PARAMETER = 1024
WINDOW = timedelta(hours=24)
# https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
SLOWER = {4, 80007, 130429, 131048, 131056, 133016}
BROKEN = {0, 3, 10, 190, 200, 131005, 131031, 131042}  # the key, the account: nothing can leave
LATER = {1, 2, 131016}
CLOSED = 131047  # 24 hours have passed


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    url = f"{given.get('base') or BASE}/{quote(str(given.get('phone_number_id', '')))}/messages"
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.address.lstrip("+"),
        "biz_opaque_callback_data": str(message.id),  # comes back with what becomes of it
    }
    template = str(given.get("template", ""))
    if not template or _open(message.address):
        body |= {"type": "text", "text": {"preview_url": False, "body": message.text[:LONGEST]}}
    else:
        parameter = {"type": "text", "text": " ".join(message.text.split())[:LONGEST_PARAMETER]}
        body |= {
            "type": "template",
            "template": {
                "name": template,
                "language": {"code": message.language or str(given.get("template_language", "fr"))},
                "components": [{"type": "body", "parameters": [parameter]}],
            },
        }
    answer = wire.call("POST", url, data=body, headers={"Authorization": f"Bearer {given.get('token', '')}"})
    said = answer.json()
    if answer.status < 300:
        found = said.get("messages")
        if isinstance(found, list) and found and isinstance(found[0], dict) and found[0].get("id"):
            return Sent(reference=str(found[0]["id"])[:120])
        raise Doubtful("answered without the number of the message")
    raise refusal(answer)


def refusal(answer: wire.Answer) -> Exception:
    """What an error of Meta's means for a message."""
    error = answer.json().get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code") if isinstance(error.get("code"), int) else None
    words = f"{code or answer.status}: {error.get('message') or answer.status}"[:280]
    if answer.status == 429 or code in SLOWER:
        return Busy(words, after=answer.after)
    if answer.status == 401 or code in BROKEN:
        return Busy(words, after=300)
    if code in LATER or (answer.status == 503 and code is None):
        return Busy(words, after=answer.after)
    return Doubtful(words) if answer.status >= 500 else Unsendable(words)


def _open(address: str) -> bool:
    """Whether they wrote within the last 24 hours."""
    since = timezone.now() - WINDOW + timedelta(minutes=1)
    with reading():
        return Incoming.objects.filter(medium="whatsapp", address=address, at__gt=since).exists()


def read(given: dict[str, Any]) -> Iterator[Came | Became]:
    if given.get("object") != "whatsapp_business_account":
        raise Malformed
    for entry in given.get("entry", []):
        for change in entry.get("changes", []):
            value = change.get("value", {})
            if change.get("field") != "messages" or not isinstance(value, dict):
                continue
            to = str(value.get("metadata", {}).get("display_phone_number", ""))
            for message in value.get("messages", []):
                yield _message(message, to)
            for status in value.get("statuses", []):
                yield from _status(status)


def _message(message: dict[str, Any], to: str) -> Came:
    kind = str(message.get("type", ""))
    inner = message.get(kind)
    inner = inner if isinstance(inner, dict) else {}
    words = ""
    shown: tuple[str, ...] = ()
    match kind:
        case "text":
            words = str(inner.get("body", ""))
        case "image":
            words, shown = str(inner.get("caption", "")), (str(inner["id"]),)
        case "location":
            words = f"{float(inner['latitude'])}, {float(inner['longitude'])}"
        case "button":
            words = str(inner.get("text", ""))
        case "interactive":
            answer = inner.get(str(inner.get("type", "")), {})
            words = str(answer.get("title", "")) if isinstance(answer, dict) else ""
    digits = str(message["from"])
    if not digits.isdigit():
        raise Malformed
    return Came(f"+{digits}", str(message["id"]), words, to, {"type": kind, "at": message.get("timestamp")}, shown)


def _status(status: dict[str, Any]) -> Iterator[Became]:
    state = {"delivered": "delivered", "read": "delivered", "failed": "failed"}.get(str(status.get("status")))
    if state is None:
        return
    errors = status.get("errors") or [{}]
    words = f"{errors[0].get('code', '')}: {errors[0].get('title', '')}" if state == "failed" else ""
    mark = str(status.get("biz_opaque_callback_data", ""))
    yield Became(state, int(mark) if mark.isdecimal() and len(mark) < 19 else None, str(status.get("id", "")), words)


def fetch(given: dict[str, str], what: str) -> bytes:
    """A photo: first its address, then its bytes. The key goes to Meta's own hosts only."""
    base, key = given.get("base") or BASE, {"Authorization": f"Bearer {given.get('token', '')}"}
    answer = wire.call("GET", f"{base}/{quote(what)}", headers=key)
    url = str(answer.json().get("url", ""))
    if answer.status >= 300 or not metas_own(url, base):
        raise Busy(f"no address for the photo: {answer.status}")
    answer = wire.call("GET", url, headers=key)
    if answer.status >= 300:
        raise Busy(f"the photo is not given: {answer.status}")
    return answer.body


def metas_own(url: str, base: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.netloc == urlsplit(base).netloc:
        return True
    return parts.scheme == "https" and host.endswith((".fbsbx.com", ".fbcdn.net", ".facebook.com", ".whatsapp.net"))


WHATSAPP = Medium(
    "whatsapp",
    deliver,
    title="WhatsApp",
    settings=(
        Setting("phone_number_id", _("Number of the telephone at Meta (phone number ID)")),
        Setting("token", _("Permanent key of a system user"), secret=True),
        Setting("app_secret", _("Secret of the app"), secret=True),
        Setting("verify_token", _("Word for checking the address (verify token)"), secret=True),
        Setting("template", _("Template for what is written after 24 hours, with one parameter"), required=False),
        Setting("template_language", _("Language of the template"), required=False, default="fr"),
        Setting("base", _("Address of the service"), required=False, default=BASE),
    ),
)
HOOK = Hook("whatsapp", signed_by_meta, read, challenge_of_meta)
FETCHER = Fetcher("whatsapp", fetch)
