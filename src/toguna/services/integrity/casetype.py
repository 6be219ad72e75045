"""What an alert on corruption can become. Only those whom the town named for it ever see one."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseType, State, Transition

_READ = "integrity.read"
_OPEN = frozenset({"received", "examined"})

ALERT = CaseType(
    name="integrity",
    title=_("Alert on corruption"),
    states=(
        State("received", _("Received"), "open", "clock"),
        State("examined", _("Being examined"), "waiting", "search"),
        State("sent", _("Sent to the authority"), "done", "share"),
        State("founded", _("True, and dealt with"), "done", "check"),
        State("unfounded", _("Nothing was found"), "refused", "error"),
    ),
    transitions=(
        Transition("examine", _("Begin to examine"), frozenset({"received"}), "examined", _READ, "maybe", "search"),
        Transition("send", _("Sent to the authority"), _OPEN, "sent", _READ, "yes", "share"),
        Transition("found", _("True, and dealt with"), _OPEN, "founded", _READ, "yes", "check"),
        Transition("close", _("Nothing was found"), _OPEN, "unfounded", _READ, "yes", "error"),
    ),
    initial="received",
    read=_READ,
    assign=_READ,
    public_url="integrity-case",
    desk_url="desk-alert",
    set_up=_READ,
)
