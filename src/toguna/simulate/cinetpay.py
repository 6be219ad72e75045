"""CinetPay's checkout API v2, as far as the town uses it. https://docs.cinetpay.com/api/1.0-en/checkout"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import Any
from urllib.parse import urlencode

from toguna.simulate.frame import Asked, Reply
from toguna.simulate.money import Call, MoneyCompany, Payment, table

# The order in which the documentation joins them.
SIGNED = (
    "cpm_site_id",
    "cpm_trans_id",
    "cpm_trans_date",
    "cpm_amount",
    "cpm_currency",
    "signature",
    "payment_method",
    "cel_phone_num",
    "cpm_phone_prefixe",
    "cpm_language",
    "cpm_version",
    "cpm_payment_config",
    "cpm_page_action",
    "cpm_custom",
    "cpm_designation",
    "cpm_error_message",
)
_STATES = {"success": ("00", "SUCCES", "ACCEPTED"), "failed": ("627", "TRANSACTION_CANCEL", "REFUSED"), "expired": ("600", "PAYMENT_FAILED", "EXPIRED")}  # fmt: skip


class CinetPay(MoneyCompany):
    """Options: apikey, site_id, secret_key. Sends a first notification while it waits for the payer."""

    name = "cinetpay"
    port = 9325
    link = True
    signs = ("x-token",)
    conflict = Reply.of({"code": "409", "message": "TRANSACTION_EXIST", "description": "transaction_id"}, 409)

    def take(self, asked: Asked) -> Reply:
        given = asked.json()
        if "toguna" not in asked.headers.get("user-agent", "").lower():
            return Reply.of({"code": "403", "message": "forbidden"}, 403)  # they refuse requests without a User-Agent
        if given["apikey"] != self.options.get("apikey", "key") or given["site_id"] != self.options.get(
            "site_id", "100"
        ):
            return Reply.of({"code": "609", "message": "AUTH_NOT_FOUND"}, 403)
        if asked.path == "/v2/payment":
            return self._ask(given)
        if asked.path != "/v2/payment/check":
            return Reply.of({"code": "404", "message": "NOT_FOUND"}, 404)
        payment = self.payments.get(given["transaction_id"])
        if payment is None:
            return Reply.of({"code": "723", "message": "NOT_FOUND", "data": []}, 404)
        code, words, state = _STATES.get(payment.state, ("662", "WAITING_CUSTOMER_PAYMENT", "WAITING_FOR_CUSTOMER"))
        said = {
            "amount": payment.paid or payment.amount, "currency": payment.paid_currency or payment.currency, "status": state,
            "payment_method": "OM", "description": "", "metadata": payment.key, "operator_id": payment.transaction or None,
            "payment_date": "2026-11-23 10:00:00",
        }  # fmt: skip
        return Reply.of({"code": code, "message": words, "data": said, "api_response_id": "1"})

    def _ask(self, given: dict[str, Any]) -> Reply:
        name = given["transaction_id"]
        if (
            not isinstance(given["amount"], int)
            or given["amount"] % 5
            or any(c in "#/$_&" for c in given["description"])
        ):
            return Reply.of({"code": "608", "message": "MINIMUM_REQUIRED_FIELDS"}, 400)
        if name in self.payments:
            return self.conflict
        payment = Payment(
            name, name.partition("-")[0], str(given["amount"]), given["currency"], given.get("customer_phone_number", ""),
            given["notify_url"], given["metadata"], given["return_url"],
        )  # fmt: skip
        inner = {"payment_token": uuid.uuid4().hex, "payment_url": f"{self.url}/page/{name}"}
        return self.accept(payment, Reply.of({"code": "201", "message": "CREATED", "data": inner}, 201))

    def call(self, payment: Payment) -> Call | None:
        form = dict.fromkeys(SIGNED, "") | {
            "cpm_site_id": self.options.get("site_id", "100"), "cpm_trans_id": payment.id, "cpm_trans_date": "2026-11-23 10:00:00",
            "cpm_amount": payment.paid or payment.amount, "cpm_currency": payment.paid_currency or payment.currency, "cpm_version": "V4",
            "payment_method": "OM", "cel_phone_num": payment.phone, "cpm_error_message": _STATES.get(payment.state, ("", "WAITING_FOR_CUSTOMER"))[1],
        }  # fmt: skip
        joined = "".join(form[name] for name in SIGNED)
        mark = hmac.new(self.options.get("secret_key", "secret").encode(), joined.encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "x-token": mark}
        return Call(payment.callback, urlencode(form).encode(), headers)

    def export(self) -> str:
        rows = [
            [p.id, "2026-11-23 10:00:00", "ACCEPTED", p.paid, p.paid_currency, "0", p.transaction]
            for p in self.payments.values()
            if p.state == "success"
        ]
        return table("transaction_id,payment_date,status,amount,currency,fees,operator_id", rows)
