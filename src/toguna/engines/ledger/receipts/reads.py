"""A payment as its receipt, and what anyone may know of a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import blocks, paying
from toguna.engines.ledger.models import Payment
from toguna.engines.ledger.providers import ways
from toguna.engines.ledger.providers.port import Provider
from toguna.engines.ledger.receipts import signing
from toguna.engines.ledger.receipts.paper import Slip
from toguna.kernel import codes, money, registry, town

METHODS = {
    "cash": gettext_lazy("Cash"),
    "bank": gettext_lazy("Bank transfer"),
    "cheque": gettext_lazy("Cheque"),
    "card": gettext_lazy("Bank card"),
}


@dataclass(frozen=True)
class Checked:
    """payer: masked; void: why it does not count any more, "" for a good one; copies: duplicates printed."""

    number: str
    day: date
    amount: int
    currency: str
    payer: str
    void: str
    copies: int


def mask(name: str) -> str:
    """Enough to recognise oneself, too little to be known by: "Awa Koné" is "A… K…"."""
    return " ".join(f"{word[0]}…" for word in name.split())[:20]


def number(payment: Payment) -> str:
    """The number that stands on the receipt."""
    return paying.receipt_number(payment)


def find(typed: str) -> Payment | None:
    """The payment of a receipt, by its number as people type it; what a device printed of it counts too."""
    said = "".join(typed.split()).upper()[:40]
    prefix, _dash, rest = said.partition("-")
    year, _dash, last = rest.partition("-")
    if all(part.isdecimal() and len(part) < 9 for part in (year, last)):
        rows = Payment.objects.select_related("desk", "payer")
        found = rows.filter(desk__prefix=prefix, year=int(year), number=int(last)).first()
        return found or rows.filter(printed=said).first()
    return None


def _payer(payment: Payment) -> str:
    return payment.payer.name if payment.payer else ""


def way_title(method: str) -> str:
    """How people call a way to pay; one that is not set up (any more) as its provider calls itself, else by its own name."""
    if method in METHODS:
        return str(METHODS[method])
    try:
        return str(ways.find(method).title)
    except ways.Unset:
        provider = registry.find(Provider, method)
        return str(provider.title) if provider is not None else method


def _lines(payment: Payment) -> list[tuple[str, int]]:
    """What it paid, bill by bill, and what stays with its payer."""
    found: dict[str, int] = {}
    for share in payment.shares.select_related("bill").order_by("pk"):
        words = f"{share.bill.reference} {share.bill.words}".strip() if share.bill else _("On account")
        found[words] = found.get(words, 0) + share.amount
    return list(found.items())


def facts(payment: Payment) -> signing.Facts:
    return signing.Facts(
        number(payment),
        timezone.localdate(payment.at),
        payment.amount,
        payment.currency,
        mask(_payer(payment)),
    )


def qr(payment: Payment) -> str:
    """What the QR of its receipt says."""
    about = facts(payment)
    return f"{settings.TOGUNA_URL}{reverse('receipt-number', args=[about.number])}?s={signing.signed(about)}"


def slip(payment: Payment, copies: int = 0) -> Slip:
    """The receipt in the reader's language. copies: 0 for the first print, else the number of the duplicate."""
    about = facts(payment)
    address = settings.TOGUNA_URL + reverse("receipt-number", args=[about.number])
    payer = _payer(payment)
    said = [(_("Paid by"), payer)] if payer else []
    way, desk = way_title(payment.method), way_title(payment.desk.name)
    said += [(_("Way of payment"), way), *([(_("Desk"), desk)] if desk != way else [])]
    return Slip(
        title=_("Receipt"),
        number=about.number,
        at=payment.at,
        amount=payment.amount,
        currency=payment.currency,
        facts=[one for one in said if one[1]],
        lines=_lines(payment),
        qr=qr(payment),
        address=address,
        copies=copies,
        void=payment.void,
    )


def check(typed: str) -> Checked | None:
    """What anyone may know of a receipt; None when no receipt has this number."""
    payment = find(typed)
    if payment is None:
        return None
    about = facts(payment)
    return Checked(
        about.number,
        about.day,
        about.amount,
        about.currency,
        about.payer,
        payment.void,
        payment.prints.filter(number__gt=0).count(),
    )


def proven(typed: str, amount: int, proof: str) -> bool:
    """Whether a collector's device made this receipt without network, and the town has not heard of it yet. proof: its code."""
    prefix, _dash, rest = "".join(typed.split()).upper()[:40].partition("-")
    year, _dash, last = rest.partition("-")
    if not all(part.isdecimal() and len(part) < 9 for part in (year, last)):
        return False
    return blocks.proven(prefix, int(year), int(last), amount, town.current().currency, codes.read(proof))


def check_qr(said: str) -> tuple[Checked | None, bool]:
    """(the receipt, whether the town signed what the QR says of it)."""
    heard = signing.heard(said)
    if heard is None:
        return None, False
    payment = find(heard.number)
    if payment is None or facts(payment) != heard:
        # Signed, but of nothing we know, or of another amount: the book was put back from an old backup, or the key is lost.
        return None, False
    return check(heard.number), True


def check_receipt(typed: str) -> str:
    """What an SMS answers to the number of a receipt, or to what its QR says."""
    if "T1." in typed:
        found, signed = check_qr(typed)
        if not signed:
            return _("Forged: the town did not sign what this QR says.")
    else:
        found = check(typed)
    if found is None:
        return _("%(town)s gave no receipt with this number. If a paper bears it, it is not genuine.") % {
            "town": town.current().name
        }
    about = {
        "number": found.number,
        "day": found.day.isoformat(),
        "amount": money.shown(found.amount, found.currency, plain=True),
        "payer": found.payer or "–",
        "reason": found.void,
    }
    if found.void:
        return _("Receipt %(number)s of %(day)s, %(amount)s: VOID. %(reason)s") % about
    return _("Receipt %(number)s is good: %(amount)s paid on %(day)s by %(payer)s.") % about
