"""All that this room declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway import africastalking, generic, kannel, modem, orange
from toguna.kernel.access import ADMINISTRATOR, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page

DECLARED: tuple[Declaration, ...] = (
    kannel.KANNEL,
    africastalking.AFRICASTALKING,
    orange.ORANGE,
    generic.HTTP,
    modem.MODEM,
    Periodic("modem", timedelta(seconds=20), modem.look),
    Permission("channels.administer", _("Set up by what messages leave the town"), frozenset({ADMINISTRATOR})),
    Page(
        "routes",
        _("Ways out of messages"),
        "message",
        "routes",
        where=("desk",),
        permission="channels.administer",
        order=96,
    ),
)
