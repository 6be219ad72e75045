"""A ticket: written once, wherever it was written; in the book as a bill of the vehicle, the person or the taxpayer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, money, text, town
from toguna.kernel.access import Actor, Denied
from toguna.services.revenue.fines import books, kinds
from toguna.services.revenue.fines.books import DECIDE, WRITE, Refused
from toguna.services.revenue.models import (
    Infraction,
    Taxed,
    Taxpayer,
    Ticket,
    TicketBook,
    TicketContest,
    TicketPhoto,
    Vehicle,
    VoidTicket,
)
from toguna.services.revenue.register import census, numbers
from toguna.services.revenue.register import reads as register
from toguna.services.revenue.register.placing import stands

MOST_PHOTOS = 6  # of a ticket
FINES = "7711"  # the account of fines and penalties
REPEAT = timedelta(days=365)


@dataclass(frozen=True)
class Found:
    """What an officer found. leaf: the number of the book; measure: what the tariff's bands go by; printed: minor units that the paper
    says, None where none was printed; taxpayer: their number in the register, "" for none; at: when, as it is believed."""

    book: TicketBook
    leaf: int
    kind: Infraction
    at: datetime
    plate: str = ""
    name: str = ""
    phone: str = ""
    taxpayer: str = ""
    measure: str = ""
    point: Point | None = None
    accuracy: int | None = None
    place: str = ""
    note: str = ""
    said: datetime | None = None
    printed: int | None = None


@transaction.atomic
def write(found: Found, *, client_id: uuid.UUID, by: Actor) -> Ticket:
    """Writes a ticket and its bill, once for its client_id. Raises Refused, Denied, ValidationError."""
    before = Ticket.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    book = TicketBook.objects.select_for_update().get(pk=found.book.pk)
    if book.account != by.account or by.account is None:
        raise Denied(by, WRITE)
    before = Ticket.objects.filter(client_id=client_id).first()  # it may have come while we waited
    if before is not None:
        return before
    if book.ended is not None and book.why != books.FULL:
        raise Refused(_("This book of tickets was closed: see your head of service."))
    if not 1 <= found.leaf <= books.LEAVES:
        raise Refused(_("This number is not of your book."))
    if Ticket.objects.filter(book=book, leaf=found.leaf).exists():
        raise Refused(_("Another ticket has this number: write this one again."))
    where = stands(found.point)
    if not where.inside:
        raise Refused(_("This place is not in the town."))
    access.require(by, WRITE, zone=where.zone, anywhere=where.zone is None)
    plate, name = numbers.plate(found.plate), text.clean(found.name)[:200]
    phone = people.normal_phone(found.phone) if found.phone else ""
    owner = _owner(found.taxpayer, plate)
    if not plate and not name and owner is None:
        raise Refused(_("Write the number plate, or whose infraction it is."))
    place = text.clean(found.place)[:200] or where.street_name
    if found.point is None and not place:
        raise Refused(_("Say where it was."))
    kind, day = found.kind, timezone.localdate(found.at)
    number = books.number(book, found.leaf)
    due = day + timedelta(days=kind.pay_days)  # from the day on which the paper was given
    with translation.override(town.current().languages[0]):  # what is kept is said as the town says it
        quote, tariff = quoted(kind, found.measure, found.at)
        words = text.pick(kind.titles)
    lines = [ledger.Due(step.kind, f"{step.words} ({kind.law})", step.amount, FINES) for step in quote.lines]
    try:
        bill = ledger.issue(
            _payer(owner, plate, name, phone), lines, key=f"fine:{client_id}", due=due, by=by, tariff=tariff,
            words=f"{number} · {words}", about=("fine", number),
        )  # fmt: skip
    except ledger.Refused as error:
        raise Refused(str(error)) from error
    row = Ticket.objects.create(
        client_id=client_id, book=book, leaf=found.leaf, number=number, infraction=kind, words=words[:200], law=kind.law,
        measure=found.measure[:20], plate=plate, name=name, phone=phone or (owner.phone if owner else ""), taxpayer=owner, point=found.point,
        accuracy=found.accuracy, zone_id=where.zone, place=place, note=text.clean(found.note)[:500], account=by.account,
        said=found.said, at=found.at, bill=bill, printed=found.printed, due=due,
        contest_until=day + timedelta(days=kind.contest_days), more=kind.more, more_law=kind.more_law,
        more_on=day + timedelta(days=kind.more_days) if kind.more else None, then=kind.then,
        then_on=day + timedelta(days=kind.then_days),
    )  # fmt: skip
    VoidTicket.objects.filter(book=book, leaf=found.leaf).delete()  # it was thought lost
    books.full(book)
    audit.record(by, "revenue.ticket", f"revenue.ticket:{row.pk}", number=number)
    return row


def quoted(kind: Infraction, measure: str, at: datetime) -> tuple[ledger.Quote, ledger.Tariff]:
    """What a kind costs on the day of the infraction. Raises Refused."""
    price = kinds.price(kind, timezone.localdate(at))
    if price is None:
        raise Refused(_("No price holds for this infraction: the council's act is missing."))
    try:
        return ledger.quote(price.tariff, {price.by: measure} if price.by else {}), price.tariff
    except ledger.Missing as error:
        raise Refused(str(error)) from error


def _owner(typed: str, plate: str) -> Taxpayer | None:
    """The taxpayer who was named, else the one who alone declared the vehicle. Raises Refused."""
    if typed.strip():
        found = register.by_number(typed)
        if found is None:
            raise Refused(_("There is no taxpayer %(number)s.") % {"number": typed[:20]})
        return found
    if not plate:
        return None
    vehicles = Taxed.objects.filter(plate=plate, base__place="vehicle").exclude(state=Taxed.State.GONE)
    owners = Taxpayer.objects.filter(parts__taxed__in=vehicles, active=True, merged_into=None)
    rows = list(owners.distinct()[:2])
    return rows[0] if len(rows) == 1 else None


def _payer(owner: Taxpayer | None, plate: str, name: str, phone: str) -> ledger.Payer:
    if owner is not None:
        return owner.payer
    return payer_of(plate) if plate else ledger.payer(name)


def payer_of(plate: str) -> ledger.Payer:
    """Who owes what is owed for a plate of which the town knows no owner. In the caller's transaction."""
    found = Vehicle.objects.select_related("payer").filter(plate=plate).first()
    if found is not None:
        return found.payer
    try:
        with transaction.atomic():
            return Vehicle.objects.create(plate=plate, payer=ledger.payer(plate)).payer
    except IntegrityError:
        return Vehicle.objects.select_related("payer").get(plate=plate).payer


