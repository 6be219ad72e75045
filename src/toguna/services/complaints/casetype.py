"""What a complaint can become."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseType, State, Transition

_HANDLE = "complaints.handle"
_OPEN = frozenset({"received", "examined"})
_CLOSED = frozenset({"upheld", "partly", "rejected"})

COMPLAINT = CaseType(
    name="complaints",
    title=_("Complaint"),
    states=(
        State("received", _("Received"), "open", "clock"),
        State("examined", _("Being examined"), "waiting", "search"),
        State("upheld", _("You were right"), "done", "check"),
        State("partly", _("You were partly right"), "done", "check"),
        State("rejected", _("Not upheld"), "refused", "error"),
    ),
    transitions=(
        Transition("examine", _("Begin to examine"), frozenset({"received"}), "examined", _HANDLE, "maybe", "search"),
        Transition("uphold", _("The person is right"), _OPEN, "upheld", _HANDLE, "yes", "check"),
        Transition("partly", _("Partly right"), _OPEN, "partly", _HANDLE, "yes", "check"),
        Transition("reject", _("Not upheld"), _OPEN, "rejected", _HANDLE, "yes", "error"),
        Transition("contest", _("I do not agree"), _CLOSED, "received", _HANDLE, "yes", "history", reporter=True),
    ),
    initial="received",
    read="complaints.read",
    assign=_HANDLE,
    public_url="complaint",
    desk_url="desk-complaint",
    set_up="complaints.set_up",
)
