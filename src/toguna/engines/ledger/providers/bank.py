"""Bank transfer: the payer sends the money with our code, and the bank's statement says when it came."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.providers import statements
from toguna.engines.ledger.providers.port import Asked, Begun, Provider, Setting, Settings, Settled, State, Status


def begin(asked: Asked, given: Settings) -> Begun:
    return Begun(theirs=asked.code)


def status(asked: Asked, given: Settings) -> Status:
    """Nobody can be asked: it stays pending until a statement has it."""
    return Status(State.PENDING)


def settlement(text: str, given: Settings) -> Iterator[Settled]:
    """A bank's CSV: date, transaction, reference (the words of the transfer), amount or debit/credit, currency, fee."""
    columns = {
        "transaction": ("transaction", "Transaction ID", "Référence banque", "Référence opération", "N° opération"),
        "reference": ("reference", "Libellé", "Motif", "Description", "Référence"),
        "at": ("date", "Date opération", "Date valeur"),
        "amount": ("amount", "Montant", "Crédit", "Credit"),
        "out": ("Débit", "Debit"),
        "currency": ("currency", "Devise"),
        "fee": ("fee", "Frais"),
        "words": ("name", "Donneur d'ordre", "Nom"),
    }
    return statements.lines(text, columns, given.get("currency", ""))


BANK = Provider(
    "bank",
    _("Bank transfer"),
    "transfer",
    begin,
    status,
    settlement,
    settings=(
        Setting("holder", _("Name on the account")),
        Setting("account", _("Account number (IBAN or RIB)")),
        Setting("bank", _("Name of the bank"), default=""),
    ),
    minutes=60 * 24 * 60,
)
