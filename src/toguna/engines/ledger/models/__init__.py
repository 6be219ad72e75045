"""The tables of `ledger`: each room has its own in a file."""

from toguna.engines.ledger.models.bank import Bank, BankLine, BankStatement
from toguna.engines.ledger.models.bills import Bill, BillLine, Tariff
from toguna.engines.ledger.models.book import Account, Entry, Line, Mark, Payer, Period, Total
from toguna.engines.ledger.models.desks import CashPin, Count, Print, Session, Voucher, VoucherCounter
from toguna.engines.ledger.models.payments import Desk, Payment, ReceiptCounter, Share
from toguna.engines.ledger.models.providers import PaymentRequest, RawBody, SettlementFile, SettlementLine
from toguna.engines.ledger.models.settling import (
    Block,
    CreditNote,
    Instalment,
    StandingOrder,
    Suspense,
    VoidNumber,
    Wish,
)

__all__ = [
    "Account",
    "Bank",
    "BankLine",
    "BankStatement",
    "Bill",
    "BillLine",
    "Block",
    "CashPin",
    "Count",
    "CreditNote",
    "Desk",
    "Entry",
    "Instalment",
    "Line",
    "Mark",
    "Payer",
    "Payment",
    "PaymentRequest",
    "Period",
    "Print",
    "RawBody",
    "ReceiptCounter",
    "Session",
    "SettlementFile",
    "SettlementLine",
    "Share",
    "StandingOrder",
    "Suspense",
    "Tariff",
    "Total",
    "VoidNumber",
    "Voucher",
    "VoucherCounter",
    "Wish",
]
