"""What `channels` declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.codes import send_code
from toguna.engines.people.api import CodeSender
from toguna.kernel.access import ADMINISTRATOR, Permission
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls

SERVICE = Service(
    name="channels",
    provides=(
        CodeSender("channels", send_code),
        Permission("channels.read", _("See what messages left the town"), frozenset({ADMINISTRATOR})),
        Page("messages", _("Messages"), "message", "messages", where=("desk",), permission="channels.read", order=95),
        Urls("channels", "", "toguna.engines.channels.urls"),
    ),
)
