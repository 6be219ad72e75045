"""MTN MoMo, products Collection and Disbursement, as far as the town uses them. https://momodeveloper.mtn.com"""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any

from toguna.simulate.frame import Asked, Reply
from toguna.simulate.money import Call, MoneyCompany, Payment, table

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Mtn(MoneyCompany):
    """Options: api_user, api_key, subscription_key, environment."""

    name = "mtn"
    port = 9321

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tokens: set[str] = set()
        self.refunds: dict[str, dict[str, str]] = {}

    def take(self, asked: Asked) -> Reply:
        product = asked.path.split("/")[1]
        if asked.headers.get("ocp-apim-subscription-key") != self.options.get("subscription_key", "key"):
            return Reply.of({"statusCode": 401, "message": "Access denied due to invalid subscription key."}, 401)
        if asked.path == f"/{product}/token/":
            pair = f"{self.options.get('api_user', 'user')}:{self.options.get('api_key', 'secret')}"
            if asked.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return Reply.of({"error": "login_failed"}, 401)
            token = f"{product}-{uuid.uuid4().hex}"
            self.tokens.add(token)
            return Reply.of({"access_token": token, "token_type": "access_token", "expires_in": 3600})
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or not token.startswith(product):
            return Reply.of({"error": "invalid_token"}, 401)
        if asked.headers.get("x-target-environment") != self.options.get("environment", "sandbox"):
            return Reply.of({"code": "NOT_ALLOWED_TARGET_ENVIRONMENT"}, 500)
        if asked.path == "/collection/v1_0/requesttopay" and asked.method == "POST":
            return self._ask(asked)
        if asked.path == "/disbursement/v1_0/refund" and asked.method == "POST":
            return self._refund(asked)
        return self._state(asked.path)

    def _ask(self, asked: Asked) -> Reply:
        key, given = asked.headers.get("x-reference-id", ""), asked.json()
        if not _UUID.fullmatch(key):
            return Reply.of({"message": "Reference id is not in UUID format"}, 400)
        if key in self.payments:
            return self.conflict
        if not isinstance(given["amount"], str) or given["payer"]["partyIdType"] != "MSISDN":
            return Reply.of({"message": "Bad request"}, 400)
        payment = Payment(
            key, given["externalId"], given["amount"], given["currency"], given["payer"]["partyId"],
            asked.headers.get("x-callback-url", ""),
        )  # fmt: skip
        return self.accept(payment, Reply(202, b""))

    def _refund(self, asked: Asked) -> Reply:
        key, given = asked.headers["x-reference-id"], asked.json()
        if key in self.refunds:
            return self.conflict
        payment = self.payments.get(given["referenceIdToRefund"])
        if payment is None or payment.state != "success" or payment.refunded:
            return Reply.of({"code": "RESOURCE_NOT_FOUND"}, 404)
        payment.refunded = True
        self.refunds[key] = {**given, "financialTransactionId": self.number(), "status": "SUCCESSFUL"}
        return Reply(202, b"")

    def _state(self, path: str) -> Reply:
        key = path.rpartition("/")[2]
        if path == f"/disbursement/v1_0/refund/{key}" and key in self.refunds:
            return Reply.of(self.refunds[key])
        if path != f"/collection/v1_0/requesttopay/{key}" or key not in self.payments:
            return Reply.of({"code": "RESOURCE_NOT_FOUND", "message": "Requested resource was not found."}, 404)
        return Reply.of(self._resource(self.payments[key]))

    def _resource(self, payment: Payment) -> dict[str, Any]:
        said: dict[str, Any] = {
            "amount": payment.paid or payment.amount, "currency": payment.paid_currency or payment.currency, "externalId": payment.reference,
            "payer": {"partyIdType": "MSISDN", "partyId": payment.phone}, "payerMessage": "", "payeeNote": "",
            "status": {"pending": "PENDING", "success": "SUCCESSFUL"}.get(payment.state, "FAILED"),
        }  # fmt: skip
        if payment.state == "success":
            said["financialTransactionId"] = payment.transaction
        elif payment.state == "failed":
            said["reason"] = {"code": "APPROVAL_REJECTED", "message": "The payer has refused."}
        elif payment.state == "expired":
            said["reason"] = "EXPIRED"  # a bare string, as they do
        return said

    def call(self, payment: Payment) -> Call | None:
        if not payment.callback:
            return None
        body = json.dumps(self._resource(payment)).encode()
        return Call(payment.callback, body, {"Content-Type": "application/json"}, "PUT")

    def export(self) -> str:
        rows = [
            [
                p.transaction,
                p.reference,
                "2026-11-23 10:00:00",
                "Successful",
                "Payment",
                p.paid,
                p.paid_currency,
                "0",
                p.phone,
            ]
            for p in self.payments.values()
            if p.state == "success"
        ]
        return table("Id,External Transaction Id,Date,Status,Type,Amount,Currency,Fee,From", rows)
