"""Other bodies in the back office. Thin: the rules are in `actions`."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.cases import api as cases
from toguna.kernel import access, codes
from toguna.kernel.web import Request, staff
from toguna.services.reports.bodies import actions, sending
from toguna.services.reports.bodies.client import Service, Trouble
from toguna.services.reports.bodies.forms import BodyForm
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.models import Body, Transfer
from toguna.services.reports.topics import topics

SHOWN = 50


@staff("reports.set_up")
def bodies(request: Request) -> HttpResponse:
    waiting, refused = Q(transfers__state=Transfer.State.WAITING), Q(transfers__state=Transfer.State.REFUSED)
    rows = Body.objects.annotate(
        waiting=Count("transfers", filter=waiting), refused=Count("transfers", filter=refused), sent=Count("transfers")
    )
    return render(request, "reports/bodies/list.html", {"rows": rows})


@staff("reports.set_up")
def body(request: Request, slug: str = "") -> HttpResponse:
    """One body, or a new one. do=save|check|services|key|again."""
    row = get_object_or_404(Body, slug=slug) if slug else Body()
    verb = request.POST.get("do", "save") if request.method == "POST" else ""
    form = BodyForm(request.POST if verb == "save" else None, body=row)
    found: list[Service] | None = None
    key = ""
    match verb:
        case "save" if form.is_valid():
            actions.save_body(form.filled(), by=request.actor)
            messages.success(request, _("Saved."))
            return redirect("desk-body", slug=row.slug)
        case "services" if row.pk:
            actions.map_services(row, _chosen(request), by=request.actor)
            messages.success(request, _("Saved."))
            return redirect("desk-body", slug=row.slug)
        case "again" if row.pk:
            _again(request, row)
            return redirect("desk-body", slug=row.slug)
        case "key" if row.pk:
            key = actions.make_key(row, by=request.actor)  # shown now, and never again
        case "check" if row.pk:
            found = _check(request, row)
    values = {"form": form, "body": row, "found": found, "key": key, "rows": _rows(row), "problems": _problems(row)}
    return render(request, "reports/bodies/body.html", values, status=422 if form.errors else 200)


def _rows(body: Body) -> list[tuple[cases.Topic, str, bool]]:
    """(category, its service there, sent on at once)."""
    known = {s.topic_id: s for s in body.services.all()} if body.pk else {}
    return [
        (t, known[t.pk].service_code if t.pk in known else "", t.pk in known and known[t.pk].automatic)
        for t in topics()
        if t.active
    ]


def _chosen(request: Request) -> dict[int, tuple[str, bool]]:
    post = request.POST
    return {
        t.pk: (post.get(f"code-{t.slug}", "").strip()[:120], post.get(f"automatic-{t.slug}") == "yes")
        for t in topics()
        if t.active
    }


def _problems(body: Body) -> list[Transfer]:
    if not body.pk:
        return []
    found = body.transfers.filter(Q(state__in=[Transfer.State.WAITING, Transfer.State.REFUSED]) | ~Q(trouble=""))
    return list(found.select_related("case", "case__topic").order_by("-pk")[:SHOWN])


def _again(request: Request, body: Body) -> None:
    pk = request.POST.get("transfer", "")
    row = get_object_or_404(body.transfers, pk=int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 18 else 0)
    try:
        actions.try_again(row.pk, by=request.actor)
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is sent once more."))


def _check(request: Request, body: Body) -> list[Service] | None:
    """Asks it now what services it has, and says what came of it."""
    try:
        found = sending.peer(body).services()
    except Trouble as trouble:
        actions.checked(body, str(trouble), by=request.actor)
        return None
    actions.checked(body, "" if found else _("It answers, and has no service."), by=request.actor)
    return found


@staff("reports.assign")
@require_POST
def send(request: Request, code: str) -> HttpResponse:
    """From the page of a report: to which body it goes."""
    case = get_object_or_404(cases.scope(request.actor, REPORT.name), code=codes.read(code))
    chosen = get_object_or_404(Body, slug=request.POST.get("body", ""))
    try:
        actions.transfer(case.pk, chosen, by=request.actor)
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is on its way."))
    return redirect("desk-report", code=case.code)


def box(request: Request, case: cases.Case) -> dict[str, Any]:
    """What `reports/bodies/box.html` shows on the page of a report."""
    may = access.can(request.actor, REPORT.assign, zone=case.zone_id, subject=case.topic.slug)
    rows = list(Transfer.objects.filter(case=case).select_related("body").order_by("-pk"))
    free = not any(r.state in (Transfer.State.WAITING, Transfer.State.SENT) for r in rows)
    choices = list(Body.objects.filter(active=True)) if may and case.open and free else []
    return {
        "transfers": rows, "bodies": choices,
    }  # fmt: skip
