"""What may be done to the register: each verb is one transaction, with its audit and its event inside."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, events, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Base, NotSame, Objection, Part, PlanWish, Taxed, Taxpayer
from toguna.services.revenue.register import numbers, placing
from toguna.services.revenue.register.events import TaxedDeclared, TaxedEnded

WRITE = "revenue.write"


class Refused(Exception):
    """It cannot be done; str() says why, and what to do."""


@dataclass(frozen=True)
class Who:
    """What is said of a taxpayer. phone: E.164 or ""; person: of the town, when it is known who it is."""

    name: str
    kind: str = Taxpayer.Kind.PERSON
    trade: str = ""
    phone: str = ""
    email: str = ""
    tax_number: str = ""
    address: str = ""
    language: str = ""
    point: Point | None = None
    person: int | None = None


@dataclass(frozen=True)
class What:
    """What is said of a taxed thing. measures: {name: number as typed}, of what its base asks; feature: the parcel, building or market of
    the map, that which its point lies in when it is not said; since: today when it is not said."""

    words: str = ""
    plate: str = ""
    measures: Mapping[str, Any] = field(default_factory=dict)
    exemption: str = ""
    point: Point | None = None
    feature: int | None = None
    since: date | None = None
    photo: str = ""


# --- Who


@transaction.atomic
def add_taxpayer(who: Who, *, by: Actor, client_id: uuid.UUID | None = None) -> Taxpayer:
    """Writes somebody in the register, with their payer in the ledger. The same client_id again is the same taxpayer. Raises Refused."""
    before = Taxpayer.objects.filter(client_id=client_id).first() if client_id else None
    if before is not None:
        return before
    where = placing.stands(who.point)
    access.require(by, WRITE, zone=where.zone, anywhere=who.point is None)
    values = _who(who)
    person = who.person or _person_at(values["phone"], values["folded"])
    payer = ledger.payer(values["name"], person)
    if Taxpayer.objects.filter(payer=payer).exists():  # the same person is there twice, until somebody joins them
        payer = ledger.payer(values["name"])
    try:
        with transaction.atomic():
            row = Taxpayer.objects.create(
                number=numbers.fresh_numbers(1)[0], payer=payer, person_id=person, client_id=client_id or uuid.uuid4(), point=who.point,
                zone_id=where.zone, account=by.account, **values,
            )  # fmt: skip
    except IntegrityError:  # the same was sent twice at once: the other was first
        found = Taxpayer.objects.filter(client_id=client_id).first() if client_id else None
        if found is None:
            raise
        return found
    audit.record(by, "revenue.add_taxpayer", f"revenue.taxpayer:{row.pk}")
    return row


def _who(who: Who) -> dict[str, Any]:
    name = text.clean(who.name)[:200]
    if len(text.fold(name)) < 2:
        raise Refused(_("Say a name."))
    return {
        "name": name, "folded": text.fold(name)[:200], "kind": who.kind, "trade": text.clean(who.trade)[:120], "phone": who.phone[:20],
        "email": who.email, "tax_number": text.clean(who.tax_number)[:40], "address": text.clean(who.address)[:200],
        "language": who.language[:2],
    }  # fmt: skip


def _person_at(phone: str, folded: str) -> int | None:
    """The person of the town with this phone and this name, if there is exactly one."""
    if not phone:
        return None
    found = people.Person.objects.filter(pk__in=people.persons_at(phone)).values_list("pk", "name")
    alike = [pk for pk, name in found if text.fold(name) == folded]
    return alike[0] if len(alike) == 1 else None


@transaction.atomic
def edit_taxpayer(taxpayer: int, who: Who, *, by: Actor) -> Taxpayer:
    """Writes what is right now; what was there before is kept in its history. Raises Refused."""
    row = Taxpayer.objects.select_for_update().get(pk=taxpayer)
    require_taxpayer(by, row, WRITE)
    if not row.active:
        raise Refused(_("This taxpayer was joined to another, or erased."))
    values = _who(who)
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    if who.point is not None and who.point != row.point:
        row.point, row.zone_id = who.point, placing.stands(who.point).zone
        changed.append("point")
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    if "name" in changed:
        ledger.Payer.objects.filter(pk=row.payer_id).update(name=row.name)
    audit.record(by, "revenue.edit_taxpayer", f"revenue.taxpayer:{row.pk}", changed=sorted(changed))
    return row


def require_taxpayer(actor: Actor, row: Taxpayer, permission: str) -> None:
    """Raises Denied unless they may, where the taxpayer is or where something of theirs stands."""
    if access.can(actor, permission, zone=row.zone_id):
        return
    zones = access.zones(actor, permission) or frozenset()
    if not Part.objects.filter(taxpayer=row, taxed__zone__in=zones).exists():
        placed = row.zone_id is not None or Part.objects.filter(taxpayer=row, taxed__zone__isnull=False).exists()
        access.require(
            actor, permission, zone=row.zone_id, anywhere=not placed
        )  # nowhere yet: whoever keeps the register


# --- What


@transaction.atomic
def declare(
    base: Base, parts: Mapping[int, int] | Sequence[int], what: What, *, by: Actor, client_id: uuid.UUID | None = None,
    seen: datetime | None = None,
) -> Taxed:  # fmt: skip
    """Writes a taxed thing, and who pays it: {taxpayer: weight}, or taxpayers who share alike. seen: when somebody of the town stood
    before it. The same client_id again is the same thing. Raises Refused."""
    before = Taxed.objects.filter(client_id=client_id).first() if client_id else None
    if before is not None:
        return before
    where = placing.stands(what.point)
    access.require(by, WRITE, zone=where.zone, anywhere=what.point is None)
    if not where.inside:
        raise Refused(_("This point is outside the town."))
    try:
        with transaction.atomic():
            row = Taxed.objects.create(
                code=numbers.fresh_codes(1)[0], base=base, zone_id=where.zone, street=where.street, street_name=where.street_name,
                state=Taxed.State.SEEN if seen else Taxed.State.DECLARED, seen=seen, client_id=client_id or uuid.uuid4(),
                account=by.account, **{**_what(base, what), "feature": what.feature or where.feature},
            )  # fmt: skip
    except IntegrityError:
        found = Taxed.objects.filter(client_id=client_id).first() if client_id else None
        if found is None:
            raise
        return found
    _shared(row, parts)
    audit.record(by, "revenue.declare", f"revenue.taxed:{row.pk}", base=base.slug)
    events.publish(TaxedDeclared(row.pk))
    return row


def _what(base: Base, what: What) -> dict[str, Any]:
    return {
        "words": text.clean(what.words)[:120], "plate": numbers.plate(what.plate), "measures": measured(base, what.measures),
        "exemption": what.exemption[:40], "point": what.point, "feature": what.feature, "since": what.since or timezone.localdate(),
        "photo": what.photo[:80],
    }  # fmt: skip


def measured(base: Base, given: Mapping[str, Any]) -> dict[str, str]:
    """The measures that a base asks, as they are kept: plain decimal numbers. What is not known yet is left out. Raises Refused."""
    found = {}
    for ask in base.asks:
        value = str(given.get(ask["name"], "") or "").strip()
        if not value:
            continue
        try:
            found[ask["name"]] = format(ledger.number(value, text.pick(ask["titles"])).normalize(), "f")
        except ledger.Missing as error:
            raise Refused(str(error)) from error
    return found


def _shared(row: Taxed, parts: Mapping[int, int] | Sequence[int]) -> None:
    """Writes who pays, instead of who did."""
    weights = dict(parts) if isinstance(parts, Mapping) else dict.fromkeys(parts, 1)
    there = Taxpayer.objects.filter(pk__in=weights, active=True).count()
    if not weights or there != len(weights) or min(weights.values()) < 1:
        raise Refused(_("Say who pays, and how many parts each has."))
    row.parts.exclude(taxpayer__in=weights).delete()
    Part.objects.bulk_create(
        [Part(taxed=row, taxpayer_id=pk, weight=weight) for pk, weight in weights.items()],
        update_conflicts=True, unique_fields=["taxed", "taxpayer"], update_fields=["weight"],
    )  # fmt: skip


def _held(taxed: int, by: Actor, permission: str = WRITE) -> Taxed:
    row = Taxed.objects.select_for_update(of=("self",)).select_related("base").get(pk=taxed)
    access.require(by, permission, zone=row.zone_id, anywhere=row.zone_id is None)
    return row


@transaction.atomic
def edit_taxed(taxed: int, what: What, *, by: Actor) -> Taxed:
    """Raises Refused."""
    row = _held(taxed, by)
    values = _what(row.base, what)
    values["photo"] = values["photo"] or row.photo
    if what.point != row.point:
        where = placing.stands(what.point)
        access.require(by, WRITE, zone=where.zone, anywhere=what.point is None)
        if not where.inside:
            raise Refused(_("This point is outside the town."))
        row.zone_id, row.street, row.street_name = where.zone, where.street, where.street_name
        if what.feature in (None, row.feature):  # what it stood in before says nothing of where it is now
            values["feature"] = where.feature
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    audit.record(by, "revenue.edit_taxed", f"revenue.taxed:{row.pk}", changed=changed)
    return row


@transaction.atomic
def share(taxed: int, parts: Mapping[int, int] | Sequence[int], *, by: Actor) -> Taxed:
    """Says who pays it from now on: heirs who share a house, or another owner. Bills that are issued stay. Raises Refused."""
    row = _held(taxed, by)
    _shared(row, parts)
    audit.record(by, "revenue.share", f"revenue.taxed:{row.pk}", parts=len(parts))
    return row


@transaction.atomic
def see(
    taxed: int, *, by: Actor, at: datetime | None = None, measures: Mapping[str, Any] | None = None, point: Point | None = None,
    permission: str = "revenue.collect",
) -> Taxed:  # fmt: skip
    """Somebody of the town stood before it. measures, point: what they found there; a thing without a point gets theirs. Raises Refused."""
    row = _held(taxed, by, permission)
    moment = at or timezone.now()
    if row.seen is None or moment > row.seen:
        row.seen = moment
    if row.state == Taxed.State.DECLARED:
        row.state = Taxed.State.SEEN
    if measures:
        row.measures = {**row.measures, **measured(row.base, measures)}
    if row.point is None and point is not None and (where := placing.stands(point)).inside:
        row.point, row.zone_id, row.street, row.street_name = point, where.zone, where.street, where.street_name
        row.feature = row.feature or where.feature
    row.save()
    audit.record(by, "revenue.see", f"revenue.taxed:{row.pk}")
    return row


@transaction.atomic
def end(taxed: int, *, reason: str, by: Actor, until: date | None = None) -> Taxed:
    """It is there no more: not billed after that day. What is owed stays owed. Ended again, nothing happens. Raises Refused."""
    row = _held(taxed, by)
    if row.state == Taxed.State.GONE:
        return row
    why, day = text.clean(reason)[:200], until or timezone.localdate()
    if not why:
        raise Refused(_("Say why it is no longer taxed."))
    if day < row.since:
        raise Refused(_("It cannot end before it began."))
    row.state, row.until = Taxed.State.GONE, day
    row.save()
    audit.record(by, "revenue.end", f"revenue.taxed:{row.pk}", reason=why, until=day.isoformat())
    events.publish(TaxedEnded(row.pk))
    return row


@transaction.atomic
def reopen(taxed: int, *, by: Actor) -> Taxed:
    """It was ended by mistake."""
    row = _held(taxed, by)
    if row.state == Taxed.State.GONE:
        row.state, row.until = (Taxed.State.SEEN if row.seen else Taxed.State.DECLARED), None
        row.save()
        audit.record(by, "revenue.reopen", f"revenue.taxed:{row.pk}")
    return row


# --- Two who are one


@transaction.atomic
def merge(keep: int, other: int, *, by: Actor) -> Taxpayer:
    """Two entries of the register are one taxpayer: what `other` is taxed for is `keep`'s from now on. Bills that are issued stay on
    the payer that they were issued to (the book is never rewritten): `reads.payers_of` has both, and what either paid ahead pays them.
    Merged again, nothing happens. Raises Refused."""
    if keep == other:
        raise Refused(_("Choose two different taxpayers."))
    rows = {
        row.pk: row
        for row in Taxpayer.objects.select_for_update(of=("self",)).filter(pk__in=[keep, other]).order_by("pk")
    }
    kept, gone = rows[keep], rows[other]
    if gone.merged_into_id == keep:
        return kept
    if not (kept.active and gone.active):
        raise Refused(_("This taxpayer was joined to another, or erased."))
    for row in (kept, gone):
        require_taxpayer(by, row, WRITE)
    theirs = dict(Part.objects.filter(taxpayer=kept).values_list("taxed", "weight"))
    for part in Part.objects.filter(taxpayer=gone):
        if part.taxed_id in theirs:
            Part.objects.filter(taxed=part.taxed_id, taxpayer=kept).update(weight=theirs[part.taxed_id] + part.weight)
            part.delete()
        else:
            Part.objects.filter(pk=part.pk).update(taxpayer=kept)
    for name in ("trade", "phone", "email", "tax_number", "address", "language", "zone_id", "point", "person_id"):
        if not getattr(kept, name) and getattr(gone, name):
            setattr(kept, name, getattr(gone, name))
    kept.save()
    for asked in (Objection, PlanWish):
        asked.objects.filter(taxpayer=gone).update(taxpayer=kept)
    ledger.join(kept.payer_id, gone.payer_id, by=by)
    Taxpayer.objects.filter(merged_into=gone).update(merged_into=kept)
    gone.active, gone.merged_into = False, kept
    gone.save()
    audit.record(by, "revenue.merge", f"revenue.taxpayer:{kept.pk}", other=gone.pk)
    return kept


@transaction.atomic
def not_same(one: int, other: int, *, by: Actor) -> None:
    """A clerk looked at two taxpayers: they are not the same, and are not offered again."""
    first, second = sorted((one, other))
    for row in Taxpayer.objects.filter(pk__in=[first, second]):
        require_taxpayer(by, row, WRITE)
    NotSame.objects.get_or_create(one_id=first, other_id=second, defaults={"account": by.account})
    audit.record(by, "revenue.not_same", f"revenue.taxpayer:{first}", other=second)
