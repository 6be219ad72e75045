"""The service `integrity`: whoever knows of corruption says so without a name, and can be answered."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls
from toguna.services.integrity import casetype, starter

SERVICE = Service(
    name="integrity",
    section="requests",
    title=_("Alerts on corruption"),
    provides=(
        casetype.ALERT,
        Permission("integrity.read", _("Read alerts on corruption, and answer"), frozenset({AGENT, MANAGER, ADMINISTRATOR}), sealed=True),
        Page("integrity", _("Alert on corruption"), "lock", "integrity", where=("home",), order=65,
             summary=_("Without your name and without a trace of you.")),
        Page("desk-alerts", _("Alerts on corruption"), "lock", "desk-alerts", where=("desk",), permission="integrity.read", order=26),
        Starter("integrity", starter.load, order=13),
        Demo("integrity", starter.demo, order=63),
        Urls("integrity", "", "toguna.services.integrity.urls"),
    ),
)  # fmt: skip
