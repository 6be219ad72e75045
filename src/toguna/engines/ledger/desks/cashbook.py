"""What the rooms of cash and bank ask of the book: every posting of theirs is made here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import billing, book, paying
from toguna.engines.ledger.book import Leg, Refused
from toguna.engines.ledger.models import Account, Bill, BillLine, Desk, Payment
from toguna.engines.ledger.models.bank import Bank
from toguna.engines.ledger.models.desks import Session
from toguna.engines.ledger.providers import booking, owed, ways
from toguna.engines.people import api as people
from toguna.kernel import audit, money, text, town
from toguna.kernel.access import Actor

# Names of the rooms: codes of the chart (see `starter`).
SAFE, TRANSIT, VARIANCE, FEES, UNKNOWN = "571", "585", "6588", "631", "4712"
COUNTERS = (Desk.Kind.COUNTER, Desk.Kind.COLLECTOR)  # where people count cash; the others count themselves
MOST_FOUND = 50


# --- Desks


def currency(_desk: Desk) -> str:
    """Cash is the town's own."""
    return town.current().currency


def held(desk: Desk) -> int:
    return book.balance(desk.account.code)


def held_at(desks: Sequence[int]) -> dict[int, int]:
    """{desk: the cash that it holds by the book}. Two statements."""
    accounts = dict(Desk.objects.filter(pk__in=desks).values_list("pk", "account"))
    found = book.balances(list(accounts.values()))
    return {desk: found[account] for desk, account in accounts.items()}


def sessions_at(desks: Sequence[int]) -> list[Session]:
    """Those that are not closed. One statement."""
    return list(Session.objects.filter(desk__in=desks).exclude(state=Session.State.CLOSED))


def in_safe() -> int:
    return book.balance(SAFE)


def in_transit() -> int:
    return book.balance(TRANSIT)


def desks() -> list[Desk]:
    return list(Desk.objects.filter(active=True, kind__in=COUNTERS).select_related("account").order_by("name"))


def new_desk(name: str, *, by: Actor, kind: Desk.Kind = Desk.Kind.COUNTER) -> Desk:
    """A desk with an account of its own, so that the book says at any moment what lies in it. Raises Refused."""
    words = text.clean(name)[:80]
    if not words:
        raise Refused(_("Give the desk a name."))
    if (there := Desk.objects.filter(name=words, kind=kind).first()) is not None:
        return there
    book.hold("new desk")
    taken = set(Account.objects.filter(code__startswith="571").values_list("code", flat=True))
    code = next(one for n in range(1, 10_000) if (one := f"571{n:02d}") not in taken)
    held_at = book.account(code, "asset", {"": words}, syscohada="571", m14="531")
    made = Desk.objects.create(name=words, kind=kind, prefix=_prefix(words), account=held_at)
    audit.record(by, "ledger.new_desk", f"ledger.desk:{made.pk}")
    return made


def _prefix(name: str) -> str:
    """Of its receipts: the first letters of its words, and a number where another has the same."""
    words = ["".join(filter(str.isalnum, word)) for word in text.fold(name).upper().split()]
    letters = "".join(word if word.isdecimal() else word[:1] for word in words)[:4] or "C"
    taken = set(Desk.objects.filter(prefix__startswith=letters).values_list("prefix", flat=True))
    return next(one for n in range(1, 9999) if (one := letters if n == 1 else f"{letters}{n}") not in taken)


def expenses() -> list[tuple[int, str]]:
    return _said(Account.objects.filter(kind=Account.Kind.EXPENSE, active=True))


def accounts() -> list[tuple[int, str]]:
    return _said(Account.objects.filter(active=True))


def _said(rows: Iterable[Account]) -> list[tuple[int, str]]:
    return [(one.pk, f"{one.code} {text.pick(one.title)}") for one in rows]


# --- Cash


def between_safe_and_desk(desk: Desk, amount: int, currency: str, *, key: str, by: Actor, about: Session) -> int:
    """amount: above zero out of the safe into the desk."""
    return _moved("cash-move", desk, amount, SAFE, currency, key, by, about=about)


