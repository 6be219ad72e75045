"""What this part declares: pick-up at the door, and who does it."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.bookings.api import Booked, BookingEnded, Subject
from toguna.engines.documents.api import FileSubject
from toguna.engines.ledger.api import Owing, PaymentTaken
from toguna.engines.people.api import Erasure, FrontAction, PersonalData
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import DeskBlock, Page, Urls
from toguna.services.waste.hub import WasteDoor
from toguna.services.waste.orders import (
    actions,
    commands,
    demo,
    desk,
    forgetting,
    matching,
    mine,
    money,
    proof,
    starter,
    subscriptions,
    telling,
)
from toguna.services.waste.orders.events import MonthBilled, PickUpMoved, PreCollectorMoved


def _subject(code: str) -> str | None:
    row = actions.find(code)
    return str(_("Pick-up %(code)s") % {"code": row.code}) if row is not None else None


def _on_booked(event: Booked) -> None:
    """An hour of ours that was booked as an appointment is an order."""
    if event.subject_kind != actions.SUBJECT:
        actions.from_booking(event.booking)


def _on_ended(event: BookingEnded) -> None:
    """By the booking that is the order's own: what a booking says that it is about proves nothing."""
    actions.on_booking_ended(event.booking, event.state)


PROVIDES: tuple[Declaration, ...] = (
    *commands.COMMANDS,
    WasteDoor(
        "pickup",
        _("Have waste fetched at your door"),
        "full-bin",
        "waste-pickup",
        _("Bags or bulky things, once or each week."),
        order=10,
    ),
    Page("desk-waste", _("Pick-ups"), "full-bin", "desk-waste", where=("desk",), permission="waste.read", order=10),
    Page(
        "desk-waste-collectors",
        _("Pre-collectors"),
        "team",
        "desk-waste-collectors",
        where=("desk",),
        permission="waste.read",
        order=20,
    ),
    FrontAction(
        "waste.pickup",
        _("Order a pick-up for somebody"),
        "desk-waste-pickup-new",
        "waste.work",
        icon="full-bin",
        order=42,
    ),
    DeskBlock("waste", _("Waste"), "waste.read", desk.numbers, order=40),
    Urls("waste-orders", "", "toguna.services.waste.orders.urls"),
    Subject(actions.SUBJECT, _subject, tells=True),
    Reaction(Booked, _on_booked),
    Reaction(BookingEnded, _on_ended),
    Reaction(PickUpMoved, telling.on_moved),
    Reaction(MonthBilled, telling.on_billed),
    Reaction(PreCollectorMoved, telling.on_precollector),
    Owing("waste", _("Waste"), money.owed_at),
    Reaction(PaymentTaken, telling.on_paid),
    Periodic("waste-offers", timedelta(minutes=1), matching.sweep),
    Periodic("waste-subscriptions", timedelta(hours=1), subscriptions.sweep),
    Periodic("waste-reminders", timedelta(hours=3), telling.remind),
    Periodic("waste-forget", timedelta(days=1), forgetting.forget_old),
    PersonalData("waste", forgetting.export),
    Erasure("waste", forgetting.erase),
    PersonalData("waste-precollector", forgetting.export_precollector),
    Erasure("waste-precollector", forgetting.erase_precollector),
    FileSubject(proof.SUBJECT, _("Pick-up"), proof.may_read),
    mine.MINE,
    Starter("waste-orders", starter.load, order=21),
    Demo("waste-orders", demo.load, order=41),
)
