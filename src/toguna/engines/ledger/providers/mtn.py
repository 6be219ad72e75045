"""MTN MoMo, product Collection (and Disbursement for refunds): https://momodeveloper.mtn.com

Our UUID is the X-Reference-Id: the same one again answers 409 and charges nobody, and the state is asked by it, so that a lost
answer is no trouble. A callback (PUT or POST) is sent once and never again, and is not signed.
"""

from __future__ import annotations

import json
import re
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

LIVE = "https://proxy.momoapi.mtn.com"
_STATES = {"SUCCESSFUL": State.SUCCESS, "FAILED": State.FAILED, "REJECTED": State.FAILED, "TIMEOUT": State.EXPIRED}


def _base(given: Settings) -> str:
    return (given.get("url") or LIVE).rstrip("/")


def _headers(given: Settings, product: str, token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "X-Target-Environment": given.get("environment", "sandbox"),
        "Ocp-Apim-Subscription-Key": given[_key(product)],
    }


def _key(product: str) -> str:
    return "subscription_key" if product == "collection" else "disbursement_key"


def _send(given: Settings, product: str, method: str, path: str, data: Any = None, **more: str) -> http.Answer:
    def get() -> str:
        return http.token(
            "POST",
            f"{_base(given)}/{product}/token/",
            http.basic(given["api_user"], given["api_key"]),
            headers={"Ocp-Apim-Subscription-Key": given[_key(product)]},
            form=b"",
        )

    return http.with_token(
        get,
        lambda token: http.call(
            method,
            f"{_base(given)}/{product}/v1_0/{path}",
            data=data,
            headers={**_headers(given, product, token), **more},
        ),
    )


def _plain(words: str) -> str:
    """What MoMo takes in messages: no more than 160 simple characters."""
    return re.sub(r"[^\w .,:-]", " ", words)[:160]


def begin(asked: Asked, given: Settings) -> Begun:
    data = {
        "amount": written(asked.amount, asked.currency),
        "currency": asked.currency,
        "externalId": asked.code,
        "payer": {"partyIdType": "MSISDN", "partyId": asked.phone.lstrip("+")},
        "payerMessage": _plain(asked.words),
        "payeeNote": asked.code,
    }
    more = {"X-Reference-Id": asked.correlation}
    if asked.callback.startswith("https:") or given.get(
        "url"
    ):  # MTN calls addresses of TLS only; a simulator takes any
        more["X-Callback-Url"] = asked.callback
    answer = _send(given, "collection", "POST", "requesttopay", data, **more)
    if answer.status in (202, 409):  # 409: it was taken the first time, its answer was lost
        return Begun(theirs=asked.correlation)
    raise http.judge(answer)


def status(asked: Asked, given: Settings) -> Status:
    return _status(_send(given, "collection", "GET", f"requesttopay/{asked.correlation}"), asked)


def _status(answer: http.Answer, asked: Asked) -> Status:
    if answer.status == 404:
        return Status(State.LOST, words=answer.words())
    found = answer.json()
    if answer.status != 200 or "status" not in found:
        raise Unknown(answer.words())
    reason = found.get("reason")  # {"code", "message"}, or the bare code
    words = str(reason.get("code") or reason.get("message") or "") if isinstance(reason, dict) else str(reason or "")
    state = _STATES.get(str(found["status"]), State.PENDING)
    if state is State.FAILED and "EXPIRED" in words.upper():
        state = State.EXPIRED
    currency = str(found.get("currency") or "")
    return Status(
        state,
        units(found.get("amount"), currency),
        currency or None,
        str(found.get("financialTransactionId") or ""),
        str(found.get("externalId") or ""),
        words,
        Begun(theirs=asked.correlation),
    )


def hint(call: Call, given: Settings) -> Hint:
    found = json.loads(call.body or b"{}")
    return Hint(reference=str(found.get("externalId", "")))


def refund(asked: Asked, original: Asked, given: Settings) -> Begun:
    if not given.get("disbursement_key"):
        raise Refused("[payments.mtn] has no disbursement_key")
    data = {
        "amount": written(asked.amount, asked.currency),
        "currency": asked.currency,
        "externalId": asked.code,
        "payerMessage": _plain(asked.words),
        "payeeNote": asked.code,
        "referenceIdToRefund": original.correlation,
    }
    answer = _send(given, "disbursement", "POST", "refund", data, **{"X-Reference-Id": asked.correlation})
    if answer.status in (202, 409):
        return Begun(theirs=asked.correlation)
    raise http.judge(answer)


def refunded(asked: Asked, given: Settings) -> Status:
    return _status(_send(given, "disbursement", "GET", f"refund/{asked.correlation}"), asked)


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """The transactions of the merchant's account, as the partner portal exports them."""
    columns = {
        "transaction": ("Id", "Financial Transaction Id", "Transaction Id"),
        "reference": ("External Transaction Id", "External Id", "ExternalId"),
        "at": ("Date", "Timestamp"),
        "status": ("Status",),
        "amount": ("Amount", "External Amount"),
        "currency": ("Currency", "Amount Currency"),
        "fee": ("Fee", "To Fee"),
        "words": ("From", "From Name"),
    }
    return statements.lines(text, columns, given.get("currency", ""), success=("successful", "success"))


MTN = Provider(
    "mtn",
    "MTN MoMo",
    "push",
    begin,
    status,
    settlement,
    hint,
    settings=(
        Setting("api_user", _("API user (UUID)")),
        Setting("api_key", _("API key"), secret=True),
        Setting("subscription_key", _("Subscription key of Collection"), secret=True),
        Setting("disbursement_key", _("Subscription key of Disbursement, for refunds"), secret=True, default=""),
        Setting("environment", _("Target environment: sandbox, mtncotedivoire..."), default="sandbox"),
        Setting("url", _("Address (empty: that of production)"), default=""),
    ),
    repeatable=True,
    refund=refund,
    refunded=refunded,
)
