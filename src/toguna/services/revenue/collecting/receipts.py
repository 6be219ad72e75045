"""The receipt by SMS of what was paid in the field."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.kernel import money, town
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Taxpayer


def tell(payment: ledger.Payment, taxpayer: Taxpayer | None, phone: str = "", *, by: Actor) -> None:
    """Sends it once, to the number that the payer gave, else to the one in the register; nothing when there is none. In the caller's
    transaction."""
    address = phone or (taxpayer.phone if taxpayer is not None else "")
    if not address:
        return
    language = (taxpayer.language if taxpayer is not None else "") or town.current().languages[0]
    number = payment.printed or ledger.receipt_number(payment)
    with translation.override(language):
        words = _("%(town)s: receipt %(number)s, %(amount)s paid on %(day)s. Check: %(address)s") % {
            "town": town.current().name, "number": number, "amount": money.shown(payment.amount, payment.currency, plain=True),
            "day": timezone.localdate(payment.at).isoformat(),
            "address": settings.TOGUNA_URL + reverse("receipt-number", args=[number]),
        }  # fmt: skip
    # To the one in the register, it is the same message as the confirmation of any payment: whoever comes first says it.
    known = taxpayer is not None and address == taxpayer.phone
    key = ledger.told(payment.pk) if known else f"revenue.receipt:{payment.pk}"
    channels.send("sms", address, key=key, text=words, language=language)
