"""Conversations that the machine handed over: who has waited longest, what was said, an answer, and back to the machine."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import audit
from toguna.kernel.web import Request, staff
from toguna.services.frontdesk import reads, views
from toguna.services.frontdesk.forms import AnswerForm

ANSWER = "channels.answer"
MOST = 100


@staff(ANSWER)
def talks(request: Request) -> HttpResponse:
    rows = list(reads.talks()[:MOST])
    names = _names({row.account for row in rows if row.account})
    values = {"rows": [(row, address(row), names.get(row.account or 0, "")) for row in rows]}
    return render(request, "frontdesk/talks.html", values)


def address(talk: channels.Conversation) -> str:
    """As people read it."""
    return people.shown("phone", talk.address) if talk.address.startswith("+") else talk.address


def _names(accounts: set[int]) -> dict[int, str]:
    return {account.pk: str(account) for account in people.Account.objects.filter(pk__in=accounts)}


@staff(ANSWER)
def talk(request: Request, pk: int) -> HttpResponse:
    """The thread; do=answer, or do=back to let the machine answer again."""
    row = reads.talks().filter(pk=pk).first()
    if row is None:
        raise Http404
    form = AnswerForm(request.POST if request.POST.get("do") == "answer" else None)
    status = 200
    if request.method == "POST" and request.POST.get("do") == "back":
        channels.give_back(row.pk, by=request.actor)
        messages.success(request, _("The machine answers them again."))
        return redirect("front-talks")
    if form.is_bound:
        if form.is_valid() and _answered(request, row.pk, form):
            messages.success(request, _("Your answer is on its way."))
            return redirect("front-talk", row.pk)
        status = 422
    else:
        audit.record(request.actor, "frontdesk.read_conversation", f"channels.conversation:{row.pk}")
    lines = reads.thread(row)
    if not form.is_bound:
        form = AnswerForm(initial={"seen": len(lines)})
    values: dict[str, Any] = {
        "talk": row,
        "address": address(row),
        "lines": lines,
        "seen": len(lines),
        "form": form,
        "holder": _names({row.account}).get(row.account, "")
        if row.account and row.account != request.actor.account
        else "",
        "desk": views.Desk(number=row.address if row.address.startswith("+") else "", person=row.person),
    }
    return render(request, "frontdesk/talk.html", values, status=status)


def _answered(request: Request, pk: int, form: AnswerForm) -> bool:
    """False when something was said since the page was opened, by them or by a colleague: it must be read first. Sent twice by
    an impatient finger, the second time is that too."""
    with transaction.atomic():
        row = channels.Conversation.objects.select_for_update().get(pk=pk)
        if row.state != channels.Conversation.State.PERSON:
            form.add_error(None, _("The machine answers them again already."))
        elif len(reads.thread(row)) != form.cleaned_data["seen"]:
            form.add_error(None, _("Something was said since you opened this page. Read it, then send."))
        else:
            channels.take_over(row.pk, form.cleaned_data["words"], by=request.actor)
            return True
    return False
