"""The service `procedures`: what the town does for whoever asks, what to bring, what it costs, where."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.bookings import api as bookings
from toguna.engines.cases import api as cases
from toguna.engines.forms import api as forms
from toguna.engines.people.api import FrontAction
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls
from toguna.services.procedures import actions, casetype, catalogue, commands, demo, reads, requesting, starter

WORKERS = frozenset({AGENT, MANAGER, ADMINISTRATOR})
CHIEFS = frozenset({MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="procedures",
    section="requests",
    title=_("Procedures"),
    provides=(
        casetype.REQUEST,
        bookings.Subject("procedure", catalogue.title_of),
        cases.CaseRenderer("procedures", reads.rows, reads.pieces, reads.aside),
        cases.Issuer("procedures", requesting.issue),
        forms.FormUse(requesting.SERVICE, requesting.on_complete, requesting.form_address, requesting.counter_address),
        Permission(casetype.READ, _("See requests"), WORKERS | {READER}),
        Permission(casetype.HANDLE, _("Handle requests"), WORKERS),
        Permission(casetype.DECIDE, _("Refuse requests"), CHIEFS),
        Permission(casetype.SIGN, _("Grant requests and sign their papers"), CHIEFS),
        Permission(actions.SET_UP, _("Write what the town tells of its procedures"), CHIEFS),
        Page("desk-requests", _("Requests"), "edit", "procedures-desk-list", where=("desk",), permission=casetype.READ, order=20),
        FrontAction("procedures.new", _("Begin a procedure for somebody"), "desk-request-new", casetype.HANDLE, icon="edit", order=20),
        Page("procedures", _("Procedures"), "copy", "procedures", where=("home", "nav"), order=15,
             summary=_("A birth, a paper, a permit: what to bring, what it costs, how long it takes.")),
        Page("desk-procedures", _("Procedures"), "copy", "desk-procedures", where=("desk",), permission=actions.SET_UP, section="setup", order=72),
        commands.PROCEDURES,
        commands.ASK,
        Starter("procedures", starter.load, order=30),
        Demo("procedures", demo.load, order=64),
        Urls("procedures", "", "toguna.services.procedures.urls"),
    ),
)  # fmt: skip
