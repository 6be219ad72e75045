"""Telegram, by its Bot API: https://core.telegram.org/bots/api

People are known by the number of their chat with the bot; here it is written "telegram:<number>". Groups are not answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable
from toguna.engines.channels.post import hooks, wire
from toguna.engines.channels.post.hooks import Became, Came, Hook, Malformed
from toguna.engines.channels.post.pictures import Fetcher

BASE = "https://api.telegram.org"
LONGEST = 4096


def deliver(message: Outgoing) -> Sent:
    said = _call(
        message.settings,
        "sendMessage",
        {
            "chat_id": int(message.address.partition(":")[2]),
            "text": message.text[:LONGEST],
            "link_preview_options": {"is_disabled": True},
        },
    )
    return Sent(reference=f"{message.address.partition(':')[2]}:{said.get('message_id', '')}"[:120])


def _call(given: Any, method: str, data: dict[str, Any]) -> dict[str, Any]:
    """The result of a method of the API."""
    url = f"{given.get('base') or BASE}/bot{quote(str(given.get('token', '')), safe=':')}/{method}"
    answer = wire.call("POST", url, data=data)
    said = answer.json()
    if answer.status < 300 and said.get("ok") is True:
        result = said.get("result")
        return result if isinstance(result, dict) else {}
    words = f"{answer.status}: {said.get('description', '')}"[:280]
    if answer.status == 429:
        after = (said.get("parameters") or {}).get("retry_after")
        raise Busy(words, after=float(after) if isinstance(after, int | float) else answer.after)
    if answer.status in (401, 404):  # the bot's key is wrong: nothing can leave
        raise Busy(words, after=300)
    if answer.status == 400 or answer.status == 403:  # no such chat; the person has blocked the bot
        raise Unsendable(words)
    raise Doubtful(words)


def secret(slug: str) -> str:
    """What Telegram repeats in each call, so that nobody else makes one."""
    return salted_hmac("channels.telegram", slug, algorithm="sha256").hexdigest()


def register(given: dict[str, Any], slug: str) -> None:
    """Tells Telegram where to call. Raises Busy or Unsendable."""
    _call(
        given,
        "setWebhook",
        {"url": hooks.address("telegram", slug), "secret_token": secret(slug), "allowed_updates": ["message"]},
    )


def _genuine(request: HttpRequest, given: dict[str, Any], slug: str) -> bool:
    return constant_time_compare(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), secret(slug))


def read(given: dict[str, Any]) -> Iterator[Came | Became]:
    if not isinstance(given.get("update_id"), int):
        raise Malformed
    message = given.get("message")
    if not isinstance(message, dict):
        return
    chat = message["chat"]
    if chat.get("type") != "private" or (message.get("from") or {}).get("is_bot"):
        return
    who = int(chat["id"])
    words = str(message.get("text") or message.get("caption") or "")
    shown: tuple[str, ...] = ()
    if words.startswith("/"):  # "/signaler trou"; "/start" is what one presses first: it says what can be done
        head, _space, rest = words[1:].partition(" ")
        head = head.partition("@")[0]
        words = "?" if head == "start" else f"{head} {rest}".strip()
    if sizes := message.get("photo"):
        shown = (str(max(sizes, key=lambda p: int(p.get("width", 0)))["file_id"]),)
    if isinstance(place := message.get("location"), dict):
        words = words or f"{float(place['latitude'])}, {float(place['longitude'])}"
    raw = {"update": given["update_id"], "language": str((message.get("from") or {}).get("language_code", ""))[:8]}
    yield Came(f"telegram:{who}", f"{who}:{int(message['message_id'])}", words, "", raw, shown)


def fetch(given: dict[str, str], what: str) -> bytes:
    path = str(_call(given, "getFile", {"file_id": what}).get("file_path", ""))
    if not path:
        raise Busy("no address for the photo")
    answer = wire.call(
        "GET", f"{given.get('base') or BASE}/file/bot{quote(given.get('token', ''), safe=':')}/{quote(path)}"
    )
    if answer.status >= 300:
        raise Busy(f"the photo is not given: {answer.status}")
    return answer.body


TELEGRAM = Medium(
    "telegram",
    deliver,
    title="Telegram",
    settings=(
        Setting("token", _("Key of the bot, as BotFather gives it"), secret=True),
        Setting("base", _("Address of the service"), required=False, default=BASE),
    ),
)
HOOK = Hook("telegram", _genuine, read)
FETCHER = Fetcher("telegram", fetch)
