"""The port of payment providers, shaped like the GSMA Mobile Money API 1.2: a request carries a correlation id that we make
before anything leaves, is accepted long before it is paid, and its state is asked for.

A provider is asked for its state with `status`; what it tells us by itself (a callback) is only a hint that it is time to
ask. Adapters are stateless: functions of what a payment is and of the settings of the town.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from toguna.kernel import money
from toguna.kernel.manifest import Declaration

Settings = Mapping[str, str]


class State(enum.StrEnum):
    """What a provider says of a payment. LOST: it knows of no such request, so that nobody can have paid it."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"
    EXPIRED = "expired"
    LOST = "lost"


@dataclass(frozen=True)
class Asked:
    """A payment to ask for, or that was asked for. correlation: our UUID; code: 8 characters, ours, for people and for
    providers that take no UUID; amount: minor units; phone: E.164, "" where the provider asks for it itself; words: what is
    paid, on the payer's screen; callback: where the provider may tell us; back: where the payer returns to; attempt: 1, 2...;
    theirs, secret: what the provider called it, and its secret for this payment, once we know."""

    correlation: str
    code: str
    amount: int
    currency: str
    phone: str = ""
    words: str = ""
    language: str = "fr"
    callback: str = ""
    back: str = ""
    attempt: int = 1
    theirs: str = ""
    secret: str = ""
    transaction: str = ""


@dataclass(frozen=True)
class Begun:
    """Accepted, not paid. theirs: the provider's name for it; link: where the payer goes to pay; secret: what a genuine
    callback repeats."""

    theirs: str = ""
    link: str = ""
    secret: str = ""


@dataclass(frozen=True)
class Status:
    """amount and currency: what was really paid, None where the provider does not say (then it was what we asked);
    transaction: the provider's number of it, the same each time; reference: our code, where it is repeated, to be compared;
    begun: what we had not heard of the beginning, its answer having been lost."""

    state: State
    amount: int | None = None
    currency: str | None = None
    transaction: str = ""
    reference: str = ""
    words: str = ""
    begun: Begun | None = None


@dataclass(frozen=True)
class Hint:
    """What a callback is about: one of our codes or correlation ids, or the provider's own name of a payment. secret: what it
    repeats of ours, "" for nothing where something is due. transaction, amount: where only callbacks tell them (M-Pesa).
    arrived: money that nobody was asked for, paid at a pay-bill number with a reference that somebody typed."""

    reference: str = ""
    theirs: str = ""
    transaction: str = ""
    secret: str | None = None
    amount: int | None = None
    arrived: bool = False
    phone: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Call:
    """A callback as it came. headers: names in lower case; key: of the address that was called."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True)
class Settled:
    """A line of a provider's settlement file. amount: what the payer paid, before the provider's fee, in minor units;
    negative for money that went back."""

    transaction: str
    reference: str
    amount: int
    currency: str
    at: datetime | None
    fee: int = 0
    words: str = ""


class Refused(Exception):
    """The provider will not do it, certainly; str() is in its words."""


class NotSent(Exception):
    """It certainly did not reach the provider: it may be sent again."""


class Unknown(Exception):
    """It may have been taken: nobody knows before the provider is asked."""


class Forged(Exception):
    """The callback does not bear the provider's signature."""


class BadFile(ValueError):
    """The settlement file is not what this provider writes; str() says which line."""


@dataclass(frozen=True)
class Setting:
    """A key of `[payments.NAME]` in town.toml."""

    name: str
    title: Any
    secret: bool = False
    default: str | None = None  # None: it must be given


@dataclass(frozen=True)
class Provider(Declaration):
    """begin(asked, settings) -> Begun, or raises Refused, NotSent, Unknown; status(asked, settings) -> Status, or raises
    Unknown; hint(call, settings) -> Hint, or raises Forged; settlement(text, settings) -> the lines of a file, or BadFile.

    how: "push", the payer's phone rings; "link", they pay on the provider's page; "transfer", they do it themselves with our
    code. repeatable: the same request sent again charges once, by the provider's own word; without it, a request whose
    answer was lost is never sent again while it may have been taken. refund(asked, original, settings), refunded(asked, settings):
    like begin and status, for money that goes back; refunds_whole: never a part of a payment."""

    name: str
    title: Any
    how: Literal["push", "link", "transfer"]
    begin: Callable[[Asked, Settings], Begun]
    status: Callable[[Asked, Settings], Status]
    settlement: Callable[[str, Settings], Iterable[Settled]]
    hint: Callable[[Call, Settings], Hint] | None = None
    settings: tuple[Setting, ...] = ()
    repeatable: bool = False
    multiple: int = 0  # whole units of the currency that an amount must be a multiple of; 0: any amount
    minutes: int = 15  # for which the payer may confirm
    refund: Callable[[Asked, Asked, Settings], Begun] | None = None
    refunded: Callable[[Asked, Settings], Status] | None = None
    refunds_whole: bool = False
    answer: bytes = field(default=b"")  # of a callback, when the provider wants certain words

    def problems(self) -> Iterator[str]:
        if len(self.name) > 20:
            yield "a provider has a name of 20 characters at most"
        if (self.refund is None) is not (self.refunded is None):
            yield "who can give back can say what became of it"


def written(amount: int, currency: str) -> str:
    """The amount as providers write it, in whole units: 500 XOF is "500", 1050 GHS "10.50", 1000 GHS "10"."""
    digits = money.exponent(currency)
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}}" if part else str(whole)


def units(said: Any, currency: str) -> int | None:
    """The minor units of an amount as a provider says it ("500", 500, "10.50", 500.0); None when it is no such amount."""
    if isinstance(said, bool) or said is None:
        return None
    try:
        exact = Decimal(str(said).strip().replace(",", "")).scaleb(money.exponent(currency))
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact != exact.to_integral_value() or abs(exact) > 10**15:
        return None
    return int(exact)
