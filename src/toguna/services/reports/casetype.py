"""What a report can become."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseType, State, Transition

_OPEN = frozenset({"received", "accepted", "started"})

REPORT = CaseType(
    name="reports",
    title=_("Report"),
    states=(
        State("received", _("Received"), "open", "clock"),
        State("accepted", _("Accepted"), "open", "check"),
        State("started", _("Work started"), "waiting", "repair"),
        State("solved", _("Solved"), "done", "check"),
        State("refused", _("Not for the town"), "refused", "error"),
        State("duplicate", _("Reported already"), "refused", "copy"),
    ),
    transitions=(
        Transition("accept", _("Accept"), frozenset({"received"}), "accepted", "reports.handle", "maybe", "check"),
        Transition(
            "start",
            _("Start the work"),
            frozenset({"received", "accepted"}),
            "started",
            "reports.handle",
            "maybe",
            "repair",
        ),
        Transition("solve", _("Mark as solved"), _OPEN, "solved", "reports.handle", "maybe", "check"),
        Transition("refuse", _("Not for the town"), _OPEN, "refused", "reports.handle", "yes", "error"),
        Transition(
            "reopen",
            _("Open again"),
            frozenset({"solved", "refused", "duplicate"}),
            "accepted",
            "reports.handle",
            "yes",
            "history",
        ),
        Transition(
            "confirm", _("It is solved now"), _OPEN, "solved", "reports.handle", "maybe", "check", reporter=True
        ),
        Transition(
            "thank",
            _("Yes, thank you"),
            frozenset({"solved"}),
            "solved",
            "reports.handle",
            "maybe",
            "check",
            reporter=True,
        ),
        Transition(
            "contest",
            _("No, it is not solved"),
            frozenset({"solved"}),
            "accepted",
            "reports.handle",
            "yes",
            "history",
            reporter=True,
        ),
    ),
    initial="received",
    read="reports.read",
    assign="reports.assign",
    public_url="report",
    desk_url="desk-report",
    merged="duplicate",
    moderate="reports.moderate",
    set_up="reports.set_up",
)
