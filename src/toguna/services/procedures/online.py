"""A request by its person: begun, filled in, followed, completed, its papers taken. Thin: the rules are in the verbs."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.engines.people import api as people
from toguna.kernel import codes
from toguna.kernel.access import SYSTEM
from toguna.kernel.web import Request, public
from toguna.services.procedures import reads, requesting
from toguna.services.procedures.casetype import REQUEST
from toguna.services.procedures.views import asked

MOST_FILES = 10


def _form_id(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()


@public
def begin(request: Request, slug: str) -> HttpResponse:
    """POST: opens the form of a procedure, once however often it is sent, and leads to its first page."""
    procedure = asked(slug)
    if request.method != "POST":
        return redirect("procedure", slug)
    person = people.Person.objects.filter(pk=request.actor.person or 0).first()
    try:
        filling = requesting.begin(
            procedure, by=request.actor, person=person, language=(get_language() or "").split("-")[0],
            client_id=_form_id(request.POST.get("client_id", "")),
        )  # fmt: skip
    except forms.Refused as error:
        messages.error(request, str(error))
        return redirect("procedure", slug)
    return forms.carry(request, filling, redirect("request-form", filling.code))


@public
def step(request: Request, code: str) -> HttpResponse:
    """A page of the form (?page=). When it was sent: the request that it became."""
    filling = _filling(code)
    return forms.step_view(request, filling, base=reverse("request-form", args=[filling.code]), done=_sent)


def _filling(code: str) -> forms.Filling:
    found = forms.Filling.objects.select_related("version__form").defer("version__definition", "version__xform")
    return get_object_or_404(found, code=codes.read(code), version__form__service=requesting.SERVICE)


def _sent(request: HttpRequest, filling: forms.Filling) -> HttpResponse:
    """What whoever ended the form sees next. step_view has checked that it is theirs."""
    case = get_object_or_404(cases.Case, code=filling.subject, type=REQUEST.name)
    return redirect(f"{requesting.address_of(case)}&new=1")


def _find(request: Request, code: str) -> tuple[cases.Case, str]:
    """(case, key): "" as key for who has only the code. Who asked, logged in, needs no key."""
    found = cases.Case.objects.select_related("topic", "request__procedure", "workflow")
    case = get_object_or_404(found, type=REQUEST.name, code=codes.read(code))
    given = request.POST.get("key") or request.GET.get("key", "")
    own = request.actor.person is not None and request.actor.person == case.reporter_id
    return case, cases.key_of(case) if own or cases.holds_key(case, given) else ""


@public
def follow(request: Request, code: str) -> HttpResponse:
    """Where it is, to whoever holds the code; what was said and its papers, to whoever holds the key of the link."""
    case, key = _find(request, code)
    table = cases.workflow_of(case)
    values: dict[str, Any] = {
        "case": case,
        "state": table.state(case.state),
        "steps": [(s, table.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
        "key": key,
        "new": bool(key) and "new" in request.GET,
        "client_id": uuid.uuid4(),
    }
    if key and case.anonymised is None:
        titles = dict(reads.pieces(case))
        values |= {
            "answers": reads.answers(case),
            "papers": requesting.papers(case),
            "files": documents.files_of(("cases.case", case.pk)),
            "wanted": [titles.get(name, name) for name in cases.wanted_of(case)],
            "waiting": case.stopped is not None,
            "appointment": _appointment(case) if case.open else "",
            "withdraw": next((t for t in table.possible(case.state, reporter=True) if t.name == "withdraw"), None),
            "fees": [t.fee for t in table.possible(case.state) if t.fee],
        }
    return render(request, "procedures/request.html", values)


def _appointment(case: cases.Case) -> str:
    procedure = case.request.procedure
    return bookings.appointment_url(procedure.booking, ("procedure", procedure.slug))


@public
def act(request: Request, code: str) -> HttpResponse:
    """do=complete|withdraw|file|words, by whoever asked. Nobody else can."""
    case, key = _find(request, code)
    back = redirect(
        f"{reverse('request', args=[case.code])}?key={key}" if key else reverse("request", args=[case.code])
    )
    if request.method != "POST" or not key:
        return back
    post, by, once = request.POST, request.actor, _form_id(request.POST.get("client_id", ""))
    try:
        match post.get("do"):
            case "complete":
                filling = requesting.reopen(case, by=by)
                return forms.carry(request, filling, redirect("request-form", filling.code))
            case "withdraw":
                cases.move(case.pk, "withdraw", by=by, words=post.get("words", ""), key=key, client_id=once)
            case "file":
                _keep(request, case, once)
            case "words":
                cases.answer(case.pk, post.get("words", ""), by=by, key=key)
            case _:
                raise cases.Refused(_("There is no such action."))
    except (cases.Refused, documents.FileRefused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Thank you: it was added to your request."))
    return back


def _keep(request: Request, case: cases.Case, once: uuid.UUID) -> None:
    file = request.FILES.get("file")
    if file is None:
        raise cases.Refused(_("Choose a file first."))
    subject = ("cases.case", case.pk)
    if not case.open or documents.files_of(subject).count() >= MOST_FILES:
        raise cases.Refused(_("No more files can be added to this request: bring them to the counter."))
    # The key was asked for above; who brings it may have no account.
    documents.keep(file, file.name or "file", subject=subject, by=SYSTEM, client_id=once)


@public
def paper(request: Request, code: str, paper: str) -> HttpResponse:
    """A paper of the request, signed, as it was issued."""
    case, key = _find(request, code)
    made = next((one for one in requesting.papers(case) if one.code == paper), None) if key else None
    if made is None:
        raise Http404
    name = f'attachment; filename="{made.reference}.pdf"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return HttpResponse(documents.content(made), content_type="application/pdf", headers=headers)