def outlay(desk: Desk, expense: Account, amount: int, currency: str, *, key: str, by: Actor, words: str) -> int:
    return _moved("outlay", desk, -amount, expense.code, currency, key, by, words)


def variance(desk: Desk, amount: int, currency: str, *, key: str, by: Actor, about: Session, words: str) -> int:
    return _moved("variance", desk, amount, VARIANCE, currency, key, by, words, about)


def _moved(
    kind: str, desk: Desk, amount: int, other: str, currency: str, key: str, by: Actor, words: str = "", about: Session | None = None
) -> int:  # fmt: skip
    legs = [Leg(desk.account.code, amount, desk=desk.pk), Leg(other, -amount)]
    said = ("session", str(about.pk)) if about else ("desk", str(desk.pk))
    return int(book.post(kind, legs, key=key, by=by, currency=currency, words=words, about=said).pk)


def lock_safe() -> None:
    book.hold("safe")


def to_bank(amount: int, currency: str, *, key: str, by: Actor) -> int:
    return int(book.post("deposit", [Leg(TRANSIT, amount), Leg(SAFE, -amount)], key=key, by=by, currency=currency).pk)


def take(
    desk: Desk, amount: int, currency: str, *, bills: list[int] | None, payer: int | None, reference: str, key: str, by: Actor
) -> Payment:  # fmt: skip
    """Raises Refused."""
    if bills is not None and not Bill.objects.filter(pk__in=bills, state=Bill.State.OPEN).exists():
        raise Refused(_("Nothing is left to pay of this bill."))
    return paying.take(
        amount, currency, "cash", desk=desk, payer=payer, bills=bills, reference=reference, key=key, by=by
    )


# A cheque or a card is taken at the counter, and lies elsewhere: (account, prefix of its receipts, name).
OTHERS = {"cheque": ("513", "CHQ", gettext_lazy("Cheques")), "card": ("515", "CB", gettext_lazy("Cards"))}


def take_other(
    method: str, amount: int, currency: str, *, bills: list[int] | None, payer: int | None, reference: str, key: str, by: Actor
) -> Payment:  # fmt: skip
    """A cheque, or what a card terminal took: no cash in the desk, and a receipt all the same. Raises Refused."""
    account, prefix, name = OTHERS[method]
    held_at = book.account(account, "asset", {"": str(name)}, syscohada=account)
    desk = Desk.objects.get_or_create(
        prefix=prefix, defaults={"name": str(name), "kind": Desk.Kind.ONLINE, "account": held_at}
    )[0]
    return paying.take(
        amount, currency, method, desk=desk, payer=payer, bills=bills, reference=reference, key=key, by=by
    )


# --- What is owed


@dataclass(frozen=True)
class OpenBill:
    """open: what is left, minor units; exact: found by its own reference; lines: (words, what is left of each)."""

    pk: int
    reference: str
    name: str
    words: str
    open: int
    currency: str
    payer: int
    due: date
    exact: bool = False
    lines: list[tuple[str, int]] = field(default_factory=list)


def _open(one: Bill, *, exact: bool = False, lines: Sequence[tuple[str, int]] = ()) -> OpenBill:
    return OpenBill(
        one.pk, one.reference, one.payer.name, one.words, one.left, one.currency, one.payer_id, one.due, exact, list(lines)
    )  # fmt: skip


def find_bills(words: str) -> list[OpenBill]:
    """Open bills by reference (also within what a QR says), telephone or name; the oldest first."""
    for word in words.replace("?", "/").replace("=", "/").replace("/", " ").split():
        if (row := owed.find(word)) is not None:
            return [_open(row, exact=True)]
    rows = Bill.objects.filter(state=Bill.State.OPEN, currency=town.current().currency).select_related("payer")
    wanted = Q(payer__name__icontains=words)
    if (person := _called(words)) is not None:
        wanted |= Q(payer__person=person)
    return [_open(one) for one in rows.filter(wanted).order_by("due", "pk")[:MOST_FOUND]]


def _called(typed: str) -> int | None:
    """The person who has this telephone."""
    if sum(one.isdecimal() for one in typed) < 6:
        return None
    phone = people.normal_phone(typed)
    found = people.Contact.objects.filter(kind="phone", value=phone).values_list("person", flat=True) if phone else []
    return next(iter(found), None)


