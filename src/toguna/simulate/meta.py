"""WhatsApp's Cloud API and Messenger, as Meta publishes them: sending, photos, and what it tells the town, signed."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterable
from typing import Any, ClassVar

from toguna.simulate.frame import Asked, Company, Reply


class Meta(Company):
    """Options: token, app_secret, number (phone number ID or page ID)."""

    TOKEN: ClassVar[str] = "token"  # noqa: S105
    SECRET: ClassVar[str] = "app secret"  # noqa: S105

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.media: dict[str, bytes] = {}
        self.refuses: dict[str, int] = {}  # to: the code of the error
        self._number = itertools.count(1)

    def error(self, code: int, words: str, status: int = 400) -> Reply:
        return Reply.of(
            {"error": {"message": words, "type": "OAuthException", "code": code, "fbtrace_id": "x"}}, status
        )

    def too_busy(self) -> Reply:
        return self.error(130429, "(#130429) Rate limit hit", 429)

    def reply(self, asked: Asked) -> Reply:
        if (
            asked.headers.get("authorization") != f"Bearer {self.options.get('token', self.TOKEN)}"
            and "/cdn/" not in asked.path
        ):
            return self.error(190, "Invalid OAuth access token.", 401)
        if asked.method == "GET":
            return self._media(asked)
        return self.take(asked)

    def take(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def _media(self, asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        if name not in self.media:
            return self.error(100, "Unsupported get request.")
        if "/cdn/" in asked.path:
            return Reply(200, self.media[name], {"Content-Type": "image/jpeg"})
        data = self.media[name]
        return Reply.of(
            {
                "messaging_product": "whatsapp", "url": f"{self.url}/cdn/{name}", "mime_type": "image/jpeg",
                "sha256": hashlib.sha256(data).hexdigest(), "file_size": len(data), "id": name,
            }
        )  # fmt: skip

    def sign(self, given: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """The bytes of a call to the town, with their signature. Meta escapes what is not ASCII, and slashes."""
        body = json.dumps(given).replace("/", r"\/").encode()
        secret = self.options.get("app_secret", self.SECRET)
        mark = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={mark}"}


class WhatsApp(Meta):
    name = "whatsapp"
    port = 9301

    def take(self, asked: Asked) -> Reply:
        given = asked.json()
        if given["messaging_product"] != "whatsapp" or not asked.path.endswith("/messages"):
            return self.error(100, "(#100) Invalid parameter")
        kind, to = given["type"], str(given["to"])
        text = given["text"]["body"] if kind == "text" else given["template"]["components"][0]["parameters"][0]["text"]
        if not text or len(text) > (4096 if kind == "text" else 1024) or (kind == "template" and "\n" in text):
            return self.error(100, "(#100) Invalid parameter")
        if to in self.refuses:
            return self.error(self.refuses[to], "refused")
        number = f"wamid.{next(self._number)}"
        self.sent.append(
            {"id": number, "to": to, "type": kind, "text": text, "mark": given.get("biz_opaque_callback_data", "")}
        )
        return Reply.of(
            {
                "messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": to}], "messages": [{"id": number}],
            }
        )  # fmt: skip

    def call(
        self, *, messages: Iterable[dict[str, Any]] = (), statuses: Iterable[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        """What Meta would tell the town."""
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "22320000000", "phone_number_id": "1"},
        }
        if found := list(messages):
            value["contacts"] = [{"profile": {"name": "Awa"}, "wa_id": found[0]["from"]}]
            value["messages"] = found
        if reports := list(statuses):
            value["statuses"] = reports
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": "0", "changes": [{"value": value, "field": "messages"}]}],
        }

    def text(self, sender: str, words: str, number: str = "") -> dict[str, Any]:
        number = number or f"wamid.in{next(self._number)}"
        return {"from": sender, "id": number, "timestamp": "1770000000", "type": "text", "text": {"body": words}}

    def image(self, sender: str, data: bytes, caption: str = "") -> dict[str, Any]:
        name = f"media{next(self._number)}"
        self.media[name] = data
        inner = {"id": name, "mime_type": "image/jpeg", "sha256": "x", **({"caption": caption} if caption else {})}
        return {"from": sender, "id": f"wamid.{name}", "timestamp": "1770000000", "type": "image", "image": inner}

    def status(self, sent: dict[str, Any], state: str, *, mark: bool = True) -> dict[str, Any]:
        report = {"id": sent["id"], "status": state, "timestamp": "1770000001", "recipient_id": sent["to"]}
        if state == "failed":
            report["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
        return {**report, **({"biz_opaque_callback_data": sent["mark"]} if mark else {})}


class Facebook(Meta):
    name = "facebook"
    port = 9302

    def take(self, asked: Asked) -> Reply:
        given = asked.json()
        to, text = str(given["recipient"]["id"]), given["message"]["text"]
        if given["messaging_type"] not in ("RESPONSE", "UPDATE", "MESSAGE_TAG") or not text or len(text) > 2000:
            return self.error(100, "(#100) Invalid parameter")
        if to in self.refuses:
            return self.error(self.refuses[to], "refused")
        number = f"m_{next(self._number)}"
        self.sent.append({"id": number, "to": to, "text": text})
        return Reply.of({"recipient_id": to, "message_id": number})

    def too_busy(self) -> Reply:
        return self.error(613, "Calls to this api have exceeded the rate limit.", 400)

    def call(self, *events: dict[str, Any]) -> dict[str, Any]:
        return {"object": "page", "entry": [{"id": "1", "time": 1770000000, "messaging": list(events)}]}

    def text(self, sender: str, words: str) -> dict[str, Any]:
        return self._event(sender, {"mid": f"m_in{next(self._number)}", "text": words})

    def image(self, sender: str, data: bytes) -> dict[str, Any]:
        name = f"photo{next(self._number)}"
        self.media[name] = data
        shown = [{"type": "image", "payload": {"url": f"{self.url}/cdn/{name}"}}]
        return self._event(sender, {"mid": f"m_{name}", "attachments": shown})

    def _event(self, sender: str, message: dict[str, Any]) -> dict[str, Any]:
        return {"sender": {"id": sender}, "recipient": {"id": "1"}, "timestamp": 1770000000, "message": message}
