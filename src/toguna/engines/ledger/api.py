"""The door of `ledger`: what is owed, paid, and by what tariff. Amounts are minor units of the currency."""

from toguna.engines.ledger.apportioning import Order, Owed, shares, spread
from toguna.engines.ledger.billing import (
    RECEIVABLE,
    REFERENCE,
    Charge,
    Due,
    Staged,
    advance_of,
    cancel,
    charge,
    issue,
    owed_by,
    run,
    stage,
    use_advances,
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
from toguna.engines.ledger.book import ADVANCES, Leg, Mismatch, Refused, account, balance, post, reverse
from toguna.engines.ledger.desks.actions import session_of
from toguna.engines.ledger.desks.actions import take as take_at_desk
from toguna.engines.ledger.desks.cashbook import OTHERS as OTHER_WAYS
from toguna.engines.ledger.desks.cashbook import held, held_at, new_desk, sessions_at
from toguna.engines.ledger.desks.counting import pieces, worth
from toguna.engines.ledger.desks.forms import ahead_field, ask_of_the_rest
from toguna.engines.ledger.events import PaymentTaken, PaymentVoided, told
from toguna.engines.ledger.joining import join
from toguna.engines.ledger.models import (
    Account,
    Bill,
    BillLine,
    Block,
    Desk,
    Instalment,
    Payer,
    Payment,
    PaymentRequest,
    StandingOrder,
    Suspense,
    Tariff,
)
from toguna.engines.ledger.orders.actions import orders_of, subscribe, unsubscribe
from toguna.engines.ledger.orders.running import Falling, falling
from toguna.engines.ledger.owing import Owing, owing
from toguna.engines.ledger.payers import balances_of, bills_of, new_payers, payer
from toguna.engines.ledger.paying import SUSPENSE, gaps, receipt_number, take, void
from toguna.engines.ledger.providers.asking import Unaskable
from toguna.engines.ledger.providers.asking import ask as ask_payment
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.providers.following import said_to_payer
from toguna.engines.ledger.providers.owed import find as find_bill
from toguna.engines.ledger.providers.ways import Unset, Way
from toguna.engines.ledger.providers.ways import ringing as ringing_ways
from toguna.engines.ledger.providers.ways import titles as ways
from toguna.engines.ledger.providers.ways import usable as usable_ways
from toguna.engines.ledger.receipts.paper import Slip
from toguna.engines.ledger.receipts.paper import pdf as receipt_pdf
from toguna.engines.ledger.receipts.paper import stream as receipt_bytes
from toguna.engines.ledger.receipts.reads import qr as receipt_qr
from toguna.engines.ledger.receipts.reads import slip as receipt_slip
from toguna.engines.ledger.receipts.reads import way_title
from toguna.engines.ledger.settling import ask_refund, ask_write_off, credit, late, plan
from toguna.engines.ledger.starter import COLLECTING
from toguna.engines.ledger.tariffs import setwise
from toguna.engines.ledger.tariffs.actions import Told
from toguna.engines.ledger.tariffs.actions import write as write_tariff
from toguna.engines.ledger.tariffs.pricing import BadRule, Missing, Quote, Step, number, wanted
from toguna.engines.ledger.tariffs.reads import current as current_tariffs
from toguna.engines.ledger.tariffs.reads import find as find_tariffs
from toguna.engines.ledger.tariffs.reads import quote, tariff

__all__ = [
    "ADVANCES",
    "COLLECTING",
    "OTHER_WAYS",
    "RECEIVABLE",
    "REFERENCE",
    "SUSPENSE",
    "Account",
    "BadRule",
    "Bill",
    "BillLine",
    "Block",
    "Charge",
    "Desk",
    "Due",
    "Falling",
    "Instalment",
    "Leg",
    "Mismatch",
    "Missing",
    "Order",
    "Owed",
    "Owing",
    "Payer",
    "Payment",
    "PaymentAnswered",
    "PaymentRequest",
    "PaymentTaken",
    "PaymentVoided",
    "Quote",
    "Refused",
    "Slip",
    "Staged",
    "StandingOrder",
    "Step",
    "Suspense",
    "Tariff",
    "Told",
    "Unaskable",
    "Unset",
    "Way",
    "account",
    "advance_of",
    "ahead_field",
    "ask_of_the_rest",
    "ask_payment",
    "ask_refund",
    "ask_write_off",
    "balance",
    "balances_of",
    "bills_of",
    "cancel",
    "charge",
    "credit",
    "current_tariffs",
    "end",
    "falling",
    "find_bill",
    "find_tariffs",
    "gaps",
    "held",
    "held_at",
    "issue",
    "join",
    "late",
    "new_desk",
    "new_payers",
    "next_of",
    "number",
    "orders_of",
    "out",
    "out_with",
    "owed_by",
    "owing",
    "payer",
    "pieces",
    "plan",
    "post",
    "proof",
    "quote",
    "receipt_bytes",
    "receipt_number",
    "receipt_pdf",
    "receipt_qr",
    "receipt_slip",
    "reserve",
    "reverse",
    "ringing_ways",
    "run",
    "said_to_payer",
    "secret",
    "session_of",
    "sessions_at",
    "setwise",
    "shares",
    "spread",
    "stage",
    "stolen",
    "subscribe",
    "take",
    "take_at_desk",
    "take_offline",
    "tariff",
    "told",
    "unsubscribe",
    "usable_ways",
    "use_advances",
    "void",
    "voided",
    "wanted",
    "way_title",
    "ways",
    "worth",
    "write_tariff",
]
