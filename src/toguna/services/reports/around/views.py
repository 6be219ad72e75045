"""Around: alerts by e-mail, the map on other people's sites, and how many reports each district has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_replace
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import limits
from toguna.kernel.web import public
from toguna.services.reports import finding
from toguna.services.reports.around import alerts, selecting
from toguna.services.reports.around.forms import AlertForm
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.intake import PER_SENDER, PER_STRANGERS

PREVIEW, ON_MAP = 5, 200
LATELY = timedelta(days=90)


@public
def around(request: HttpRequest) -> HttpResponse:
    """Choose an area (GET shows what is there and its feed), then ask for the alert (POST)."""
    asked = request.GET.copy()
    placed = any(asked.get(name) for name in ("place", "position", "district", "chosen", "topic"))
    form = AlertForm(request.POST) if request.method == "POST" else AlertForm(initial=asked.dict())
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and _asked(request, form):
            return people.remember_device(request, redirect("around"))
    values: dict[str, Any] = {"form": form, "feed": reverse("reports-feed")}
    if placed and request.method == "GET":
        form = AlertForm({**asked.dict(), "email": "", "rhythm": "daily"})
        form.is_valid()
        for name in ("email", "rhythm"):
            form.errors.pop(name, None)
        values |= {"form": form, **({} if form.errors else _preview(form.area))}
        status = 422 if form.errors else 200
    return people.remember_device(request, render(request, "reports/around/around.html", values, status=status))


def _asked(request: HttpRequest, form: AlertForm) -> bool:
    """Whether the link was sent; else the form says why not."""
    device = people.device_of(request)
    known = device in request.COOKIES.values()  # else it is the address and the make of the browser, shared by many
    try:
        limits.hit("reports.alert", device, at_most=PER_SENDER if known else PER_STRANGERS, per=timedelta(hours=1))
        alerts.ask(
            "email", form.cleaned_data["email"], form.area, weekly=form.cleaned_data["rhythm"] == "weekly",
            language=(get_language() or "").split("-")[0],
        )  # fmt: skip
    except (limits.TooMany, cases.Refused) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Look into your mailbox: a link there confirms your alert. It is good for 3 days."))
    return True


def _preview(area: alerts.Area) -> dict[str, Any]:
    """The newest reports of an area, and the address of its feed."""
    topic = next((t.slug for t in finding.choices()["topics"] if t.pk == area.topic), "")
    asked = {"topic": topic, "zone": str(area.zone or "")}
    if area.lon is not None and area.lat is not None:
        asked |= {"near": f"{area.lat:.5f},{area.lon:.5f}", "radius": str(area.radius_m)}
    asked = {name: value for name, value in asked.items() if value}
    found = selecting.public(asked).select_related("topic", "zone").defer("zone__geom").order_by("-id")
    rows = [(case, REPORT.state(case.state)) for case in found[:PREVIEW]]
    return {
        "chosen": True,
        "rows": rows,
        "points": finding.points(rows, links=True),
        "feed": f"{reverse('reports-feed')}?{urlencode(asked)}",
    }


@public
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with one button: programs that open every link of a letter to look for viruses must not confirm it."""
    row = alerts.of_confirm_link(token)
    if row is not None and request.method == "POST":
        alerts.confirm(row)
        messages.success(request, _("It is confirmed: you will hear of new reports."))
        return redirect("around")
    values = {"row": row, "about": alerts.about(row) if row else ""}
    return render(request, "reports/around/confirm.html", values, status=200 if row else 404)


@csrf_exempt
def end(request: HttpRequest, token: str) -> HttpResponse:
    """One press, on the page or in the mail program itself (RFC 8058). Ending what is ended is well too."""
    row = alerts.of_end_link(token)
    if row is not None and request.method == "POST":
        alerts.end(row)
    if "List-Unsubscribe" in request.POST:
        return HttpResponse(status=204)
    values = {"row": row, "about": alerts.about(row) if row else "", "ended": row is None or request.method == "POST"}
    return render(request, "reports/around/end.html", values)


end = public(end)


@public
def districts(request: HttpRequest) -> HttpResponse:
    """How many reports are open in each district, and how many were solved lately: the heat map in words."""
    found = cases.Case.objects.filter(type=REPORT.name, public=True, zone__isnull=False).order_by().values_list("zone")
    still = dict(found.filter(open=True).annotate(n=Count("*")))
    done = dict(found.filter(open=False, state="solved", closed__gte=timezone.now() - LATELY).annotate(n=Count("*")))
    rows = []
    for zone in territory.districts():
        inside = territory.zone_tree_ids(zone.id)
        rows.append((zone, sum(still.get(pk, 0) for pk in inside), sum(done.get(pk, 0) for pk in inside)))
    most = max((row[1] for row in rows), default=0) or 1
    shown = [(zone, waiting, solved, round(100 * waiting / most)) for zone, waiting, solved in rows]
    shown.sort(key=lambda row: (-row[1], row[0].name))
    return render(request, "reports/around/districts.html", {"rows": shown})


@public
@csp_replace({"frame-ancestors": ["*"]})
@xframe_options_exempt
def embed(request: HttpRequest) -> HttpResponse:
    """The newest public reports on a map, for other sites. ?zone=&topic=&state="""
    found = selecting.public(request.GET.dict()).filter(anonymised=None).select_related("topic", "zone")
    rows = [(case, REPORT.state(case.state)) for case in found.defer("zone__geom").order_by("-id")[:ON_MAP]]
    values = {"rows": rows[:20], "points": finding.points(rows, links=True), "more": request.GET.urlencode()}
    return render(request, "reports/around/embed.html", values)


@public
def embed_code(request: HttpRequest) -> HttpResponse:
    """What to copy into another site to have the map there."""
    asked = {name: value for name in ("topic", "zone", "state") if (value := request.GET.get(name, ""))}
    own = reverse("reports-embed") + (f"?{urlencode(asked)}" if asked else "")
    code = format_html(
        '<iframe src="{}" width="600" height="450" style="border:0" loading="lazy" title="{}"></iframe>',
        request.build_absolute_uri(own), _("Map of these reports"),
    )  # fmt: skip
    return render(request, "reports/around/embed_code.html", {"code": code, "own": own, **finding.choices()})
