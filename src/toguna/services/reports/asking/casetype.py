"""What a question to the town can become. It needs no place, and is shown to everyone only when the person agrees."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.cases.api import CaseType, State, Transition

_ANSWER = "reports.answer"
_CLOSED = frozenset({"answered", "refused", "duplicate"})

QUESTION = CaseType(
    name="questions",
    title=_("Question"),
    states=(
        State("received", _("Received"), "open", "clock"),
        State("answered", _("Answered"), "done", "check"),
        State("refused", _("Not for the town"), "refused", "error"),
        State("duplicate", _("Asked already"), "refused", "copy"),
    ),
    transitions=(
        Transition("answer", _("Send the answer"), frozenset({"received"}), "answered", _ANSWER, "yes", "message"),
        Transition("refuse", _("Not for the town"), frozenset({"received"}), "refused", _ANSWER, "yes", "error"),
        Transition("reopen", _("Open again"), _CLOSED, "received", _ANSWER, "maybe", "history"),
        Transition(
            "thank", _("Yes, thank you"), frozenset({"answered"}), "answered", _ANSWER, "no", "check", reporter=True
        ),
        Transition(
            "contest", _("No, it does not"), frozenset({"answered"}), "received", _ANSWER, "yes", "history", reporter=True
        ),
    ),
    initial="received",
    read="reports.read",
    assign=_ANSWER,
    public_url="question",
    desk_url="desk-question",
    merged="duplicate",
    moderate=_ANSWER,
    set_up="reports.set_up",
)  # fmt: skip
