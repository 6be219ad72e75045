"""What `channels` declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels import mine, reads
from toguna.engines.channels.codes import send_code
from toguna.engines.channels.forgetting import forget_old
from toguna.engines.channels.gateway import declared as gateway
from toguna.engines.channels.post import media as post_media
from toguna.engines.channels.publish import actions as publications
from toguna.engines.channels.publish import commands as publish_commands
from toguna.engines.channels.publish import demo, reminders
from toguna.engines.people.api import CodeSender, Erasure, PersonalData
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Section, Urls

SERVICE = Service(
    name="channels",
    section="messages",
    provides=(
        Section("messages", _("News and messages"), "message", order=20),
        CodeSender("channels", send_code),
        mine.MINE,
        Permission("channels.read", _("See what messages left the town"), frozenset({ADMINISTRATOR})),
        Permission(
            "channels.publish", _("Write to the people of the town"), frozenset({AGENT, MANAGER, ADMINISTRATOR})
        ),
        Permission(
            "channels.approve",
            _("Approve what somebody else wrote to the people of the town"),
            frozenset({MANAGER, ADMINISTRATOR}),
        ),
        Permission(
            "channels.alarm", _("Write alarms, which everybody gets at once"), frozenset({MANAGER, ADMINISTRATOR})
        ),
        Permission("channels.alarm_alone", _("Send an alarm without a second person"), frozenset({ADMINISTRATOR})),
        Permission("channels.answer", _("Answer people in conversations"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
        *publish_commands.COMMANDS,
        Page("news", _("News of the town"), "info", "news", where=("nav",), order=60),
        Page(
            "subscribe",
            _("Get the news"),
            "message",
            "subscribe",
            where=("home",),
            order=70,
            summary=_("By SMS or e-mail, for your district."),
        ),
        Page(
            "publications",
            _("News and alarms"),
            "message",
            "publications",
            where=("desk",),
            permission="channels.publish",
            order=80,
        ),
        Page("messages", _("Messages"), "message", "messages", where=("desk",), permission="channels.read", order=95),
        Periodic("publications-due", timedelta(minutes=1), publications.start_due),
        Periodic("publications-done", timedelta(minutes=1), publications.finish),
        Periodic("reminders", timedelta(minutes=15), reminders.remind_now),
        Periodic("forget-messages", timedelta(days=1), forget_old),
        PersonalData("messages", reads.export),
        Erasure("messages", reads.erase),
        *gateway.DECLARED,
        *post_media.DECLARED,
        Demo("channels", demo.load, order=70),
        Urls("channels", "", "toguna.engines.channels.urls"),
    ),
)
