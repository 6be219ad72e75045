"""Numbers of receipts for devices that leave the network. A number is a payment's, or is voided in plain sight: never lost.

A device takes a block along; every payment that it sends says which number its paper has. Two devices with the same block (a copied
tablet, a backup put back) both keep their money: who comes second gets another number, and `printed` keeps what the paper says."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import paying
from toguna.engines.ledger.apportioning import Order
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Block, Desk, Payment, Suspense, VoidNumber
from toguna.kernel import audit, codes, text
from toguna.kernel.access import Actor

MOST = 500  # numbers in a block
EARLY, LATE = timedelta(minutes=10), timedelta(days=45)  # a clock outside of these is wrong
PROOF = 6  # characters of a receipt's code


def secret(block: Block) -> str:
    """What a device proves its receipts with; of its block only, so that a stolen device signs no other's."""
    seed = f"ledger.block:{block.pk}:{block.desk_id}:{block.year}:{block.first}:{block.device}"
    return hmac.new(settings.SECRET_KEY.encode(), seed.encode(), hashlib.sha256).hexdigest()


def proof(of: str, number: int, amount: int, currency: str) -> str:
    """The short code on a receipt made without network. of: the secret of its block."""
    digest = hmac.new(of.encode(), f"{number}:{amount}:{currency}".encode(), hashlib.sha256).digest()
    return "".join(codes.ALPHABET[byte % len(codes.ALPHABET)] for byte in digest[:PROOF])


@transaction.atomic
def reserve(desk: Desk, device: str, count: int, *, by: Actor) -> Block:
    """The block that this device has open at the desk in this year, if half of it is left; else a new one of `count` numbers.
    Asked again (the answer was lost), it is the same. Raises Refused."""
    if not desk.active:
        raise Refused(_("This desk is closed."))
    name = text.clean(device)[:64]
    if not name or not 1 <= count <= MOST:
        raise Refused(_("Ask for 1 to %(most)d numbers, for a device that says its name.") % {"most": MOST})
    year = timezone.localdate().year
    paying.counter(desk.pk, year)  # holds the row: whoever asks at this desk waits
    open_ = Block.objects.filter(desk=desk, year=year, device=name, ended=None).order_by("-first").first()
    if open_ is not None:
        used = Payment.objects.filter(desk=desk, year=year, number__range=(open_.first, open_.last)).count()
        if used * 2 < open_.last - open_.first + 1:
            return open_
    last = paying.advance_counter(desk.pk, year, count)
    made = Block.objects.create(
        desk=desk, year=year, first=last - count + 1, last=last, device=name, account=by.account
    )
    audit.record(by, "ledger.block", f"ledger.desk:{desk.pk}", first=made.first, last=made.last)
    return made


def take_offline(
    block: Block, number: int, amount: int, currency: str, method: str, *, key: str, by: Actor, payer: int | None = None,
    bills: Sequence[int] | None = None, reference: str = "", at: datetime | None = None, order: Order = "oldest-first",
    aside: str = "",
) -> Payment:  # fmt: skip
    """Writes down a payment that a device took. at: what its clock said; aside: why it is nobody's, "" for what is somebody's. The same key again gives the same payment; a number that is
    another's already gives this one the next, and keeps what its paper says; a block that was ended (stolen, closed) or a number that
    is not of it puts the money aside for the supervisor, and refuses none. Raises Refused, Mismatch."""
    now = timezone.now()
    block = Block.objects.select_related("desk__account").get(pk=block.pk)  # it may have been ended since
    wrong_clock = at is not None and not block.given - LATE <= at <= now + EARLY
    late = block.ended is not None
    foreign = not block.first <= number <= block.last
    when = now if at is None or wrong_clock else min(at, now)
    said = at if wrong_clock else None
    reason = aside
    unusable = late or foreign  # its number: it is void by now, or another device's
    if late:
        reason = _("The device's block of receipts had ended: %(why)s") % {"why": block.why or "-"}
    elif foreign:
        reason = _("Its number %(number)d is not of the device's block.") % {"number": number}
    with transaction.atomic():
        taken = Payment.objects.filter(key=key).first()
        row = paying.take(
            amount, currency, method, desk=block.desk, key=key, by=by, payer=None if reason else payer,
            bills=[] if reason else bills, reference=reference, at=when, order=order,
            number=None if unusable else number, year=block.year, said_at=said,
            printed=f"{block.desk.prefix}-{block.year}-{number:06d}",
        )  # fmt: skip
        if taken is None and reason:
            Suspense.objects.get_or_create(payment=row, defaults={"reason": reason[:300]})
    return row


