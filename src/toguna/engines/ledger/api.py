"""The door of `ledger`: what is owed, paid, and by what tariff. Amounts are minor units of the currency."""

from toguna.engines.ledger.apportioning import Order, Owed, shares, spread
from toguna.engines.ledger.billing import (
    ADVANCES,
    RECEIVABLE,
    Due,
    Staged,
    advance_of,
    cancel,
    issue,
    owed_by,
    run,
    stage,
)
from toguna.engines.ledger.blocks import end, out, proof, reserve, secret, stolen, take_offline
from toguna.engines.ledger.book import Leg, Mismatch, Refused, account, balance, post, reverse
from toguna.engines.ledger.events import PaymentTaken, PaymentVoided
from toguna.engines.ledger.models import Account, Bill, BillLine, Block, Desk, Payer, Payment, Suspense, Tariff
from toguna.engines.ledger.payers import balances_of, bills_of, payer
from toguna.engines.ledger.paying import SUSPENSE, gaps, receipt_number, take, void
from toguna.engines.ledger.providers.asking import Unaskable, ask
from toguna.engines.ledger.providers.ways import Unset, Way, usable
from toguna.engines.ledger.tariffs.pricing import Missing, Quote, wanted
from toguna.engines.ledger.tariffs.reads import quote, tariff

__all__ = [
    "ADVANCES",
    "RECEIVABLE",
    "SUSPENSE",
    "Account",
    "Bill",
    "BillLine",
    "Block",
    "Desk",
    "Due",
    "Leg",
    "Mismatch",
    "Missing",
    "Order",
    "Owed",
    "Payer",
    "Payment",
    "PaymentTaken",
    "PaymentVoided",
    "Quote",
    "Refused",
    "Staged",
    "Suspense",
    "Tariff",
    "Unaskable",
    "Unset",
    "Way",
    "account",
    "advance_of",
    "ask",
    "balance",
    "balances_of",
    "bills_of",
    "cancel",
    "end",
    "gaps",
    "issue",
    "out",
    "owed_by",
    "payer",
    "post",
    "proof",
    "quote",
    "receipt_number",
    "reserve",
    "reverse",
    "run",
    "secret",
    "shares",
    "spread",
    "stage",
    "stolen",
    "take",
    "take_offline",
    "tariff",
    "usable",
    "void",
    "wanted",
]
