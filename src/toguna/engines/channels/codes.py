"""Carries one-time codes."""

from __future__ import annotations

from django.utils.translation import gettext as _

from toguna.engines.channels.sending import send
from toguna.kernel import town
from toguna.kernel.tasks import Lane


def send_code(kind: str, value: str, code: str, challenge: str) -> None:
    """Declared to `people` as its CodeSender. The digits come first: a phone's notice shows little more."""
    text = _("%(code)s is your code for %(town)s. It is good for 10 minutes. Give it to nobody.") % {
        "code": code,
        "town": town.current().name,
    }
    send(
        "email" if kind == "email" else "sms",
        value,
        key=f"one-time-code:{challenge}",
        subject=_("Your code"),
        text=text,
        lane=Lane.ONE_TIME_CODE,
    )
