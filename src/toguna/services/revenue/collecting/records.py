"""What a collector did without network, applied when it gets here: each record once, in any order, and no money refused.

A record's id was made by the device: a replay changes nothing. A payment whose bill was paid meanwhile is its payer's, paid ahead;
one that cannot be given to anybody (a device that was cut off, somebody who is in no register) is put aside for the supervisor.
The device's clock may say anything: what counts is the order in which it did things (`seq`), and what both clocks make likely.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, text, town, turns
from toguna.kernel.access import Actor, Denied
from toguna.services.revenue.collecting import fees, odd, receipts
from toguna.services.revenue.collecting.devices import COLLECT, WRONG, Refused
from toguna.services.revenue.models import Base, Collected, Collector, Counted, Device, Taxed, Taxpayer, Visit
from toguna.services.revenue.register import reads as register

LATE = timedelta(days=45)  # as in the ledger: a device that is away longer has a wrong clock
MOST = 10**11  # minor units of one payment
OUTCOMES = frozenset(Visit.Outcome.values) - {Visit.Outcome.PAID}


@dataclasses.dataclass(frozen=True)
class Result:
    """state: "sent"; "kept": taken, and says what the collector should know; "refused", and says why: the device keeps it. receipt: the
    number that the book gave."""

    id: str
    state: Literal["sent", "kept", "refused"]
    says: str = ""
    receipt: str = ""


def apply(record: Mapping[str, Any], device: Device, *, skew: timedelta = timedelta(), by: Actor) -> Result:
    """One record, in one transaction. skew: what is to be added to the device's clock. Never raises for what is wrong with the record:
    the result says it."""
    typed = str(record.get("id", ""))[:40]
    try:
        once = uuid.UUID(typed)
        with transaction.atomic():
            turns.one_at_a_time(f"revenue.record {once}")  # sent twice at once: the second finds what the first did
            Device.objects.select_for_update().get(pk=device.pk)  # what one device did is written in its order
            kind = record.get("kind")
            if kind == "pay":
                return _pay(record, once, device, skew, by)
            if kind == "count":
                return _count(record, once, device, by)
            return _visit(record, once, device, skew, by)
    except (Refused, ledger.Refused) as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not collect there."))
    except (ValueError, TypeError, OverflowError, KeyError):
        return Result(typed, "refused", _("This record cannot be read. Check its numbers, and write it again."))


# --- When


@dataclasses.dataclass(frozen=True)
class Moment:
    """said: the device's clock, None when it said nothing; done: what is likely; wrong: whether the clock was."""

    said: datetime | None
    done: datetime
    wrong: bool


def _moment(record: Mapping[str, Any], device: Device, seq: int, skew: timedelta) -> Moment:
    now = timezone.now()
    try:
        said = parse_datetime(str(record.get("at") or ""))
    except ValueError:
        said = None
    if said is not None and said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    wrong, done = abs(skew) > WRONG, now
    if said is not None:
        likely = said + skew if wrong else said
        wrong = wrong or not now - LATE <= likely <= now + WRONG
        done = min(likely, now) if now - LATE <= likely <= now + WRONG else now
    # The order is what the device surely knows: nothing was done before what it did earlier, or after what it did later.
    others = Visit.objects.filter(device=device)
    before = others.filter(seq__lt=seq).aggregate(latest=Max("done"))["latest"]
    after = others.filter(seq__gt=seq).aggregate(earliest=Min("done"))["earliest"]
    if before is not None:
        done = max(done, before)
    if after is not None:
        done = min(done, after)
    return Moment(said, done, wrong)


def _seq(record: Mapping[str, Any]) -> int:
    seq = int(record["seq"])
    if not 0 <= seq < 2**31:
        raise ValueError(seq)
    return seq


def _point(record: Mapping[str, Any]) -> tuple[Point | None, int]:
    """(where it was done, metres that it may be wrong by)."""
    if record.get("lon") in (None, "") or record.get("lat") in (None, ""):
        return None, 0
    lon, lat = float(record["lon"]), float(record["lat"])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return None, 0
    return Point(lon, lat, srid=4326), max(0, min(int(float(record.get("accuracy") or 0)), 100_000))


# --- Visits


def _visit(record: Mapping[str, Any], once: uuid.UUID, device: Device, skew: timedelta, by: Actor) -> Result:
    before = Visit.objects.filter(client_id=once).first()
    if before is not None:
        return _there(before, device)
    outcome = str(record.get("outcome", ""))
    if outcome not in OUTCOMES:
        raise Refused(_("Say what came of the visit."))
    thing = _thing(record)
    if thing is None:
        raise Refused(_("Nothing in the register has the code %(code)s.") % {"code": str(record.get("code", ""))[:20]})
    access.require(by, COLLECT, zone=thing.zone_id, anywhere=thing.zone_id is None)
    promised = parse_date(str(record.get("promised") or "")) if outcome == Visit.Outcome.LATER else None
    row = _stood(record, once, device, skew, thing, _payer_of(record, thing), outcome, promised)
    audit.record(by, "revenue.visit", f"revenue.visit:{row.pk}", outcome=outcome)
    return Result(str(once), "sent")


