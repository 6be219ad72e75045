"""The door of `ledger`: what is owed, paid, and by what tariff. Amounts are minor units of the currency."""

from toguna.engines.ledger.apportioning import Order, Owed, shares, spread
from toguna.engines.ledger.billing import (
    ADVANCES,
    RECEIVABLE,
    REFERENCE,
    Due,
    Staged,
    advance_of,
    cancel,
    issue,
    owed_by,
    run,
    stage,
)
from toguna.engines.ledger.blocks import (
    end,
    next_of,
    out,
    out_with,
    proof,
    reserve,
    secret,
    stolen,
    take_offline,
    voided,
)
from toguna.engines.ledger.book import Leg, Mismatch, Refused, account, balance, post, reverse
from toguna.engines.ledger.desks.actions import session_of
from toguna.engines.ledger.desks.actions import take as take_at_desk
from toguna.engines.ledger.desks.cashbook import OTHERS as OTHER_WAYS
from toguna.engines.ledger.desks.cashbook import held_at, new_desk, sessions_at
from toguna.engines.ledger.desks.counting import pieces, worth
from toguna.engines.ledger.events import PaymentTaken, PaymentVoided
from toguna.engines.ledger.models import Account, Bill, BillLine, Block, Desk, Payer, Payment, Suspense, Tariff
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.payers import balances_of, bills_of, new_payers, payer
from toguna.engines.ledger.paying import SUSPENSE, gaps, receipt_number, take, void
from toguna.engines.ledger.providers.asking import Unaskable
from toguna.engines.ledger.providers.asking import ask as ask_payment
from toguna.engines.ledger.providers.following import said_to_payer
from toguna.engines.ledger.providers.owed import find as find_bill
from toguna.engines.ledger.providers.ways import usable as ways_to_pay
from toguna.engines.ledger.receipts.reads import qr as receipt_qr
from toguna.engines.ledger.settling import plan
from toguna.engines.ledger.tariffs.pricing import Missing, Quote, number
from toguna.engines.ledger.tariffs.reads import quote, tariff

__all__ = [
    "ADVANCES",
    "OTHER_WAYS",
    "RECEIVABLE",
    "REFERENCE",
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
    "PaymentRequest",
    "PaymentTaken",
    "PaymentVoided",
    "Quote",
    "Refused",
    "Staged",
    "Suspense",
    "Tariff",
    "Unaskable",
    "account",
    "advance_of",
    "ask_payment",
    "balance",
    "balances_of",
    "bills_of",
    "cancel",
    "end",
    "find_bill",
    "gaps",
    "held_at",
    "issue",
    "new_desk",
    "new_payers",
    "next_of",
    "number",
    "out",
    "out_with",
    "owed_by",
    "payer",
    "pieces",
    "plan",
    "post",
    "proof",
    "quote",
    "receipt_number",
    "receipt_qr",
    "reserve",
    "reverse",
    "run",
    "said_to_payer",
    "secret",
    "session_of",
    "sessions_at",
    "shares",
    "spread",
    "stage",
    "stolen",
    "take",
    "take_at_desk",
    "take_offline",
    "tariff",
    "void",
    "voided",
    "ways_to_pay",
    "worth",
]
