"""The service `complaints`: who is not content with the town says so, and is answered in time or by somebody higher."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people.api import FrontAction
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.complaints import actions, casetype, commands, demo, starter

WORKERS = frozenset({AGENT, MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="complaints",
    section="requests",
    title=_("Complaints"),
    provides=(
        casetype.COMPLAINT,
        Permission("complaints.read", _("See complaints"), WORKERS | {READER}),
        Permission("complaints.handle", _("Answer complaints"), WORKERS),
        Permission("complaints.set_up", _("Say who has each level of complaints"), frozenset({MANAGER, ADMINISTRATOR})),
        Page("complain", _("Complain"), "message", "complain", where=("home",), order=60,
             summary=_("You are not content with the town hall: say so, and be answered in time.")),
        Page("desk-complaints", _("Complaints"), "message", "desk-complaints", where=("desk",), permission="complaints.read", order=25),
        FrontAction("complaints.new", _("Type a complaint for somebody"), "desk-complaint-new", "complaints.handle", icon="message", order=30),
        commands.COMPLAIN,
        Periodic("complaints-escalate", timedelta(hours=1), actions.escalate_late),
        Starter("complaints", starter.load, order=12),
        Demo("complaints", demo.load, order=62),
        Urls("complaints", "", "toguna.services.complaints.urls"),
    ),
)  # fmt: skip
