"""What `bookings` declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.bookings import actions, commands, mine, money, retention, starter
from toguna.engines.bookings.events import Booked, BookingEnded
from toguna.engines.ledger.api import Owing, PaymentTaken
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.demo import Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

WORKERS = frozenset({AGENT, MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="bookings",
    section="reception",
    title=_("Appointments"),
    provides=(
        Permission(actions.READ, _("See appointments"), WORKERS | {READER}),
        Permission(actions.HANDLE, _("Take and mark appointments"), WORKERS),
        Permission(actions.SET_UP, _("Say when appointments can be had"), frozenset({MANAGER, ADMINISTRATOR})),
        Page("appointments", _("Make an appointment"), "calendar", "appointments", where=("nav",), order=40),
        Page("desk-appointments", _("Appointments"), "calendar", "desk-appointments", where=("desk",), permission=actions.READ, order=25),
        people.FrontAction("bookings.new", _("Make an appointment for somebody"), "desk-appointment-new", actions.HANDLE, icon="calendar", order=40),
        commands.APPOINTMENT,
        mine.MINE,
        mine.REMINDER,
        Owing("bookings", _("Appointments"), money.owed_at),
        Reaction(Booked, money.on_booked),
        Reaction(BookingEnded, money.on_ended),
        Reaction(PaymentTaken, money.on_paid),
        people.Erasure("bookings", retention.erase),
        people.PersonalData("bookings", retention.export),
        Periodic("bookings-sweep", timedelta(minutes=5), actions.sweep),
        Periodic("bookings-forget", timedelta(days=1), retention.forget_old),
        Starter("bookings", starter.load, order=60),
        Urls("bookings", "", "toguna.engines.bookings.urls"),
    ),
)  # fmt: skip
