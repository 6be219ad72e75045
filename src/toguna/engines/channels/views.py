"""What left the town: for the administrator, with addresses masked."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from toguna.engines.channels.models import Message
from toguna.engines.people import api as people
from toguna.kernel import access
from toguna.kernel.web import Request, staff

PAGE = 50


@staff("channels.read")
def messages(request: Request) -> HttpResponse:
    access.require(request.actor, "channels.read")
    before = request.GET.get("before", "")
    found = Message.objects.order_by("-id").defer("text")
    if before.isdigit():
        found = found.filter(id__lt=int(before))
    rows = list(found[: PAGE + 1])
    for row in rows:
        row.address = people.masked("email" if row.medium == "email" else "phone", row.address)
    more = rows[PAGE - 1].pk if len(rows) > PAGE else None
    return render(request, "channels/messages.html", {"rows": rows[:PAGE], "more": more})
