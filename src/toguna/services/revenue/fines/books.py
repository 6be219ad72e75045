"""The numbers of tickets: each device takes a book along, and each number of it becomes a ticket, or is void in plain sight."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.kernel import access, audit, codes, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Ticket, TicketBook, VoidTicket

WRITE, DECIDE = "revenue.fine", "revenue.fine_decide"
LEAVES = 50
PREFIX, CHECK = 4, 3
FULL = "full"  # why most books end


class Refused(Exception):
    """It cannot be done; str() says why, and what to do."""


def number(book: TicketBook, leaf: int) -> str:
    """ "K3FT07XYZ"."""
    return f"{book.prefix}{leaf:02d}{book.checks[leaf - 1]}"


def read(typed: str) -> str:
    """A number as people type it."""
    bare = "".join(c for c in typed.upper() if c.isascii() and c.isalnum())[: PREFIX + 2 + CHECK]
    middle = bare[PREFIX : PREFIX + 2].replace("O", "0").replace("I", "1").replace("L", "1")
    return bare[:PREFIX] + middle + bare[PREFIX + 2 :]


def next_leaf(book: TicketBook) -> int:
    """The first that was not used or declared void; LEAVES + 1 when there is none."""
    used = Ticket.objects.filter(book=book).aggregate(last=Max("leaf"))["last"] or 0
    void = VoidTicket.objects.filter(book=book).aggregate(last=Max("leaf"))["last"] or 0
    return max(used, void) + 1


@transaction.atomic
def take(device: uuid.UUID, *, by: Actor, used: tuple[int, int] = (0, 0)) -> TicketBook:
    """The open book of this device and account; a new one when there is none. Asked again, it is the same. used: (book, the last number
    of it that the device has used): one that is used up makes room for another. Raises Refused, Denied."""
    access.require(by, WRITE, anywhere=True)
    if by.account is None:
        raise Refused(_("Log in first."))
    held = TicketBook.objects.select_for_update().filter(account=by.account, device=device, ended=None).first()
    if held is not None and not (used[0] == held.pk and used[1] >= LEAVES):
        return held
    if held is not None:
        TicketBook.objects.filter(pk=held.pk).update(ended=timezone.now(), why=FULL)
    try:
        with transaction.atomic():
            made = TicketBook.objects.create(
                prefix=codes.make(PREFIX), checks=[codes.make(CHECK) for _n in range(LEAVES)], account=by.account, device=device
            )  # fmt: skip
    except IntegrityError:
        found = TicketBook.objects.filter(account=by.account, device=device, ended=None).first()
        if found is None:  # the prefix is another's: once in half a million
            return take(device, by=by, used=used)
        return found
    audit.record(by, "revenue.ticket_book", f"revenue.ticket_book:{made.pk}")
    return made


def full(book: TicketBook) -> None:
    """A book whose last number came is ended, so that its device takes another one. In the caller's transaction."""
    if book.ended is None and next_leaf(book) > LEAVES:
        TicketBook.objects.filter(pk=book.pk).update(ended=timezone.now(), why=FULL)


@transaction.atomic
def end(book: int, *, reason: str, by: Actor) -> TicketBook:
    """A device is lost, or given back: nothing more comes of its book. Raises Refused, Denied."""
    access.require(by, DECIDE, anywhere=True)
    row = TicketBook.objects.select_for_update().get(pk=book)
    why = text.clean(reason)[:120]
    if not why:
        raise Refused(_("Say why."))
    if row.ended is None:
        row.ended, row.why = timezone.now(), why
        row.save(update_fields=["ended", "why"])
        audit.record(by, "revenue.end_ticket_book", f"revenue.ticket_book:{row.pk}", reason=why)
    return row


@transaction.atomic
def void(book: int, leaf: int, *, reason: str, by: Actor) -> VoidTicket:
    """A number that became no ticket: spoilt, lost. Declared again, it is the same. Raises Refused, Denied."""
    access.require(by, DECIDE, anywhere=True)
    row, why = TicketBook.objects.select_for_update().get(pk=book), text.clean(reason)[:200]
    if not why:
        raise Refused(_("Say why."))
    if not 1 <= leaf <= LEAVES or Ticket.objects.filter(book=row, leaf=leaf).exists():
        raise Refused(_("This number is a ticket's."))
    made, new = VoidTicket.objects.get_or_create(book=row, leaf=leaf, defaults={"reason": why, "account": by.account})
    if new:
        audit.record(by, "revenue.void_ticket_number", f"revenue.ticket_book:{row.pk}", leaf=leaf, reason=why)
    return made


@dataclass(frozen=True)
class Standing:
    """A book as the desk sees it. missing: numbers before the last one that is accounted for, which are neither a ticket nor void."""

    book: TicketBook
    used: int
    void: list[VoidTicket]
    missing: list[tuple[int, str]]


def standings(rows: list[TicketBook]) -> list[Standing]:
    """Three statements, however many books."""
    leaves: dict[int, set[int]] = {}
    for book, leaf in Ticket.objects.filter(book__in=rows).values_list("book", "leaf"):
        leaves.setdefault(book, set()).add(leaf)
    voids: dict[int, list[VoidTicket]] = {}
    for one in VoidTicket.objects.filter(book__in=rows).order_by("leaf"):
        voids.setdefault(one.book_id, []).append(one)
    found = []
    for row in rows:
        used, gone = leaves.get(row.pk, set()), voids.get(row.pk, [])
        there = used | {one.leaf for one in gone}
        missing = [n for n in range(1, max(there, default=0) + 1) if n not in there]
        found.append(Standing(row, len(used), gone, [(n, number(row, n)) for n in missing]))
    return found
