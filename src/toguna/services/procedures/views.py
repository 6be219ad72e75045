"""The catalogue for everyone: what the town does, what to bring, what it costs, where to begin."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.people import api as people
from toguna.kernel.web import public
from toguna.services.procedures import catalogue, requesting
from toguna.services.procedures.models import Procedure

MOST_TYPED = 100


def asked(slug: str) -> Procedure:
    found = catalogue.procedure(slug)
    if found is None:
        raise Http404(_("This procedure is not offered. Look for it in the list."))
    return found


@public
def procedures(request: HttpRequest) -> HttpResponse:
    """All by life event; with ?q= those that these words mean."""
    typed = request.GET.get("q", "")[:MOST_TYPED].strip()
    values = {"typed": typed, "found": catalogue.found(typed) if typed else [], "events": catalogue.by_event()}
    return render(request, "procedures/catalogue.html", values)


@public
def procedure(request: HttpRequest, slug: str) -> HttpResponse:
    one = asked(slug)
    values = {
        "procedure": one,
        "online": requesting.online(one),
        "client_id": uuid.uuid4(),
        "appointment": bookings.appointment_url(one.booking, ("procedure", one.slug)),
    }
    return people.remember_device(request, render(request, "procedures/procedure.html", values))


@public
def quiz(request: HttpRequest, slug: str) -> HttpResponse:
    """A few questions with yes or no: whether this is for them. Nothing is kept."""
    one = asked(slug)
    answers = [request.GET.get(f"q{number}", "") for number in range(len(one.quiz))]
    rows = [
        {"number": number, "ask": row["ask"], "answer": answer, "otherwise": row["otherwise"] if wrong else None}
        for number, (row, answer) in enumerate(zip(one.quiz, answers, strict=True))
        for wrong in [answer in ("yes", "no") and answer != row["need"]]
    ]
    values = {
        "procedure": one,
        "rows": rows,
        "missing": request.GET and any(answer not in ("yes", "no") for answer in answers),
        "good": bool(answers) and all(a == row["need"] for a, row in zip(answers, one.quiz, strict=True)),
    }
    return render(request, "procedures/quiz.html", values)
