"""What `people` declares: its pages and permission, and who comes to the demo."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people import onetime
from toguna.engines.people.demo import load
from toguna.kernel.access import ADMINISTRATOR, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Section, Urls

SERVICE = Service(
    name="people",
    section="setup",
    provides=(
        Section("setup", _("Setting up"), "settings", order=90),
        Permission("people.administer", _("Make accounts and say who may do what"), frozenset({ADMINISTRATOR})),
        Page("people", _("The staff"), "team", "people", where=("desk",), permission="people.administer", order=90),
        Page("account", _("My space"), "person", "account", where=("nav",), order=20),
        Urls("people", "", "toguna.engines.people.urls"),
        Periodic("forget-codes", timedelta(hours=6), onetime.forget_old),
        Demo("people", load, order=20),
    ),
)
