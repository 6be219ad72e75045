"""M-Pesa's Daraja, as far as the town uses it: STK push, its query, C2B confirmations. https://developer.safaricom.co.ke"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from toguna.simulate.frame import Asked, Reply
from toguna.simulate.money import Call, MoneyCompany, Payment, table

JSON = {"Content-Type": "application/json"}
_SAID = {
    "success": (0, "The service request is processed successfully."),
    "failed": (1032, "Request cancelled by user"),
    "expired": (1037, "DS timeout user cannot be reached"),
}


class Mpesa(MoneyCompany):
    """Options: consumer_key, consumer_secret, short_code, passkey."""

    name = "mpesa"
    only = "KES"
    port = 9324

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.tokens: set[str] = set()
        self.paid_in: list[Payment] = []  # at the pay-bill number, without having been asked

    def take(self, asked: Asked) -> Reply:
        if asked.path.startswith("/oauth/v1/generate"):
            pair = f"{self.options.get('consumer_key', 'key')}:{self.options.get('consumer_secret', 'secret')}"
            if asked.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return Reply.of({"errorCode": "400.008.01", "errorMessage": "Invalid Authentication passed"}, 400)
            token = uuid.uuid4().hex
            self.tokens.add(token)
            return Reply.of({"access_token": token, "expires_in": "3599"})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return self.wrong(401, "404.001.03", "Invalid Access Token")
        given = asked.json()
        short = self.options.get("short_code", "174379")
        word = base64.b64encode(f"{short}{self.options.get('passkey', 'pass')}{given['Timestamp']}".encode()).decode()
        if given["Password"] != word:
            return self.wrong(500, "500.001.1001", "Wrong credentials")
        if asked.path == "/mpesa/stkpush/v1/processrequest":
            return self._ask(given)
        return self._state(given)

    def wrong(self, status: int, code: str, words: str) -> Reply:
        return Reply.of({"requestId": uuid.uuid4().hex, "errorCode": code, "errorMessage": words}, status)

    def _ask(self, given: dict[str, Any]) -> Reply:
        if (
            not isinstance(given["Amount"], int)
            or len(given["AccountReference"]) > 12
            or len(given["TransactionDesc"]) > 13
        ):
            return self.wrong(400, "400.002.02", "Bad Request - Invalid Amount, AccountReference or TransactionDesc")
        if not str(given["PhoneNumber"]).isdigit():
            return self.wrong(400, "400.002.02", "Bad Request - Invalid PhoneNumber")
        payment = Payment(
            f"ws_CO_{uuid.uuid4().hex[:20]}", given["AccountReference"], str(given["Amount"]), "KES", str(given["PhoneNumber"]),
            given["CallBackURL"],
        )  # fmt: skip
        answer = {
            "MerchantRequestID": uuid.uuid4().hex[:16], "CheckoutRequestID": payment.id, "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing", "CustomerMessage": "Success.",
        }  # fmt: skip
        return self.accept(payment, Reply.of(answer))

    def _state(self, given: dict[str, Any]) -> Reply:
        payment = self.payments.get(given["CheckoutRequestID"])
        if payment is None or payment.state == "pending":
            return self.wrong(500, "500.001.1001", "The transaction is being processed")
        code, words = _SAID[payment.state]
        said = {
            "ResponseCode": "0", "ResponseDescription": "The service request has been accepted successsfully", "MerchantRequestID": "1",
            "CheckoutRequestID": payment.id, "ResultCode": str(code), "ResultDesc": words,
        }  # fmt: skip
        return Reply.of(said)

    def call(self, payment: Payment) -> Call | None:
        if payment.state not in _SAID:
            return None  # nothing is told before the end
        code, words = _SAID[payment.state]
        told: dict[str, Any] = {
            "MerchantRequestID": "1", "CheckoutRequestID": payment.id, "ResultCode": code, "ResultDesc": words,
        }  # fmt: skip
        if code == 0:
            values = {
                "Amount": float(payment.paid),
                "MpesaReceiptNumber": payment.transaction,
                "PhoneNumber": payment.phone,
            }
            told["CallbackMetadata"] = {"Item": [{"Name": name, "Value": value} for name, value in values.items()]}
        return Call(payment.callback, json.dumps({"Body": {"stkCallback": told}}).encode(), JSON)

    def pay_bill(self, url: str, reference: str, amount: str, phone: str = "254700000001") -> Payment:
        """Somebody pays at the town's number, typing a reference; the town is told at its C2B confirmation address."""
        payment = Payment(
            "", reference, amount, "KES", phone, url, state="success", transaction=self.number(), paid=amount
        )
        payment.paid_currency = "KES"
        self.paid_in.append(payment)
        self.confirm(payment)
        return payment

    def confirm(self, payment: Payment) -> None:
        told = {
            "TransactionType": "Pay Bill", "TransID": payment.transaction, "TransTime": "20261123100000", "TransAmount": f"{payment.paid}.00",
            "BusinessShortCode": self.options.get("short_code", "174379"), "BillRefNumber": payment.reference, "InvoiceNumber": "",
            "OrgAccountBalance": "", "ThirdPartyTransID": "", "MSISDN": payment.phone, "FirstName": "AWA",
        }  # fmt: skip
        self.send(Call(payment.callback, json.dumps(told).encode(), JSON))

    def export(self) -> str:
        rows = [
            [p.transaction, "2026-11-23 10:00:00", "Completed", p.paid, "", f"{p.phone} - AWA", p.reference]
            for p in [*self.payments.values(), *self.paid_in]
            if p.state == "success"
        ]
        return table("Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn,Other Party Info,A/C No.", rows)
