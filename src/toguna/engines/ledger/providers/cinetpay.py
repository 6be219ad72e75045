"""CinetPay, checkout API v2: https://docs.cinetpay.com/api/1.0-en/checkout

The payer chooses an operator on CinetPay's page. The notification is a form, signed by an HMAC over 16 of its fields in the
documented order; its address is pinged by GET. A first WAITING_FOR_CUSTOMER is not a failure.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import http, statements
from toguna.engines.ledger.providers.port import (
    Asked,
    Begun,
    Call,
    Forged,
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

LIVE = "https://api-checkout.cinetpay.com"
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
_STATES = {"ACCEPTED": State.SUCCESS, "REFUSED": State.FAILED, "CANCELED": State.FAILED, "EXPIRED": State.EXPIRED}
_UNKNOWN_TO_THEM = ("TRANSACTION_NOT_FOUND", "NOT_FOUND")


def _post(given: Settings, path: str, data: dict[str, Any]) -> http.Answer:
    base = (given.get("url") or LIVE).rstrip("/")
    return http.post(f"{base}/v2/{path}", {"apikey": given["apikey"], "site_id": given["site_id"], **data})


def name(asked: Asked) -> str:
    """Their transaction_id: each is taken once."""
    return asked.code if asked.attempt == 1 else f"{asked.code}-{asked.attempt}"


def begin(asked: Asked, given: Settings) -> Begun:
    whole = written(asked.amount, asked.currency)
    if not whole.isdigit() or int(whole) % 5:
        raise Refused("CinetPay takes amounts that are a multiple of 5 only")
    data = {
        "transaction_id": name(asked),
        "amount": int(whole),
        "currency": asked.currency,
        "description": "".join(c if c.isalnum() or c in " .-" else " " for c in asked.words)[:100] or asked.code,
        "notify_url": asked.callback,
        "return_url": asked.back,
        "channels": "MOBILE_MONEY",
        "lang": asked.language if asked.language in ("fr", "en") else "fr",
        "metadata": asked.correlation,
    }
    if asked.phone:
        data |= {"customer_phone_number": asked.phone, "lock_phone_number": True}
    answer = _post(given, "payment", data)
    found = answer.json()
    inner = found.get("data")
    if str(found.get("code")) == "201" and isinstance(inner, dict) and inner.get("payment_url"):
        return Begun(name(asked), str(inner["payment_url"]), str(inner.get("payment_token") or ""))
    raise http.judge(answer) if answer.status >= 400 else Unknown(answer.words())


def status(asked: Asked, given: Settings) -> Status:
    if not asked.theirs:
        return Status(State.LOST, words="nobody has its link")
    answer = _post(given, "payment/check", {"transaction_id": asked.theirs})
    found = answer.json()
    if str(found.get("message", "")).upper() in _UNKNOWN_TO_THEM:
        return Status(State.LOST, words=answer.words())
    inner = found.get("data")
    if not isinstance(inner, dict) or not inner.get("status"):
        raise Unknown(answer.words())
    currency = str(inner.get("currency") or "")
    return Status(
        _STATES.get(str(inner["status"]).upper(), State.PENDING),
        units(inner.get("amount"), currency),
        currency or None,
        asked.theirs,  # the operator's number (operator_id) may come later, or never
        words=f"{found.get('message', '')} {inner.get('payment_method') or ''} {inner.get('operator_id') or ''}".strip(),
    )


def mark(secret: str, form: Mapping[str, str]) -> str:
    return hmac.new(secret.encode(), "".join(form.get(one, "") for one in SIGNED).encode(), hashlib.sha256).hexdigest()


def hint(call: Call, given: Settings) -> Hint:
    if call.method == "GET":
        raise NotSent("a ping")
    form = {key: values[-1] for key, values in parse_qs(call.body.decode(), keep_blank_values=True).items()}
    told = call.headers.get("x-token", "")
    if not hmac.compare_digest(told.encode(), mark(given["secret_key"], form).encode()):
        raise Forged("the x-token is not CinetPay's")
    return Hint(reference=form.get("cpm_trans_id", "").partition("-")[0], theirs=form.get("cpm_trans_id", ""))


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """The export of the merchant's transactions."""
    columns = {
        "transaction": ("transaction_id", "Transaction ID", "ID Transaction", "cpm_trans_id"),
        "reference": ("transaction_id", "Transaction ID", "ID Transaction", "cpm_trans_id"),
        "at": ("payment_date", "Date", "Date de paiement", "cpm_trans_date"),
        "status": ("status", "Statut"),
        "amount": ("amount", "Montant", "cpm_amount"),
        "currency": ("currency", "Devise", "cpm_currency"),
        "fee": ("fees", "Frais", "Commission"),
        "words": ("operator_id", "payment_method", "Operateur"),
    }
    return statements.lines(text, columns, given.get("currency", ""), success=("accepted", "accepté", "succes"))


CINETPAY = Provider(
    "cinetpay",
    "CinetPay",
    "link",
    begin,
    status,
    settlement,
    hint,
    settings=(
        Setting("apikey", _("API key"), secret=True),
        Setting("site_id", _("Site ID")),
        Setting("secret_key", _("Secret key"), secret=True),
        Setting("url", _("Address (empty: that of production)"), default=""),
    ),
    multiple=5,
    minutes=30,
)
