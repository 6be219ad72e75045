"""Wave's Checkout API, as far as the town uses it. https://docs.wave.com/checkout"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from toguna.simulate.frame import Asked, Reply
from toguna.simulate.money import Call, MoneyCompany, Payment, table


class Wave(MoneyCompany):
    """Options: api_key, webhook_secret, webhook (the address that was given in the portal)."""

    name = "wave"
    port = 9322
    link = True
    signs = ("Wave-Signature",)
    conflict = Reply.of({"code": "idempotency-mismatch", "message": "the same key, another request"}, 409)

    def take(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {self.options.get('api_key', 'key')}":
            return Reply.of({"code": "invalid-auth", "message": "your api key is invalid"}, 401)
        parts = urlsplit(asked.path)
        rest = parts.path.removeprefix("/v1/checkout/sessions").strip("/")
        if asked.method == "POST" and not rest:
            return self._ask(asked)
        if rest == "search":
            wanted = parse_qs(parts.query)["client_reference"][0]
            return Reply.of({"result": [self._session(p) for p in self.payments.values() if p.reference == wanted]})
        name, _slash, verb = rest.partition("/")
        payment = self.payments.get(name)
        if payment is None:
            return Reply.of({"code": "checkout-session-not-found"}, 404)
        if verb == "refund":
            if payment.state != "success":
                return Reply.of({"code": "checkout-refund-failed"}, 400)
            payment.refunded = True
            return Reply(200, b"")
        return Reply.of(self._session(payment))

    def _ask(self, asked: Asked) -> Reply:
        given, key = asked.json(), asked.headers.get("idempotency-key", "")
        if not isinstance(given["amount"], str) or not given["amount"].isdigit():
            return Reply.of({"code": "request-validation-error", "details": [{"loc": ["amount"]}]}, 422)
        known = next((p for p in self.payments.values() if key and p.key == key), None)
        if known is not None:
            return Reply.of(self._session(known))
        payment = Payment(
            f"cos-{uuid.uuid4().hex[:12]}", given["client_reference"], given["amount"], given["currency"],
            given.get("restrict_payer_mobile", ""), self.options.get("webhook", ""), key, given["success_url"],
        )  # fmt: skip
        return self.accept(payment, Reply.of(self._session(payment)))

    def _session(self, payment: Payment) -> dict[str, Any]:
        return {
            "id": payment.id, "amount": payment.paid or payment.amount, "currency": payment.paid_currency or payment.currency,
            "client_reference": payment.reference, "business_name": "Town", "last_payment_error": None,
            "checkout_status": {"pending": "open", "success": "complete"}.get(payment.state, "expired"),
            "payment_status": {"success": "succeeded", "failed": "cancelled"}.get(payment.state, "processing"),
            "transaction_id": payment.transaction or None, "wave_launch_url": f"{self.url}/page/{payment.id}",
            "when_created": "2026-11-23T10:00:00Z", "when_expires": "2026-11-23T10:30:00Z", "success_url": payment.back,
            "error_url": payment.back,
        }  # fmt: skip

    def call(self, payment: Payment) -> Call | None:
        kind = "completed" if payment.state == "success" else "payment_failed"
        event = {"id": f"EV_{payment.id}", "type": f"checkout.session.{kind}", "data": self._session(payment)}
        body, stamp = json.dumps(event).encode(), str(int(time.time()))
        secret = self.options.get("webhook_secret", "hook").encode()
        mark = hmac.new(secret, stamp.encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Wave-Signature": f"t={stamp},v1={mark}"}
        return Call(payment.callback, body, headers)

    def export(self) -> str:
        rows = [
            [
                "2026-11-23T10:00:00Z",
                p.transaction,
                "merchant_payment",
                p.paid,
                "0",
                p.paid_currency,
                p.phone,
                p.reference,
            ]
            for p in self.payments.values()
            if p.state == "success"
        ]
        head = "timestamp,transaction_id,transaction_type,amount,fee,currency,counterparty_mobile,client_reference"
        return table(head, rows)
