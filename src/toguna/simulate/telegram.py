"""Telegram's Bot API, as it is published: sendMessage, setWebhook, getFile, and updates with their secret."""

from __future__ import annotations

import itertools
import re
from typing import Any

from toguna.simulate.frame import Asked, Company, Reply


class Telegram(Company):
    """Options: token."""

    name = "telegram"
    port = 9303
    TOKEN = "123:abc"  # noqa: S105

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.files: dict[str, bytes] = {}
        self.blocked: set[int] = set()
        self.webhook: dict[str, Any] = {}
        self._number = itertools.count(1)

    def wrong(self, status: int, words: str, **more: Any) -> Reply:
        return Reply.of({"ok": False, "error_code": status, "description": words, **more}, status)

    def too_busy(self) -> Reply:
        return self.wrong(429, "Too Many Requests: retry after 9", parameters={"retry_after": 9})

    def reply(self, asked: Asked) -> Reply:
        token = self.options.get("token", self.TOKEN)
        if found := re.fullmatch(rf"/file/bot{re.escape(token)}/(.+)", asked.path):
            data = self.files.get(found.group(1).removeprefix("photos/"))
            return Reply(200, data) if data is not None else self.wrong(404, "Not Found")
        found = re.fullmatch(rf"/bot{re.escape(token)}/(\w+)", asked.path)
        if found is None:
            return self.wrong(401, "Unauthorized")
        given = asked.json()
        match found.group(1):
            case "sendMessage":
                chat, text = given["chat_id"], given["text"]
                if not isinstance(chat, int) or not text:
                    return self.wrong(400, "Bad Request: chat not found")
                if len(text) > 4096:
                    return self.wrong(400, "Bad Request: message is too long")
                if chat in self.blocked:
                    return self.wrong(403, "Forbidden: bot was blocked by the user")
                number = next(self._number)
                self.sent.append({"id": number, "to": chat, "text": text})
                return Reply.of({"ok": True, "result": {"message_id": number, "chat": {"id": chat}, "text": text}})
            case "setWebhook":
                self.webhook = given
                return Reply.of({"ok": True, "result": True, "description": "Webhook was set"})
            case "getFile":
                if given["file_id"] not in self.files:
                    return self.wrong(400, "Bad Request: invalid file_id")
                return Reply.of(
                    {"ok": True, "result": {"file_id": given["file_id"], "file_path": f"photos/{given['file_id']}"}}
                )
            case _:
                return self.wrong(404, "Not Found: method not found")

    def update(self, chat: int, *, kind: str = "private", **message: Any) -> dict[str, Any]:
        number = next(self._number)
        sender = {"id": chat, "is_bot": False, "first_name": "Awa", "language_code": "fr"}
        return {
            "update_id": 1000 + number,
            "message": {
                "message_id": number, "from": sender, "chat": {"id": chat, "type": kind}, "date": 1770000000, **message,
            },
        }  # fmt: skip

    def photo(self, data: bytes) -> list[dict[str, Any]]:
        """The sizes of a photo, as an update has them."""
        name = f"photo{next(self._number)}"
        self.files[name] = data
        return [{"file_id": "small", "width": 90, "height": 60}, {"file_id": name, "width": 1280, "height": 800}]