# --- What comes from a device


@dataclass(frozen=True)
class Result:
    """state: "sent", "refused" with why, or "waiting": a photo that came before its ticket."""

    id: str
    state: Literal["sent", "refused", "waiting"]
    says: str = ""
    number: str = ""


def apply(record: Mapping[str, Any], *, by: Actor) -> Result:
    """One record of the app, in one transaction. Never raises for what is wrong with it: the result says it."""
    typed = str(record.get("id", ""))
    try:
        once = uuid.UUID(typed)
        with transaction.atomic():
            row = write(_read(record, by), client_id=once, by=by)
    except (Refused, ValidationError) as error:
        return Result(typed, "refused", " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
    except Denied:
        return Result(typed, "refused", _("You may not write in this district."))
    except (ValueError, TypeError, OverflowError, KeyError):
        return Result(typed, "refused", _("This record cannot be read. Check its numbers, and write it again."))
    says = ""
    if row.printed is not None and row.printed != row.bill.amount:
        says = _("The tariff changed: %(amount)s holds, not what the paper says.") % {
            "amount": money.shown(row.bill.amount, row.bill.currency)
        }
    return Result(str(once), "sent", says, row.number)


def _read(record: Mapping[str, Any], by: Actor) -> Found:
    book = TicketBook.objects.filter(pk=int(record["book"])).first()
    if book is None or book.account != by.account:
        raise Refused(_("This number is not of your book."))
    kind = Infraction.objects.filter(slug=str(record.get("kind", ""))).first()
    if kind is None:
        raise Refused(_("There is no such infraction."))
    said = parse_datetime(str(record.get("at") or ""))
    words = {
        name: str(record.get(name) or "") for name in ("plate", "name", "phone", "taxpayer", "measure", "place", "note")
    }
    point, accuracy = census.point_of(record), int(record["accuracy"]) if record.get("accuracy") is not None else None
    if point is not None and words["place"].strip() and not stands(point).inside:
        # The paper was given: where the officer says where it was, a telephone that believes itself elsewhere is wrong.
        with translation.override(town.current().languages[0]):
            astray = _("The telephone believed itself at %(point)s, out of the town.") % {
                "point": f"{point.y:.4f}, {point.x:.4f}"
            }
        words["note"] = f"{words['note']} {astray}".strip()
        point, accuracy = None, None
    return Found(
        book, int(record["leaf"]), kind, census.moment_of(record.get("at")), point=point, accuracy=accuracy,
        said=said if said is not None and said.tzinfo else None,
        printed=int(record["amount"]) if record.get("amount") is not None else None, **words,
    )  # fmt: skip


# --- Photos


def photo_path(photo: TicketPhoto) -> Path:
    name = str(photo.file)
    return Path(settings.MEDIA_ROOT) / "tickets" / name[:2] / f"{name}.jpg"


def add_photo(typed: str, of: str, data: bytes, *, by: Actor) -> Result:
    """A photo of a ticket that this officer wrote, drawn anew: the pixels and nothing else. Once for its id."""
    try:
        once, record = uuid.UUID(typed), uuid.UUID(of)
    except ValueError:
        return Result(typed, "refused", _("This cannot be read."))
    with transaction.atomic():
        row = Ticket.objects.select_for_update().filter(client_id=record).first()
        if row is None:
            return Result(typed, "waiting")
        if row.account != by.account:
            return Result(typed, "refused", _("This ticket is another officer's."))
        try:
            keep_photo(row, once, data)
        except Refused as error:
            return Result(typed, "refused", str(error))
    return Result(typed, "sent", number=row.number)


def keep_photo(ticket: Ticket, once: uuid.UUID, data: bytes, *, contest: Any = None) -> TicketPhoto:
    """In the caller's transaction, which holds the ticket: the file first, then the row. Raises Refused."""
    before = TicketPhoto.objects.filter(client_id=once).first()
    if before is not None:
        return before
    if TicketPhoto.objects.filter(ticket=ticket, contest=contest).count() >= MOST_PHOTOS:
        raise Refused(_("There are enough photos."))
    row = TicketPhoto(ticket=ticket, contest=contest, client_id=once, file=once)
    try:
        cases.check_photo(data)
        census.drawn_anew(data, photo_path(row))
    except cases.BadPhoto as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(_("This photo cannot be read.")) from error
    row.save()
    return row


def forget(taxpayer: Taxpayer) -> None:
    """What tickets say of a taxpayer who is erased: the infraction and its amount stay. In the caller's transaction; a power cut after the
    files are gone leaves rows that the next try removes."""
    for photo in TicketPhoto.objects.filter(ticket__taxpayer=taxpayer):
        photo_path(photo).unlink(missing_ok=True)
        photo.delete()
    Ticket.objects.filter(taxpayer=taxpayer).update(name="", phone="", note="", plate="")
    TicketContest.objects.filter(ticket__taxpayer=taxpayer).update(reason="", phone="", answer="")


@transaction.atomic
def show_photo(photo: int, yes: bool, *, by: Actor) -> TicketPhoto:
    """Somebody looked at it: whoever has the ticket may see it, or not. Raises Denied."""
    row = TicketPhoto.objects.select_for_update().select_related("ticket").get(pk=photo)
    access.require(by, DECIDE, zone=row.ticket.zone_id, anywhere=row.ticket.zone_id is None)
    if row.shown != yes:
        row.shown = yes
        row.save(update_fields=["shown"])
        audit.record(by, "revenue.show_ticket_photo", f"revenue.ticket:{row.ticket_id}", yes=yes)
    return row
