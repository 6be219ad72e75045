"""BILL: what a bill still asks for, by SMS or USSD, from its reference; and paying it with the telephone in hand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.ledger.models import Bill
from toguna.engines.ledger.providers import asking, owed, ways
from toguna.kernel import limits, money
from toguna.kernel.access import NOBODY

A_DAY = 60  # by one telephone, as for receipts
_KEYS = uuid.UUID("9a1d7a52-6a56-4a0e-8d0c-0f6f2b9f5c31")
LATER = "later"


def _read(said: Said, typed: str) -> str:
    try:
        limits.hit("ledger.bill", said.address, at_most=A_DAY, per=timedelta(days=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from error
    found = owed.find(typed[:40])
    if found is None:
        raise NotUnderstood(_("No bill has this reference. Check it letter by letter."))
    return found.reference


def _guess(said: Said) -> str | None:
    return _read(said, said.text) if said.text.strip() else None


def _bill(said: Said) -> Bill:
    found = owed.find(str(said.slots["bill"]))
    if found is None:
        raise Stop(_("This bill is not owed any more."))
    return found


def _facts(row: Bill) -> dict[str, str]:
    return {"bill": row.reference, "amount": money.shown(row.left, row.currency, plain=True)}


def _ringing(said: Said) -> list[ways.Way]:
    return ways.ringing(said.address, _bill(said).currency)


def _asks(said: Said) -> bool:
    return bool(_bill(said).left and _ringing(said))


def _how(said: Said) -> str:
    return _("Bill %(bill)s: %(amount)s to pay. With what?") % _facts(_bill(said))


def _choices(said: Said) -> Sequence[Choice]:
    found = [Choice(way.slug, str(way.title)[:30]) for way in _ringing(said)]
    return [*found, Choice(LATER, _("Not now"))]


def _run(said: Said) -> str:
    row, way = _bill(said), str(said.slots.get("way") or "")
    if not row.left:
        return _("Bill %(bill)s is paid: thank you.") % _facts(row)
    if way == LATER:
        return _("It is cancelled: nothing was sent.")
    if not way:
        address = f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[row.reference])}"
        return _("Pay bill %(bill)s at the town hall, or here: %(address)s") % {
            "bill": row.reference,
            "address": address,
        }
    facts = _facts(row)
    try:
        asked = asking.ask(
            way, row.left, bills=[row.pk], phone=said.address, by=NOBODY, client_id=uuid.uuid5(_KEYS, said.key)
        )
    except (asking.Unaskable, ways.Unset, limits.TooMany) as error:
        raise Stop(str(error)) from error
    return _("%(amount)s for bill %(bill)s: confirm on your phone with your secret code. Number of the payment: %(code)s.") % {
        **facts, "code": asked.code,
    }  # fmt: skip


BILL = Command(
    name="bill",
    title=gettext_lazy("pay a bill by its reference"),
    keywords={"fr": ("FACTURE",), "pt": ("FATURA",), "en": ("BILL",)},
    example={"fr": "FACTURE K7M4XZ2ABC", "pt": "FATURA K7M4XZ2ABC", "en": "BILL K7M4XZ2ABC"},
    slots=(
        Slot("bill", gettext_lazy("The reference that stands on the bill?"), read=_read, guess=_guess),
        Slot("way", _how, choices=_choices, when=_asks),
    ),
    run=_run,
    menu=False,
    leads=True,
    order=81,
)  # fmt: skip
