"""Orange Money Web Payment, as far as the town uses it. https://developer.orange.com/apis/om-webpay"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from toguna.simulate.frame import Asked, Reply
from toguna.simulate.money import Call, MoneyCompany, Payment, table

_STATES = {"success": "SUCCESS", "failed": "FAILED", "expired": "EXPIRED"}


class OrangeMoney(MoneyCompany):
    """Options: client_id, client_secret, merchant_key, country."""

    name = "orange-money"
    port = 9323
    link = True
    conflict = Reply.of({"code": 409, "message": "Conflict", "description": "order_id already used"}, 409)

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tokens: set[str] = set()

    def take(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/v3/token":
            pair = f"{self.options.get('client_id', 'id')}:{self.options.get('client_secret', 'secret')}"
            if asked.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return Reply.of({"code": 41, "message": "Invalid credentials"}, 401)
            token = uuid.uuid4().hex
            self.tokens.add(token)
            return Reply.of({"token_type": "Bearer", "access_token": token, "expires_in": 7776000})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply.of({"code": 42, "message": "Expired credentials"}, 401)
        given, base = asked.json(), f"/orange-money-webpay/{self.options.get('country', 'dev')}/v1"
        if asked.path == f"{base}/webpayment":
            return self._ask(given)
        if asked.path != f"{base}/transactionstatus":
            return Reply.of({"code": 60, "message": "Resource not found"}, 404)
        payment = self.payments.get(given["pay_token"])
        # Whoever asks says the amount: one that is not the transaction's is no question about it.
        if (
            payment is None
            or payment.more["order"] != given["order_id"]
            or str(given["amount"]) != (payment.paid or payment.amount)
        ):
            return Reply.of({"code": 60, "message": "Resource not found", "description": "no such transaction"}, 404)
        if payment.paid_currency not in ("", payment.currency):
            return Reply.of({"code": 60, "message": "Resource not found", "description": "no such transaction"}, 404)
        state = _STATES.get(payment.state, "INITIATED")
        return Reply.of({"status": state, "order_id": given["order_id"], "txnid": payment.transaction}, 201)

    def _ask(self, given: dict[str, Any]) -> Reply:
        if given["merchant_key"] != self.options.get("merchant_key", "merchant"):
            return Reply.of({"code": 24, "message": "Invalid body field", "description": "merchant_key"}, 400)
        if given["currency"] != ("OUV" if self.options.get("country", "dev") == "dev" else given["currency"]):
            return Reply.of({"code": 24, "message": "Invalid body field", "description": "currency"}, 400)
        if any(p.more["order"] == given["order_id"] for p in self.payments.values()):
            return self.conflict
        if len(given["order_id"]) > 30 or len(given["reference"]) > 30 or not isinstance(given["amount"], int | float):
            return Reply.of({"code": 24, "message": "Invalid body field"}, 400)
        payment = Payment(
            uuid.uuid4().hex, given["order_id"].partition("-")[0], str(given["amount"]), given["currency"], "", given["notif_url"],
            back=given["return_url"], more={"order": given["order_id"], "notif_token": uuid.uuid4().hex},
        )  # fmt: skip
        answer = {
            "status": 201, "message": "OK", "pay_token": payment.id, "payment_url": f"{self.url}/page/{payment.id}",
            "notif_token": payment.more["notif_token"],
        }  # fmt: skip
        return self.accept(payment, Reply.of(answer, 201))

    def call(self, payment: Payment) -> Call | None:
        told = {
            "status": _STATES.get(payment.state, "PENDING"),
            "notif_token": payment.more["notif_token"],
            "txnid": payment.transaction,
        }
        return Call(payment.callback, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def forge(self, payment: Payment) -> Call | None:
        told = {"status": "SUCCESS", "notif_token": "deadbeef", "txnid": "FORGED1"}
        return Call(payment.callback, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def export(self) -> str:
        rows = [
            [
                p.transaction,
                p.more["order"],
                "23/11/2026 10:00:00",
                "SUCCESS",
                p.paid,
                p.paid_currency.replace("OUV", "XOF"),
                "0",
            ]
            for p in self.payments.values()
            if p.state == "success"
        ]
        return table("Transaction ID,Order ID,Date,Status,Amount,Currency,Fee", rows)
