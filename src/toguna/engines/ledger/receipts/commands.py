"""RECEIPT: whether a receipt is the town's, by SMS or USSD, from its number."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.ledger.receipts import reads
from toguna.kernel import limits

A_DAY = 60  # by one telephone: a market inspector's; nobody tries all numbers


def _read(_said: Said, typed: str) -> str:
    words = typed.strip()[:1000]
    if not any(letter.isdecimal() for letter in words):
        raise NotUnderstood(_("Send the number that stands on the receipt, such as G1-2026-000123."))
    return words


def _guess(said: Said) -> str | None:
    try:
        return _read(said, said.text)
    except NotUnderstood:
        return None


def _run(said: Said) -> str:
    try:
        limits.hit("ledger.check", said.address, at_most=A_DAY, per=timedelta(days=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from error
    return reads.check_receipt(said.slots["number"])


RECEIPT = Command(
    name="receipt",
    title=gettext_lazy("check a receipt"),
    keywords={"fr": ("RECU", "QUITTANCE"), "pt": ("RECIBO",), "en": ("RECEIPT",)},
    example={"fr": "RECU G1-2026-000123", "pt": "RECIBO G1-2026-000123", "en": "RECEIPT G1-2026-000123"},
    slots=(Slot("number", gettext_lazy("The number that stands on the receipt?"), read=_read, guess=_guess),),
    run=_run,
    order=80,
)