@transaction.atomic
def end(block: Block, *, why: str, by: Actor) -> int:
    """The device came back, or was lost: each number that no payment has is voided, and says why. How many. Ended again, nothing."""
    paying.counter(block.desk_id, block.year)
    row = Block.objects.select_for_update().get(pk=block.pk)
    if row.ended is not None:
        return 0
    words = text.clean(why)[:120]
    if not words:
        raise Refused(_("Say why the block ends."))
    there = set(
        Payment.objects.filter(desk=row.desk_id, year=row.year, number__range=(row.first, row.last)).values_list(
            "number", flat=True
        )
    )
    unused = [number for number in range(row.first, row.last + 1) if number not in there]
    VoidNumber.objects.bulk_create(
        [VoidNumber(desk_id=row.desk_id, year=row.year, number=number, why=words) for number in unused],
        ignore_conflicts=True,
    )
    Block.objects.filter(pk=row.pk).update(ended=timezone.now(), why=words)
    audit.record(
        by, "ledger.end_block", f"ledger.desk:{row.desk_id}", first=row.first, last=row.last, unused=len(unused)
    )
    return len(unused)


@transaction.atomic
def stolen(desk: Desk, *, by: Actor) -> int:
    """Closes a desk whose device is gone, and ends its blocks; what it still sends is put aside. How many numbers were voided."""
    unused = sum(
        end(block, why=_("device stolen or lost"), by=by) for block in Block.objects.filter(desk=desk, ended=None)
    )
    Desk.objects.filter(pk=desk.pk).update(active=False)
    audit.record(by, "ledger.stolen", f"ledger.desk:{desk.pk}")
    return unused


def out(desk: Desk, year: int) -> list[Block]:
    """The blocks that devices still have with them."""
    return list(Block.objects.filter(desk=desk, year=year, ended=None).order_by("first"))


def out_with(device: str) -> list[Block]:
    """The blocks, of any desk and year, that a device still has with it."""
    return list(Block.objects.filter(device=device[:64], ended=None).order_by("year", "first"))


def next_of(block: Block) -> int:
    """The number after the last one of a block that a payment has; beyond its end when it is used up."""
    used = Payment.objects.filter(desk=block.desk_id, year=block.year, number__range=(block.first, block.last))
    return (used.aggregate(last=Max("number"))["last"] or block.first - 1) + 1


def voided(desk: Desk, year: int) -> list[tuple[int, int, str]]:
    """Numbers that no payment has, as (first, last, why): in plain sight."""
    found: list[tuple[int, int, str]] = []
    for number, why in VoidNumber.objects.filter(desk=desk, year=year).order_by("number").values_list("number", "why"):
        if found and found[-1][1] == number - 1 and found[-1][2] == why:
            found[-1] = (found[-1][0], number, why)
        else:
            found.append((number, number, why))
    return found


def proven(prefix: str, year: int, number: int, amount: int, currency: str, said: str) -> bool:
    """Whether a device of the town proved this receipt: so it is genuine though its payment has not come yet."""
    rows = Block.objects.filter(desk__prefix=prefix, year=year, first__lte=number, last__gte=number)
    return any(hmac.compare_digest(proof(secret(one), number, amount, currency), said) for one in rows)
