"""What a request can become. This table is that of a request whose procedure names no other; see `deciding`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseType, State, Transition

READ, HANDLE, SIGN, DECIDE = "procedures.read", "procedures.handle", "procedures.sign", "procedures.decide"
_OPEN = frozenset({"received"})

REQUEST = CaseType(
    name="procedures",
    title=_("Requests"),
    states=(
        State("received", _("Received"), "open", "clock"),
        State("granted", _("Granted"), "done", "check"),
        State("refused", _("Refused"), "refused", "error"),
        State("withdrawn", _("Withdrawn"), "refused", "close"),
    ),
    transitions=(
        Transition("grant", _("Grant"), _OPEN, "granted", DECIDE, "maybe", "check"),
        Transition("refuse", _("Refuse"), _OPEN, "refused", DECIDE, "yes", "error"),
        Transition("withdraw", _("Withdraw my request"), _OPEN, "withdrawn", HANDLE, "maybe", "close", reporter=True),
    ),
    initial="received",
    read=READ,
    assign=HANDLE,
    public_url="request",
    desk_url="procedures-desk-case",
    set_up="procedures.set_up",
)
