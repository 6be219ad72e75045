"""What the stand-ins of payment providers share: payments that are accepted, paid, declined or expire, the calls to the town,
and the faults that real money meets.

Faults of a payment: `callback-lost` (never told), `callback-late` (told when `release` says so), `callback-twice` (told three
times), `callback-early` (told before the request is answered), `after-expiry` (expires first, is paid all the same),
`wrong-amount`, `wrong-currency` (not what was asked is paid), `forged` (somebody else tells that it is paid), `conflict` (taken,
answered 409), `silent` (taken, and the line is cut before the answer).
"""

from __future__ import annotations

import html
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from toguna.simulate import frame
from toguna.simulate.frame import Asked, Company, Reply

PAYMENT_FAULTS = (
    "callback-lost",
    "callback-late",
    "callback-twice",
    "callback-early",
    "after-expiry",
    "wrong-amount",
    "wrong-currency",
    "forged",
    "conflict",
    "silent",
)
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass
class Payment:
    """id: what the provider calls it; reference: what the town calls it; amount: as the town wrote it."""

    id: str
    reference: str
    amount: str
    currency: str
    phone: str = ""
    callback: str = ""
    key: str = ""  # the town's own id of its request, where there is one
    back: str = ""
    state: str = "pending"  # then "success", "failed", "expired"
    transaction: str = ""
    paid: str = ""  # the amount that was really paid
    paid_currency: str = ""
    fault: str = ""
    refunded: bool = False
    told: int = 0
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """To the town."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"


class MoneyCompany(Company):
    """Subclasses answer `take(asked)` and make a `call(payment)` of what they tell; `pays_itself`: seconds after which the
    payer of a push confirms (0: only by hand, on the page at "/")."""

    known_faults: ClassVar[tuple[str, ...]] = (*frame.FAULTS, *PAYMENT_FAULTS)
    link: ClassVar[bool] = False  # the payer pays on a page of theirs
    only: ClassVar[str] = ""  # the one currency that it knows, where its protocol says none

    def __init__(self, *, faults: Mapping[str, float] | None = None, pays_itself: float = 0, **more: Any) -> None:
        given = faults or {}
        super().__init__(faults={name: share for name, share in given.items() if name in frame.FAULTS}, **more)
        self.payment_faults = {name: share for name, share in given.items() if name in PAYMENT_FAULTS}
        self.next_payment_faults: list[str] = []
        self.payments: dict[str, Payment] = {}
        self.pays_itself = pays_itself
        self.numbers = itertools.count(1)

    # ------------------------------------------------------------------ what subclasses say

    def take(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def call(self, payment: Payment) -> Call | None:
        """What the town is told of a payment now, signed; None where there is nobody to tell."""
        raise NotImplementedError

    def forge(self, payment: Payment) -> Call | None:
        """What a stranger would tell: that it is paid."""
        told = self.call(_as_paid(payment))
        if told is None:
            return None
        # A stranger has no secret: the address ends otherwise, and what signs is made up.
        made_up = {name: value[:-8] + "deadbeef" for name, value in told.headers.items() if name in self.signs}
        url = told.url if made_up else f"{told.url[:-8]}deadbeef"
        return Call(url, told.body, {**told.headers, **made_up}, told.method)

    signs: ClassVar[tuple[str, ...]] = ()  # headers that hold a signature
    conflict: ClassVar[Reply] = Reply.of({"code": "RESOURCE_ALREADY_EXIST", "message": "Duplicated reference id."}, 409)

    def export(self) -> str:
        """The provider's file of all that was paid."""
        raise NotImplementedError

    def statement(self) -> str:
        """That file, of this moment: for whoever tries the reconciliation by hand."""
        now = datetime.now(UTC)
        text = self.export().replace("10:00:00", f"{now:%H:%M:%S}")
        return text.replace("2026-11-23", f"{now:%Y-%m-%d}").replace("23/11/2026", f"{now:%d/%m/%Y}")

    def advice(self) -> str:
        return f"# payers: {self.url}/"

    # ------------------------------------------------------------------ the life of a payment

    def accept(self, payment: Payment, answer: Reply) -> Reply:
        """Keeps it, and does what its fault wants."""
        with self.lock:
            payment.fault = self._payment_fault()
            self.payments[payment.id] = payment
            self.sent.append({"id": payment.id, "reference": payment.reference, "amount": payment.amount})
        if payment.fault == "callback-early":
            self.pay(payment)
        elif payment.fault == "forged":
            self._tell(self.forge(payment))
        elif self.pays_itself and not self.link:
            threading.Timer(self.pays_itself, self.pay, [payment]).start()
        if payment.fault == "silent":
            return Reply(0)
        return self.conflict if payment.fault == "conflict" else answer

    def pay(self, payment: Payment) -> None:
        """The payer confirms. With the fault `after-expiry` the first time is too late, and the second is counted all the same."""
        if payment.state == "success":
            return
        if payment.fault == "after-expiry" and payment.state == "pending":
            self.expire(payment)
            return
        payment.state = "success"
        payment.transaction = payment.transaction or self.number()
        payment.paid = str(int(float(payment.amount)) - 1) if payment.fault == "wrong-amount" else payment.amount
        payment.paid_currency = self.only or ("XTS" if payment.fault == "wrong-currency" else payment.currency)
        if payment.fault not in ("callback-lost", "callback-late"):
            self.tell(payment)
        if payment.fault == "callback-twice":
            self.tell(payment)
            self.tell(payment)

    def release(self, payment: Payment) -> None:
        """What was late is told now."""
        self.tell(payment)

    def decline(self, payment: Payment) -> None:
        payment.state = "failed"
        self.tell(payment)

    def expire(self, payment: Payment) -> None:
        payment.state = "expired"
        self.tell(payment)

    def tell(self, payment: Payment) -> None:
        payment.told += 1
        self._tell(self.call(payment))

    def _tell(self, call: Call | None) -> None:
        if call is not None and call.url:
            try:
                self.send(call)
            except OSError:
                return  # nobody there: nothing is told a second time

    def send(self, call: Call) -> int:
        """The status that the town answered. Tests put their own here."""
        return frame.post(call.url, call.body, call.headers, method=call.method)

    def number(self) -> str:
        return f"{self.name[:2].upper()}{next(self.numbers):08d}"

    def _payment_fault(self) -> str:
        if self.next_payment_faults:
            return self.next_payment_faults.pop(0)
        chance = self._chance.random()
        for name, share in self.payment_faults.items():
            if chance < share:
                return name
            chance -= share
        return ""

    # ------------------------------------------------------------------ the payer's page

    def reply(self, asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        if path == "/statement.csv":
            return Reply(200, self.statement().encode(), {"Content-Type": "text/csv; charset=utf-8"})
        if path == "/" or path.startswith("/page/"):
            return self._page(asked, path.removeprefix("/page/").strip("/"))
        return self.take(asked)

    def _page(self, asked: Asked, only: str) -> Reply:
        """GET "/": all payments; GET "/page/ID": one. POST do=pay|decline|expire, id."""
        if asked.method == "POST":
            given = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
            payment = self.payments[given["id"]]
            {"pay": self.pay, "decline": self.decline, "expire": self.expire}[given["do"]](payment)
            return Reply(303, b"", {"Location": payment.back if only and payment.back else "/"})
        shown = [p for p in self.payments.values() if only in ("", p.id)]
        rows = "".join(
            f"<li>{html.escape(f'{p.reference} {p.amount} {p.currency} {p.phone}')}: {p.state} {p.fault}"
            f'<form method="post"><input type="hidden" name="id" value="{html.escape(p.id)}">'
            + "".join(f'<button name="do" value="{do}">{do}</button> ' for do in ("pay", "decline", "expire"))
            + "</form></li>"
            for p in reversed(shown)
        )
        head = f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>{self.name}</title>'
        return Reply(200, f"{head}<h1>{self.name}: stand-in</h1>{self._file(only)}<ul>{rows}</ul>".encode(), HTML)

    def _file(self, only: str) -> str:
        return "" if only else '<p><a href="/statement.csv" download>statement.csv</a></p>'


def _as_paid(payment: Payment) -> Payment:
    return Payment(
        **{
            **vars(payment),
            "state": "success",
            "paid": payment.amount,
            "paid_currency": payment.currency,
            "transaction": "FORGED1",
        }
    )


def table(head: str, rows: list[list[str]]) -> str:
    return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"