def _there(row: Visit, device: Device) -> Result:
    if row.collector_id != device.collector_id:
        raise Refused(_("Another record was sent with this number."))
    return Result(str(row.client_id), "sent")


def _thing(record: Mapping[str, Any]) -> Taxed | None:
    code = codes.read(str(record.get("code") or "")[:20])
    return register.by_code(code) if code else None


def _payer_of(record: Mapping[str, Any], thing: Taxed | None) -> Taxpayer | None:
    number = codes.read(str(record.get("taxpayer") or "")[:20])
    if number:
        return register.by_number(number)
    if thing is None:
        return None
    return Taxpayer.objects.filter(parts__taxed=thing).order_by("-parts__weight", "parts__pk").first()


def _stood(
    record: Mapping[str, Any], once: uuid.UUID, device: Device, skew: timedelta, thing: Taxed | None, taxpayer: Taxpayer | None,
    outcome: str, promised: date | None = None, moment: Moment | None = None,
) -> Visit:  # fmt: skip
    seq = _seq(record)
    when = moment or _moment(record, device, seq, skew)
    point, accuracy = _point(record)
    row = Visit.objects.create(
        client_id=once, collector=device.collector, taxed=thing, taxpayer=taxpayer, outcome=outcome,
        note=text.clean(str(record.get("note") or ""))[:300], promised=promised, point=point, accuracy=accuracy if point else None,
        device=device, seq=seq, said=when.said, done=when.done,
    )  # fmt: skip
    if thing is not None:
        Taxed.objects.filter(pk=thing.pk).exclude(seen__gt=when.done).update(seen=when.done)
        Taxed.objects.filter(pk=thing.pk, state=Taxed.State.DECLARED).update(state=Taxed.State.SEEN)
    return row


# --- Money


def _pay(record: Mapping[str, Any], once: uuid.UUID, device: Device, skew: timedelta, by: Actor) -> Result:
    before = Visit.objects.filter(client_id=once).first()
    if before is not None:
        _there(before, device)
        made_before = Collected.objects.filter(visit=before).select_related("payment__desk", "visit").first()
        if made_before is None:
            raise Refused(_("Another record was sent with this number."))
        return _taken(made_before)
    collector = device.collector
    amount, number, seq = int(record["amount"]), int(record["number"]), _seq(record)
    if not 0 < amount <= MOST or not 0 < number < 2**31:
        raise ValueError(amount)
    block = ledger.Block.objects.filter(pk=int(record["block"]), desk=collector.desk_id).select_related("desk").first()
    if block is None:
        raise Refused(_("These numbers of receipts were given to another desk."))
    moment = _moment(record, device, seq, skew)
    thing = _thing(record)
    taxpayer = _payer_of(record, thing)
    currency = town.current().currency
    aside = _not_theirs(collector, thing, taxpayer, by)
    # Numbers of a block that was ended, or of none, the ledger puts aside by itself.
    nobodys = bool(aside) or block.ended is not None or not block.first <= number <= block.last
    owed = Owed() if nobodys else _owed(record, thing, taxpayer, amount, moment, collector, str(once), by)
    aside = aside or owed.aside
    row = ledger.take_offline(
        block, number, amount, currency, "cash", key=f"collect:{once}", by=by, payer=owed.payer, bills=owed.bills, at=moment.done,
        aside=aside,
    )  # fmt: skip
    visit = _stood(record, once, device, skew, thing, taxpayer, Visit.Outcome.PAID, moment=moment)
    where = (visit.point.x, visit.point.y) if visit.point else None
    stands = (thing.point.x, thing.point.y) if thing is not None and thing.point else None
    flags, away = odd.found(odd.Taken(amount, owed.expected, moment.done, where, visit.accuracy or 0, stands))
    if owed.fee and owed.expected not in (0, amount):
        flags.append("fee")
    if moment.wrong:
        flags.append("clock")
    if row.printed and not nobodys:
        flags.append("twice")
    if ledger.Suspense.objects.filter(payment=row).exists():
        flags.append("aside")
    if str(record.get("proof") or "") != ledger.proof(ledger.secret(block), number, amount, currency):
        flags.append("proof")
    made = Collected.objects.create(payment=row, visit=visit, metres=away, odd=flags)
    _in_a_hurry(visit)
    receipts.tell(row, taxpayer, _phone(record), by=by)
    audit.record(by, "revenue.collect", f"ledger.payment:{row.pk}", amount=amount, odd=flags)
    made.payment = row
    return _taken(made)


