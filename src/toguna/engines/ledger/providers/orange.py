"""Orange Money Web Payment: https://developer.orange.com/apis/om-webpay

The payer pays on Orange's page. An answer that was lost gave nobody a link: nothing can have been paid, and the next attempt
takes another order_id, for Orange takes each but once. The state is asked with the amount, and does not repeat it.
A callback repeats our notif_token, which is all that tells it from anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import http, statements
from toguna.engines.ledger.providers.port import (
    Asked,
    Begun,
    Call,
    Hint,
    Provider,
    Setting,
    Settings,
    Settled,
    State,
    Status,
    Unknown,
    written,
)

LIVE = "https://api.orange.com"
_STATES = {"SUCCESS": State.SUCCESS, "FAILED": State.FAILED, "EXPIRED": State.EXPIRED}
SANDBOX_CURRENCY = "OUV"


def _send(given: Settings, path: str, data: Any) -> http.Answer:
    base = (given.get("url") or LIVE).rstrip("/")

    def get() -> str:
        word = http.basic(given["client_id"], given["client_secret"])
        return http.token("POST", f"{base}/oauth/v3/token", word, form=b"grant_type=client_credentials")

    url = f"{base}/orange-money-webpay/{given['country']}/v1/{path}"
    return http.with_token(get, lambda token: http.post(url, data, {"Authorization": f"Bearer {token}"}))


def order(asked: Asked) -> str:
    return asked.code if asked.attempt == 1 else f"{asked.code}-{asked.attempt}"


def _amount(asked: Asked) -> int | float:
    whole = written(asked.amount, asked.currency)
    return float(whole) if "." in whole else int(whole)


def begin(asked: Asked, given: Settings) -> Begun:
    data = {
        "merchant_key": given["merchant_key"],
        "currency": SANDBOX_CURRENCY if given["country"] == "dev" else asked.currency,
        "order_id": order(asked),
        "amount": _amount(asked),
        "return_url": asked.back,
        "cancel_url": asked.back,
        "notif_url": asked.callback,
        "lang": asked.language if asked.language in ("fr", "en") else "fr",
        "reference": asked.words[:30],
    }
    answer = _send(given, "webpayment", data)
    found = answer.json()
    if answer.status in (200, 201) and found.get("pay_token") and found.get("payment_url"):
        return Begun(str(found["pay_token"]), str(found["payment_url"]), str(found.get("notif_token") or ""))
    raise http.judge(answer) if answer.status >= 400 else Unknown(answer.words())


def status(asked: Asked, given: Settings) -> Status:
    if not asked.theirs:
        return Status(State.LOST, words="nobody has its link")
    data = {"order_id": order(asked), "amount": _amount(asked), "pay_token": asked.theirs}
    answer = _send(given, "transactionstatus", data)
    found = answer.json()
    if answer.status not in (200, 201) or not found.get("status"):
        raise Unknown(answer.words())
    return Status(
        _STATES.get(str(found["status"]), State.PENDING),
        transaction=str(found.get("txnid") or ""),
        reference=str(found.get("order_id") or "").partition("-")[0],
    )


def hint(call: Call, given: Settings) -> Hint:
    found = json.loads(call.body)
    return Hint(secret=str(found.get("notif_token") or ""))


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """The merchant's report of transactions."""
    columns = {
        "transaction": ("Transaction ID", "ID Transaction", "txnid", "Numéro de transaction", "Référence"),
        "reference": ("Order ID", "order_id", "Référence marchand", "Reference number"),
        "at": ("Date", "Date et heure", "Transaction Date"),
        "status": ("Status", "Statut", "Etat"),
        "amount": ("Amount", "Montant", "Crédit"),
        "currency": ("Currency", "Devise"),
        "fee": ("Fee", "Frais", "Commission"),
        "words": ("Msisdn", "Correspondant"),
    }
    success = ("success", "succès", "succes", "successful", "réussie")
    return statements.lines(text, columns, given.get("currency", ""), success=success)


ORANGE = Provider(
    "orange-money",
    "Orange Money",
    "link",
    begin,
    status,
    settlement,
    hint,
    settings=(
        Setting("client_id", _("Client ID")),
        Setting("client_secret", _("Client secret"), secret=True),
        Setting("merchant_key", _("Merchant key"), secret=True),
        Setting("country", _("Country in the address: ml, ci, sn...; dev for trying"), default="dev"),
        Setting("url", _("Address (empty: that of production)"), default=""),
    ),
    minutes=20,
)
