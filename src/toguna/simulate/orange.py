"""Orange's SMS API, as far as the town uses it: a token, messages, what it posts. https://developer.orange.com/apis/sms"""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from typing import Any
from urllib.parse import unquote

from toguna.simulate.frame import Asked, Company, Reply, post

JSON = {"Content-Type": "application/json"}


class Orange(Company):
    """Options: client_id, client_secret, sender. `units`: SMS left in the bundle."""

    name = "orange"
    port = 9312

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tokens: set[str] = set()
        self.units = 1_000_000
        self._number = itertools.count(1)

    def wrong(self, status: int, code: int, words: str) -> Reply:
        return Reply.of({"code": code, "message": words, "description": words}, status)

    def reply(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/v3/token":
            pair = f"{self.options.get('client_id', 'id')}:{self.options.get('client_secret', 'secret')}"
            if asked.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return self.wrong(401, 41, "Invalid credentials")
            token = uuid.uuid4().hex
            self.tokens.add(token)
            return Reply.of({"token_type": "Bearer", "access_token": token, "expires_in": 3600})
        sender = f"tel:{self.options.get('sender', '+2230000')}"
        if unquote(asked.path) != f"/smsmessaging/v1/outbound/{sender}/requests":
            return self.wrong(404, 60, "Resource not found")
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return self.wrong(401, 42, "Expired credentials")
        given = asked.json()["outboundSMSMessageRequest"]
        if given["senderAddress"] != sender or not given["address"].startswith("tel:+"):
            return self.wrong(400, 24, "Invalid body field")
        if self.units <= 0:
            return self.wrong(403, 50, "Not enough units")
        self.units -= 1
        reference = f"{next(self._number):08x}-orange"
        self.sent.append(
            {
                "to": given["address"].removeprefix("tel:"),
                "text": given["outboundSMSTextMessage"]["message"],
                "id": reference,
            }
        )
        where = f"{self.url}/smsmessaging/v1/outbound/{sender}/requests/{reference}"
        return Reply.of({"outboundSMSMessageRequest": {**given, "resourceURL": where}}, 201)

    def report(self, url: str, reference: str, status: str, number: str = "") -> int:
        info = {"address": f"tel:{number}", "deliveryStatus": status}
        told = {"deliveryInfoNotification": {"callbackData": reference, "deliveryInfo": info}}
        return post(url, json.dumps(told).encode(), JSON)

    def write(self, url: str, number: str, text: str, reference: str) -> int:
        """Somebody writes to the town's number."""
        message = {
            "dateTime": "2026-11-23T09:00:00.000Z", "destinationAddress": "tel:+2230000", "messageId": reference, "message": text,
            "senderAddress": f"tel:{number}",
        }  # fmt: skip
        told = {"inboundSMSMessageNotification": {"callbackData": "", "inboundSMSMessage": message}}
        return post(url, json.dumps(told).encode(), JSON)
