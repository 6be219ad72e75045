"""The service `frontdesk`: whoever calls or comes to the counter is recognised, served whatever they ask, and called back."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people.api import CodesRunOut, Erasure, PersonalData
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Lane, Periodic
from toguna.kernel.web import Page, Section, Urls
from toguna.services.frontdesk import actions, alarm, commands, personal, reminders, starter

SERVICE = Service(
    name="frontdesk",
    section="reception",
    title=_("Front desk"),
    provides=(
        Section("reception", _("Reception and counters"), "phone", order=10),
        Permission(
            actions.SERVE,
            _("Serve people at the counter and on the telephone"),
            frozenset({AGENT, MANAGER, ADMINISTRATOR}),
        ),
        Permission(
            actions.SET_UP, _("Write the scripts and connect the exchange"), frozenset({MANAGER, ADMINISTRATOR})
        ),
        Page("front", _("Front desk"), "phone", "front", where=("desk",), permission=actions.SERVE, order=5),
        Page("front-talks", _("Conversations"), "message", "front-talks", where=("desk",), permission="channels.answer", order=6),
        Page("front-back", _("Call-backs"), "clock", "front-back", where=("desk",), permission=actions.SERVE, order=7),
        Page("front-scripts", _("Scripts"), "list", "front-scripts", where=("desk",), permission=actions.SET_UP, section="setup", order=75),
        *commands.COMMANDS,
        Reaction(CodesRunOut, alarm.on_codes_run_out, Lane.ALARM),
        Periodic("frontdesk-forget", timedelta(days=1), actions.forget_old),
        reminders.MANDATES,
        PersonalData("frontdesk", personal.export),
        Erasure("frontdesk", actions.forget_person),
        Starter("frontdesk", starter.load, order=20),
        Demo("frontdesk", starter.demo, order=60),
        Urls("frontdesk", "desk/front/", "toguna.services.frontdesk.urls"),
        Urls("telephony", "telephony/", "toguna.services.frontdesk.telephony"),
    ),
)  # fmt: skip
