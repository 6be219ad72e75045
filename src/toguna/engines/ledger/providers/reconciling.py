"""A provider's settlement file against our book, line by line; and the report that says zero, or why not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.models.providers import PaymentRequest, SettlementFile, SettlementLine
from toguna.engines.ledger.providers import arrivals, booking, ways
from toguna.engines.ledger.providers.port import BadFile, Settled
from toguna.kernel import access, audit, turns
from toguna.kernel.access import Actor

PERMISSION = "ledger.reconcile"
LARGEST = 20_000_000  # bytes
Outcome = SettlementLine.Outcome


def bring(way: ways.Way, name: str, content: bytes, *, by: Actor) -> SettlementFile:
    """Reads a settlement file. What it has and our book has not is taken: it is the provider's own word. The same file again gives
    the same row; a line that another file had changes nothing. Raises BadFile, access.Denied."""
    access.require(by, PERMISSION)
    if len(content) > LARGEST:
        raise BadFile(_("The file is larger than %(most)d MB.") % {"most": LARGEST // 10**6})
    digest = hashlib.sha256(content).hexdigest()
    text = _decoded(content)
    with transaction.atomic():
        turns.one_at_a_time(f"ledger.settlement {way.slug}")
        before = SettlementFile.objects.filter(way=way.slug, sha256=digest).first()
        if before is not None:
            return before
        lines = list(way.provider.settlement(text, way.given))
        file = SettlementFile.objects.create(
            way=way.slug, name=name[:200], sha256=digest, text=text.replace("\x00", ""), account=by.account
        )
        now = timezone.now()
        SettlementLine.objects.bulk_create(_read(file, way, lines, now), batch_size=2000)
        moments = [line.at for line in lines if line.at]
        file.since, file.until = (min(moments), max(moments)) if moments else (None, None)
        file.save(update_fields=["since", "until"])
        audit.record(by, PERMISSION, f"ledger.settlement:{file.pk}", way=way.slug, lines=len(lines))
    return file


def _decoded(content: bytes) -> str:
    for charset in ("utf-8-sig", "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "cp1252"):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _read(file: SettlementFile, way: ways.Way, lines: Iterable[Settled], now: datetime) -> list[SettlementLine]:
    rows = []
    for number, line in enumerate(lines, 1):
        request, outcome = _line(way, line, now)
        rows.append(
            SettlementLine(
                file=file, number=number, transaction=line.transaction, reference=line.reference, amount=line.amount,
                currency=line.currency, fee=line.fee, at=line.at, request=request, outcome=outcome,
            )
        )  # fmt: skip
    return rows


def _line(way: ways.Way, line: Settled, now: datetime) -> tuple[PaymentRequest | None, str]:
    """What one line is to us, having taken what was not in the book."""
    row = _ours(way, line)
    if line.amount <= 0:
        back = PaymentRequest.objects.filter(way=way.slug, transaction=line.transaction, back_of__isnull=False).first()
        return (back, Outcome.BACK) if back and back.paid == -line.amount else (back, Outcome.STRANGE)
    if row is None:
        row = arrivals.write(way, line.transaction, line.amount, line.currency, line.reference, line.at or now)
    row = PaymentRequest.objects.select_for_update().get(pk=row.pk)
    if row.state in PaymentRequest.PAID:
        same = (row.paid, row.paid_currency) == (line.amount, line.currency)
        outcome = Outcome.MATCHED if same else Outcome.DIFFERS
        if row.transaction in ("", row.theirs):  # known to us until now by the name of the request only
            row.transaction = line.transaction
    else:
        wrong = ""
        if not row.arrived and (line.amount, line.currency) != (row.amount, row.currency):
            wrong = booking.other_amount(line.amount, line.currency, row)
        booking.enter(row, line.amount, line.currency, line.transaction, line.at or now, wrong)
        outcome = Outcome.TAKEN if row.state == PaymentRequest.State.SUCCEEDED else Outcome.SUSPENSE
    if outcome != Outcome.DIFFERS:
        row.settled = row.settled or now
    row.save()
    return row, outcome


def _ours(way: ways.Way, line: Settled) -> PaymentRequest | None:
    rows = PaymentRequest.objects.filter(way=way.slug, back_of=None)
    if (row := rows.filter(transaction=line.transaction).first()) is not None:
        return row
    row = arrivals.named(way.slug, line.reference)
    # A second payment by the same code is another payment.
    return row if row is not None and row.transaction in ("", row.theirs) else None


@dataclass(frozen=True)
class Report:
    """Of one way, from `since` up to and including `until`. ours, theirs: minor units by currency; missing: in our book, not in any
    file of theirs; others: lines that are not simply the same; waiting: what came by itself and no file has confirmed yet."""

    since: datetime
    until: datetime
    ours: dict[str, int]
    theirs: dict[str, int]
    fees: dict[str, int]
    missing: list[PaymentRequest] = field(default_factory=list)
    differing: list[SettlementLine] = field(default_factory=list)
    taken: list[SettlementLine] = field(default_factory=list)
    suspense: list[SettlementLine] = field(default_factory=list)
    waiting: list[PaymentRequest] = field(default_factory=list)

    @property
    def differences(self) -> dict[str, int]:
        """theirs less ours, by currency; empty when all is zero."""
        every = self.ours.keys() | self.theirs.keys()
        found = {code: self.theirs.get(code, 0) - self.ours.get(code, 0) for code in sorted(every)}
        return {code: amount for code, amount in found.items() if amount}

    @property
    def zero(self) -> bool:
        return not (self.differences or self.missing or self.differing)


def report(file: SettlementFile) -> Report:
    """The time that a file covers. Money that was paid a few minutes before or after its ends is where the provider put it."""
    lines = list(file.lines.select_related("request"))
    bounds = file.lines.aggregate(Min("at"), Max("at"))
    since = bounds["at__min"] or file.at
    until = bounds["at__max"] or file.at
    named = {line.request_id for line in lines if line.request_id}
    slack = timedelta(minutes=10)
    inside = Q(paid_at__gte=since + slack, paid_at__lte=until - slack)
    in_book = PaymentRequest.objects.filter(way=file.way, back_of=None, state__in=PaymentRequest.PAID)
    missing = list(in_book.filter(inside, settled=None).exclude(pk__in=named).order_by("paid_at")[:500])
    waiting = PaymentRequest.objects.filter(way=file.way, arrived=True, state=PaymentRequest.State.PENDING)
    ours: dict[str, int] = {}
    seen: set[int] = set()
    for row in [*(line.request for line in lines if line.request and line.amount > 0), *missing]:
        if row.pk not in seen and row.paid is not None:
            seen.add(row.pk)
            ours[row.paid_currency] = ours.get(row.paid_currency, 0) + row.paid
    theirs: dict[str, int] = {}
    fees: dict[str, int] = {}
    for line in lines:
        if line.amount > 0:
            theirs[line.currency] = theirs.get(line.currency, 0) + line.amount
        if line.fee:
            fees[line.currency] = fees.get(line.currency, 0) + line.fee
    return Report(
        since,
        until,
        ours,
        theirs,
        fees,
        missing,
        [line for line in lines if line.outcome in (Outcome.DIFFERS, Outcome.STRANGE)],
        [line for line in lines if line.outcome == Outcome.TAKEN],
        [line for line in lines if line.outcome == Outcome.SUSPENSE],
        list(waiting.order_by("created")[:500]),
    )