def bill(reference: str) -> OpenBill | None:
    """With what is left of each of its lines; one that is paid has nothing left."""
    row = owed.find(reference)
    if row is None:
        return None
    words = dict(BillLine.objects.filter(bill=row).values_list("number", "words"))
    left = [(words[one.number], one.left) for one in billing.owed([row])]
    return _open(row, exact=True, lines=left if len(left) > 1 else ())


def typed(amount: int, currency: str) -> str:
    """As `money.read` reads it."""
    digits = money.exponent(currency)
    return f"{amount / 10**digits:.{digits}f}" if digits else str(amount)


def payments(desk: Desk, since: datetime, until: datetime | None) -> QuerySet[Payment]:
    return (
        Payment.objects.filter(desk=desk, at__gte=since, at__lte=until or timezone.now())
        .select_related("desk")
        .order_by("-pk")
    )


# --- The bank


def new_bank_account(name: str) -> Account:
    book.hold("new bank")
    taken = set(Account.objects.filter(code__startswith="521").values_list("code", flat=True))
    code = next(one for n in range(1, 10_000) if (one := f"521{n:02d}") not in taken)
    return book.account(code, "asset", {"": text.clean(name)[:80]}, syscohada="521", m14="515")


def account(code: str) -> Account:
    return Account.objects.get(code=code)


def at_bank(bank: Bank, against: Account, amount: int, day: date, *, key: str, by: Actor, words: str) -> int:
    legs = [Leg(bank.asset.code, amount), Leg(against.code, -amount)]
    return int(book.post("bank", legs, key=key, by=by, at=book.open_day(day), currency=bank.currency, words=words).pk)


def at_bank_on(bank: Bank, day: date) -> int:
    return book.balance(bank.asset.code, at=day)


def settlement_names() -> dict[str, list[str]]:
    """{way: what the words of a bank call its company}."""
    return {one.slug: [one.slug, one.provider.name, str(one.title)] for one in ways.usable()}


def clearing(way: str, currency: str) -> Account:
    """Where the money of a way lies until its company brings it to the bank."""
    return booking.desk(way, currency).account


def _transfers(bank: Bank, account: Account, prefix: str) -> Desk:
    """Receipts of what came to a bank are numbered at a desk of its own."""
    return Desk.objects.get_or_create(
        prefix=prefix, defaults={"name": bank.name, "kind": Desk.Kind.ONLINE, "account": account}
    )[0]


def _at(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))


def transferred(
    bank: Bank, amount: int, day: date, references: list[str], *, key: str, by: Actor, words: str
) -> int | None:
    """A transfer that names a bill of ours pays it, and gives a receipt: its entry; None when it names none."""
    found = next((row for code in references if (row := owed.find(code)) is not None and row.left > 0), None)
    if found is None or found.currency != bank.currency:
        return None
    desk = _transfers(bank, bank.asset, f"BQ{bank.pk}")
    taken = paying.take(
        amount, bank.currency, "bank", desk=desk, payer=found.payer_id, bills=[found.pk], key=key, by=by, reference=words[:80], at=_at(day)
    )  # fmt: skip
    return taken.entry_id


def pay_from_suspense(bank: Bank, found: OpenBill, amount: int, day: date, *, key: str, by: Actor, words: str) -> int:
    """What came to the bank long ago pays a bill now: the receipt is of the day when it came."""
    desk = _transfers(bank, account(UNKNOWN), f"BS{bank.pk}")
    taken = paying.take(
        amount, bank.currency, "bank", desk=desk, payer=found.payer, bills=[found.pk], key=key, by=by, reference=words[:80], at=_at(day)
    )  # fmt: skip
    return taken.entry_id


def from_suspense(bank: Bank, target: Account, amount: int, day: date, *, key: str, by: Actor, words: str) -> int:
    legs = [Leg(UNKNOWN, amount), Leg(target.code, -amount)]
    return int(
        book.post("resolve", legs, key=key, by=by, at=book.open_day(day), currency=bank.currency, words=words).pk
    )