def _taken(made: Collected) -> Result:
    """The answer, the first time and each time after."""
    number, said = ledger.receipt_number(made.payment), []
    if made.payment.printed:
        said.append(_("The book calls it %(number)s.") % {"number": number})
    if "aside" in made.odd:
        said.append(_("Put aside: who supervises decides."))
    return Result(str(made.visit.client_id), "kept" if said else "sent", " ".join(said), number)


@dataclasses.dataclass(frozen=True)
class Owed:
    """For what money was taken. bills: None for whatever the payer owes; expected: what was owed of it, 0 when nobody knows."""

    payer: int | None = None
    bills: list[int] | None = None
    expected: int = 0
    aside: str = ""
    fee: bool = False


def _owed(
    record: Mapping[str, Any], thing: Taxed | None, taxpayer: Taxpayer | None, amount: int, moment: Moment, collector: Collector,
    key: str, by: Actor,
) -> Owed:  # fmt: skip
    day = timezone.localdate(moment.done)
    if record.get("base"):  # somebody who is in no register
        base = Base.objects.filter(slug=str(record["base"])[:60], every=Base.Every.DAY).first()
        if base is None:
            return Owed(aside=_("This fee is not taken by the day."))
        measures = record.get("measures")
        given = (
            {str(name)[:20]: str(value)[:20] for name, value in measures.items()} if isinstance(measures, dict) else {}
        )
        try:
            made, asked = fees.bill_of_passing(collector, base, given, amount, day, key=key, by=by)
        except ledger.Refused as error:  # its tariff was withdrawn since the morning
            return Owed(aside=str(error))
        return Owed(made.payer_id, [made.pk], asked, fee=True)
    if taxpayer is None:
        return Owed(aside=_("Nobody in the register has this number."))
    payers = register.payers_of(taxpayer)
    wanted = [codes.read(str(one)[:20]) for one in record.get("bills") or ()][:100]
    rows = list(ledger.Bill.objects.filter(reference__in=wanted, payer__in=payers)) if wanted else []
    fee = bool(record.get("fee"))
    if fee and thing is not None and (made_bill := fees.bill_of(thing, taxpayer, day, by=by)) is not None:
        rows.append(made_bill)
    if not rows and not wanted:  # on account; or the act gives no price: it is theirs all the same
        return Owed(taxpayer.payer_id, None, fee=fee)
    return Owed(taxpayer.payer_id, [one.pk for one in rows], sum(one.left for one in rows), fee=fee)


def _not_theirs(collector: Collector, thing: Taxed | None, taxpayer: Taxpayer | None, by: Actor) -> str:
    """Why this collector may not give it to anybody; "" when they may."""
    if not collector.active:
        return _("This collector collects no more.")
    zone = thing.zone_id if thing is not None else taxpayer.zone_id if taxpayer is not None else None
    if not access.can(by, COLLECT, zone=zone, anywhere=zone is None):
        return _("Taken outside the collector's zones.")
    return ""


def _in_a_hurry(visit: Visit) -> None:
    """Marks the later one of two payments that follow each other too soon. Whichever comes last here finds the other."""
    rows = Visit.objects.filter(device=visit.device_id, outcome=Visit.Outcome.PAID).exclude(said=None)
    before = rows.filter(seq__lt=visit.seq).order_by("-seq").first()
    after = rows.filter(seq__gt=visit.seq).order_by("seq").first()
    for first, second in ((before, visit), (visit, after)):
        if first is None or second is None or first.said is None or second.said is None:
            continue
        here, there = ((one.point.x, one.point.y) if one.point else None for one in (first, second))
        if odd.too_fast(first.said, here, second.said, there):
            late = Collected.objects.select_for_update().filter(visit=second).first()
            if late is not None and "fast" not in late.odd:
                Collected.objects.filter(pk=late.pk).update(odd=[*late.odd, "fast"])


def _phone(record: Mapping[str, Any]) -> str:
    """The number that the payer gave; "" for none, or one that cannot be."""
    try:
        return people.normal_phone(str(record.get("phone") or "")[:30]) if record.get("phone") else ""
    except ValidationError:
        return ""


# --- The evening


def _count(record: Mapping[str, Any], once: uuid.UUID, device: Device, by: Actor) -> Result:
    before = Counted.objects.filter(client_id=once).first()
    if before is not None:
        if before.collector_id != device.collector_id:
            raise Refused(_("Another record was sent with this number."))
        return Result(str(once), "sent")
    currency = town.current().currency
    pieces = {int(piece): int(number) for piece, number in dict(record["pieces"]).items()}
    total = ledger.worth(pieces, currency)
    said = parse_datetime(str(record.get("at") or ""))
    Counted.objects.create(
        client_id=once, collector=device.collector, device=device, pieces={str(piece): n for piece, n in pieces.items() if n}, total=total,
        expected=int(record.get("expected") or 0), said=said if said is not None and said.tzinfo else None,
    )  # fmt: skip
    audit.record(by, "revenue.count", f"revenue.collector:{device.collector_id}", total=total)
    return Result(str(once), "sent")
