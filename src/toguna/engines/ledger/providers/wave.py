"""Wave, Checkout API: https://docs.wave.com/checkout and /webhook

The payer pays on Wave's page or in its application. A session whose answer was lost is found by our client_reference; nobody
can pay a session of which nobody has the link. Events are signed over the raw body, and refused after five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import http, statements
from toguna.engines.ledger.providers.port import (
    Asked,
    Begun,
    Call,
    Forged,
    Hint,
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

LIVE = "https://api.wave.com"
OLDEST = 300  # seconds


def _send(given: Settings, method: str, path: str, data: Any = None, **more: str) -> http.Answer:
    url = f"{(given.get('url') or LIVE).rstrip('/')}/v1/checkout/sessions{path}"
    return http.call(method, url, data=data, headers={"Authorization": f"Bearer {given['api_key']}", **more})


def begin(asked: Asked, given: Settings) -> Begun:
    data = {
        "amount": written(asked.amount, asked.currency),
        "currency": asked.currency,
        "client_reference": asked.code,
        "success_url": asked.back,
        "error_url": asked.back,
    }
    if asked.phone:
        data["restrict_payer_mobile"] = asked.phone
    answer = _send(given, "POST", "", data, **{"Idempotency-Key": f"{asked.correlation}-{asked.attempt}"})
    if answer.status in (200, 201) and answer.json().get("id"):
        return _begun(answer.json())
    raise http.judge(answer) if answer.status >= 400 else Unknown(answer.words())


def _begun(session: dict[str, Any]) -> Begun:
    return Begun(str(session["id"]), str(session.get("wave_launch_url") or ""))


def status(asked: Asked, given: Settings) -> Status:
    path = f"/{quote(asked.theirs)}" if asked.theirs else f"/search?client_reference={quote(asked.code)}"
    answer = _send(given, "GET", path)
    if answer.status == 404:
        return Status(State.LOST, words=answer.words())
    session = answer.json()
    if answer.status != 200:
        raise Unknown(answer.words())
    if not asked.theirs:
        sessions = session.get("result")
        if not isinstance(sessions, list):
            raise Unknown(answer.words())
        if not sessions:
            return Status(State.LOST)
        # The one that was paid, if there are several: an attempt of ours may have been taken twice.
        session = max(
            sessions, key=lambda one: (one.get("payment_status") == "succeeded", str(one.get("when_created")))
        )
    state = State.PENDING
    if session.get("payment_status") == "succeeded":
        state = State.SUCCESS
    elif session.get("payment_status") == "cancelled":
        state = State.FAILED
    elif session.get("checkout_status") == "expired":
        state = State.EXPIRED
    fault = session.get("last_payment_error")
    currency = str(session.get("currency") or "")
    return Status(
        state,
        units(session.get("amount"), currency),
        currency or None,
        str(session.get("transaction_id") or ""),
        str(session.get("client_reference") or ""),
        str(fault.get("code", "")) if isinstance(fault, dict) else "",
        _begun(session),
    )


def signature(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()


def hint(call: Call, given: Settings) -> Hint:
    """Wave-Signature: t=1639081943,v1=942119...[,v1=...]: several while a secret is being replaced."""
    parts = [part.strip().partition("=") for part in call.headers.get("wave-signature", "").split(",")]
    stamp = next((value for name, _is, value in parts if name == "t"), "")
    if not stamp.isdigit() or abs(call.at.timestamp() - int(stamp)) > OLDEST:
        raise Forged("no signature, or one of another day")
    right = signature(given["webhook_secret"], stamp, call.body)
    if not any(name == "v1" and hmac.compare_digest(value.encode(), right.encode()) for name, _is, value in parts):
        raise Forged("the signature is not Wave's")
    data = json.loads(call.body).get("data", {})
    return Hint(str(data.get("client_reference") or ""), str(data.get("id") or ""))


def refund(asked: Asked, original: Asked, given: Settings) -> Begun:
    """The whole of a session, at once; a repeat changes nothing."""
    if asked.amount != original.amount:
        raise Refused("Wave gives back the whole of a payment only")
    answer = _send(given, "POST", f"/{quote(original.theirs)}/refund")
    if answer.status in (200, 201, 204):
        return Begun(theirs=f"{original.theirs}/refund")
    raise http.judge(answer)


def refunded(asked: Asked, given: Settings) -> Status:
    """Wave gives back at once, and repeats its answer when it is asked the same again."""
    if not asked.theirs:
        return Status(State.LOST)
    answer = _send(given, "POST", f"/{asked.theirs}")
    if answer.status not in (200, 201, 204):
        raise Unknown(answer.words())
    return Status(State.SUCCESS, asked.amount, asked.currency, asked.theirs, asked.code)


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """Wave's export of transactions: negative amounts went out."""
    columns = {
        "transaction": ("transaction_id", "Transaction ID", "Identifiant de transaction"),
        "reference": ("client_reference", "Client reference", "Reference client"),
        "at": ("timestamp", "Timestamp", "Horodatage", "Date"),
        "amount": ("amount", "Amount", "Montant"),
        "currency": ("currency", "Currency", "Devise"),
        "fee": ("fee", "Fee", "Frais"),
        "words": ("counterparty_mobile", "Counterparty mobile"),
    }
    return statements.lines(text, columns, given.get("currency", ""))


WAVE = Provider(
    "wave",
    "Wave",
    "link",
    begin,
    status,
    settlement,
    hint,
    settings=(
        Setting("api_key", _("API key"), secret=True),
        Setting("webhook_secret", _("Secret of the webhook"), secret=True),
        Setting("url", _("Address (empty: that of production)"), default=""),
    ),
    repeatable=True,
    minutes=30,
    refund=refund,
    refunded=refunded,
    refunds_whole=True,
)
