"""M-Pesa, Daraja: STK push (the phone asks for the PIN) and C2B (paid at our pay-bill number). https://developer.safaricom.co.ke

Nothing is signed and nothing is idempotent: a push whose answer was lost is never sent again, its callback comes to an address
that only Safaricom was told, and brings the name by which its state is asked. The answer to that question says neither the amount
(it is ours: the payer cannot change it) nor the receipt number, which only the callback has.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import http, statements
from toguna.engines.ledger.providers.port import (
    Asked,
    Begun,
    Call,
    Hint,
    NotSent,
    Provider,
    Refused,
    Setting,
    Settings,
    Settled,
    State,
    Status,
    Unknown,
    units,
    written,
)

LIVE = "https://api.safaricom.co.ke"
CURRENCY = "KES"
_EXPIRED = {"1037", "1019", "1036"}  # the phone was not reached; it has expired
_FAILED = {"1", "1032", "2001", "1025", "9999", "17", "26"}  # no money, cancelled, wrong PIN...
_WAITS = {"4999"}  # "still under processing"
_ZONE = ZoneInfo("Africa/Nairobi")


def _send(given: Settings, path: str, data: Any) -> http.Answer:
    base = (given.get("url") or LIVE).rstrip("/")

    def get() -> str:
        word = http.basic(given["consumer_key"], given["consumer_secret"])
        return http.token("GET", f"{base}/oauth/v1/generate?grant_type=client_credentials", word)

    return http.with_token(
        get, lambda token: http.post(f"{base}/mpesa/{path}", data, {"Authorization": f"Bearer {token}"})
    )


def _password(given: Settings) -> dict[str, str]:
    stamp = datetime.now(_ZONE).strftime("%Y%m%d%H%M%S")
    word = base64.b64encode(f"{given['short_code']}{given['passkey']}{stamp}".encode()).decode()
    return {"BusinessShortCode": given["short_code"], "Password": word, "Timestamp": stamp}


def begin(asked: Asked, given: Settings) -> Begun:
    whole = written(asked.amount, asked.currency)
    if asked.currency != given.get("currency", CURRENCY) or not whole.isdigit():
        raise Refused(f"M-Pesa takes whole amounts of {given.get('currency', CURRENCY)} only")
    data = {
        **_password(given),
        "TransactionType": given.get("type") or "CustomerPayBillOnline",
        "Amount": int(whole),
        "PartyA": asked.phone.lstrip("+"),
        "PartyB": given.get("till") or given["short_code"],
        "PhoneNumber": asked.phone.lstrip("+"),
        "CallBackURL": asked.callback,
        "AccountReference": asked.code[:12],
        "TransactionDesc": "Payment",  # 13 characters at most
    }
    answer = _send(given, "stkpush/v1/processrequest", data)
    found = answer.json()
    if answer.status == 200 and str(found.get("ResponseCode")) == "0" and found.get("CheckoutRequestID"):
        return Begun(theirs=str(found["CheckoutRequestID"]))
    fault = str(found.get("errorCode") or found.get("ResponseCode") or "")
    if fault == "500.003.02" or answer.status in (401, 429, 503):  # "System is busy", spike arrest
        raise NotSent(answer.words())
    if fault == "500.001.1001" or 400 <= answer.status < 408 or (answer.status == 200 and fault):
        raise Refused(answer.words())
    raise Unknown(answer.words())


def status(asked: Asked, given: Settings) -> Status:
    if not asked.theirs:
        raise Unknown("M-Pesa has not said yet how it calls this payment")
    data = {**_password(given), "CheckoutRequestID": asked.theirs}
    answer = _send(given, "stkpushquery/v1/query", data)
    found = answer.json()
    if found.get("errorCode") == "500.001.1001":  # "The transaction is being processed"
        return Status(State.PENDING, words=str(found.get("errorMessage") or ""))
    if answer.status != 200 or "ResultCode" not in found:
        raise Unknown(answer.words())
    code, words = str(found["ResultCode"]), str(found.get("ResultDesc") or "")
    if code == "0":
        return Status(State.SUCCESS, transaction=asked.transaction or asked.theirs, words=words)
    if code in _WAITS:
        return Status(State.PENDING, words=words)
    if code in _EXPIRED:
        return Status(State.EXPIRED, words=f"{code}: {words}")
    if code in _FAILED:
        return Status(State.FAILED, words=f"{code}: {words}")
    raise Unknown(f"{code}: {words}")  # their list grows: what we do not know is not taken for a failure


def hint(call: Call, given: Settings) -> Hint:
    """Of an STK push, or of a payment at the pay-bill number (C2B confirmation)."""
    found = json.loads(call.body)
    told = found.get("Body", {}).get("stkCallback") if isinstance(found.get("Body"), dict) else None
    currency = given.get("currency", CURRENCY)
    if isinstance(told, dict):
        items = told.get("CallbackMetadata", {}).get("Item", [])
        said = {item["Name"]: item.get("Value") for item in items if isinstance(item, dict) and "Name" in item}
        return Hint(
            theirs=str(told["CheckoutRequestID"]),
            transaction=str(said.get("MpesaReceiptNumber") or ""),
            amount=units(said.get("Amount"), currency),
        )
    if found.get("TransID"):
        return Hint(
            reference=str(found.get("BillRefNumber") or "")[:80],
            transaction=str(found["TransID"])[:80],
            amount=units(found.get("TransAmount"), currency),
            arrived=True,
            phone=str(found.get("MSISDN") or "")[:20],
            at=_moment(str(found.get("TransTime") or "")),
        )
    raise ValueError("neither an STK callback nor a C2B confirmation")


def _moment(typed: str) -> datetime | None:
    try:
        return datetime.strptime(typed, "%Y%m%d%H%M%S").replace(tzinfo=_ZONE)
    except ValueError:
        return None


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """The organisation's statement: Receipt No., Completion Time, ..., Paid In, Withdrawn, ..., A/C No."""
    columns = {
        "transaction": ("Receipt No.", "Receipt No", "Receipt"),
        "reference": ("A/C No.", "A/C No", "Account No."),
        "at": ("Completion Time",),
        "status": ("Transaction Status",),
        "amount": ("Paid In",),
        "out": ("Withdrawn",),
        "words": ("Other Party Info",),
    }
    return statements.lines(text, columns, given.get("currency", CURRENCY), success=("completed",))


MPESA = Provider(
    "mpesa",
    "M-Pesa",
    "push",
    begin,
    status,
    settlement,
    hint,
    settings=(
        Setting("consumer_key", _("Consumer key")),
        Setting("consumer_secret", _("Consumer secret"), secret=True),
        Setting("short_code", _("Pay-bill number (short code)")),
        Setting("passkey", _("Passkey"), secret=True),
        Setting("till", _("Till number, where it is not the short code"), default=""),
        Setting("type", _("CustomerPayBillOnline or CustomerBuyGoodsOnline"), default="CustomerPayBillOnline"),
        Setting("currency", _("Currency of the account"), default=CURRENCY),
        Setting("url", _("Address (empty: that of production)"), default=""),
    ),
    multiple=1,
    minutes=3,
    answer=b'{"ResultCode": 0, "ResultDesc": "Accepted"}',
)
