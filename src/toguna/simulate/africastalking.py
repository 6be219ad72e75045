"""Africa's Talking, as far as SMS go: https://developers.africastalking.com/docs/sms/sending/bulk"""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import parse_qs, urlencode

from toguna.simulate.frame import Asked, Company, Reply, post

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class AfricasTalking(Company):
    """Options: username, api_key. `say` {number: status code} is what some recipients get; `refuse` what all requests get: a
    good status with an error inside."""

    name = "africastalking"
    port = 9311

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.say: dict[str, tuple[int, str]] = {}
        self.refuse = ""
        self._number = itertools.count(1)

    def reply(self, asked: Asked) -> Reply:
        if asked.path != "/version1/messaging" or asked.method != "POST":
            return Reply(404, b"no such page")
        form = {name: values[0] for name, values in parse_qs(asked.body.decode(), strict_parsing=True).items()}
        if asked.headers.get("apikey") != self.options.get("api_key", "key") or form["username"] != self.options.get(
            "username", "sandbox"
        ):
            return Reply(401, b"The supplied authentication is invalid")
        if self.refuse:
            return Reply.of({"SMSMessageData": {"Message": self.refuse, "Recipients": []}}, 201)
        recipients = []
        for number in form["to"].split(","):
            code, words = self.say.get(number, (101, "Success"))
            reference = f"ATXid_{next(self._number)}" if code <= 102 else "None"
            if code <= 102:
                self.sent.append({"to": number, "text": form["message"], "from": form.get("from", ""), "id": reference})
            recipients.append(
                {"statusCode": code, "number": number, "status": words, "cost": "XOF 12.0", "messageId": reference}
            )
        total = f"Sent to {len(recipients)}/{len(recipients)} Total Cost: XOF 12.0"
        return Reply.of({"SMSMessageData": {"Message": total, "Recipients": recipients}}, 201)

    def report(self, url: str, reference: str, status: str, number: str = "", reason: str = "") -> int:
        form = {"id": reference, "status": status, "phoneNumber": number, "networkCode": "61002"}
        return post(url, urlencode({**form, "failureReason": reason} if reason else form).encode(), FORM)

    def write(self, url: str, number: str, text: str, reference: str) -> int:
        """Somebody writes to the town's short number."""
        form = {
            "from": number,
            "to": "36000",
            "text": text,
            "id": reference,
            "date": "2026-11-23 09:00:00",
            "linkId": "l1",
        }
        return post(url, urlencode(form).encode(), FORM)
