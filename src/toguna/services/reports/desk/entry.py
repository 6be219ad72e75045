"""What somebody says at the counter or on the telephone, typed in by an agent: who calls, then what; a slip with the code."""

from __future__ import annotations

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, limits, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.reports import intake
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.forms import ReportForm
from toguna.services.reports.topics import topic, topics

OURS = REPORT.name
EARLIER = 20
DOORS = {"counter": gettext_lazy("At the counter"), "phone": gettext_lazy("By telephone")}


class CallForm(forms.Form):
    """Who it is, how they came, and what about."""

    channel = forms.ChoiceField(
        label=gettext_lazy("How they came"), choices=list(DOORS.items()), widget=forms.RadioSelect, initial="counter"
    )
    contact = forms.CharField(
        label=gettext_lazy("Their phone or e-mail"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("Shows what was reported with this number before. It may stay empty."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    topic = forms.ChoiceField(label=gettext_lazy("Category"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(t.slug, text.pick(t.names)) for t in topics() if t.active and not any(t.stop.values())]
        self.fields["topic"].choices = names  # type: ignore[attr-defined]

    def clean_contact(self) -> tuple[str, str] | None:
        typed = self.cleaned_data["contact"]
        return people.contact(typed) if typed else None


@staff("reports.handle")
def new(request: Request) -> HttpResponse:
    """Three forms, one address: who (GET), what (do=look), done (do=open; same=CODE: it is that one). ?for=NOTE: the front
    desk knows who it is (see `people.serving`)."""
    if request.method != "POST":
        served = people.serving(request.GET.get(people.NOTE), by=request.actor)
        known = {"channel": served.channel, "contact": people.typed_contact(served)} if served else {}
        initial = {"channel": request.GET.get("channel", "counter"), "contact": request.GET.get("contact", ""), **known}
        return render(
            request, "reports/desk/call.html", {"form": CallForm(initial=initial), "served": served, **_note(request)}
        )
    served = people.serving(request.POST.get(people.NOTE), by=request.actor)
    call = CallForm(request.POST)
    chosen = topic(request.POST.get("topic", "")) if call.is_valid() else None
    if chosen is None:
        return render(request, "reports/desk/call.html", {"form": call, "served": served, **_note(request)}, status=422)
    contact = call.cleaned_data["contact"]
    if request.POST.get("do") != "open":
        known = {"contact": request.POST.get("contact", ""), "name": served.name if served else ""}
        form = ReportForm(initial=known, topic=chosen)
        return _page(request, call, form, earlier=_earlier(request, contact))
    form = ReportForm(request.POST, request.FILES, topic=chosen)
    if not form.is_valid():
        return _page(request, call, form, status=422)
    decided = request.POST.get("sure") or request.POST.get("same")
    if not decided and form.where and (near := _near(request, chosen, *form.where)):
        return _page(request, call, form, near=near)
    try:
        return _taken(request, call.cleaned_data["channel"], form, served)
    except cases.Outside as error:
        form.add_error("position" if form.cleaned_data["position"] else "place", str(error))
    except (cases.Refused, limits.TooMany) as error:
        form.add_error(None, str(error))
    return _page(request, call, form, status=422)


def _page(request: Request, call: CallForm, form: ReportForm, status: int = 200, **more: Any) -> HttpResponse:
    values = {"call": call, "form": form, "topic": form.topic, **_note(request), **more}
    return render(request, "reports/desk/entry.html", values, status=status)


def _note(request: Request) -> dict[str, str]:
    """Goes from form to form."""
    return {"note": request.POST.get(people.NOTE) or request.GET.get(people.NOTE) or ""}


def _near(request: Request, about: cases.Topic, lon: float, lat: float) -> list[cases.Case]:
    """What it may be the same as, of what everybody or this agent may see."""
    found = cases.near(about, lon, lat, public=False)
    return [case for case in found if case.public or cases.may_read(request.actor, case)]


def _earlier(request: Request, contact: tuple[str, str] | None) -> list[tuple[cases.Case, cases.State]] | None:
    """What was reported with this number, of what the actor may read; None without a number. Looking leaves a trace."""
    if contact is None:
        return None
    found = cases.scope(request.actor, OURS).filter(reporter__in=people.persons_at(contact[1]))
    rows = list(found.select_related("topic", "zone").order_by("-id")[:EARLIER])
    for case in rows:
        audit.record(request.actor, "reports.read_reporter", f"cases.case:{case.pk}", by_number=True)
    return [(case, REPORT.state(case.state)) for case in rows]


@transaction.atomic
def _taken(request: Request, channel: str, form: ReportForm, served: people.Serving | None) -> HttpResponse:
    values = form.cleaned_data
    kind, address = values["contact"] or ("", "")
    phone, email = (address if kind == "phone" else ""), (address if kind == "email" else "")
    # The agent writes for somebody else: never in their own name, even when they gave none.
    actor = request.actor
    by = Actor(actor.account, None, actor.name, actor.staff, actor.grants, actor.teams)
    if served is not None:  # it is theirs, whatever number they called from
        if address:
            people.reached_at(served.person, kind, address, by=request.actor)
        by, phone, email = people.actor_serving(served, by), "", ""
    intake.count(request.actor, request)
    if same := request.POST.get("same"):
        case = get_object_or_404(cases.Case.objects.select_related("topic"), type=OURS, code=codes.read(same))
        if not (case.public or cases.may_read(request.actor, case)):
            raise Http404
        person = served.person if served else None
        person = person or people.person_for(name=values["name"], phone=phone, email=email, language=_language())
        followed, counted = cases.support(case.pk, by=by, person=person.pk if person else None)
        if served is not None:
            people.acted_for(served, "reports.support_for", f"cases.case:{followed.pk}", by=request.actor)
        said = _("They are counted, and told what happens.") if counted else _("They were counted already.")
        messages.success(request, said)
        return redirect("desk-report-slip", code=followed.code)
    asked = cases.Asked(
        type=OURS,
        topic=form.topic,
        text=values["text"],
        place=values["place"],
        lon=form.where[0] if form.where else None,
        lat=form.where[1] if form.where else None,
        zone=values["district"],
        answers=form.answers,
        asset=values["asset"],
        language=_language(),
        channel=channel,
        client_id=values["client_id"],
        name=values["name"],
        phone=phone,
        email=email,
        photos=tuple(values["photos"] or ()),
    )
    case, made = cases.open_case(asked, by=by)
    if served is not None and made:
        people.acted_for(served, "reports.open_for", f"cases.case:{case.pk}", by=request.actor)
    return redirect("desk-report-slip", code=case.code)


def _language() -> str:
    return (get_language() or "").split("-")[0]


@staff("reports.handle")
def slip(request: Request, code: str) -> HttpResponse:
    """The paper that the person takes home: the code, and its page as a QR code."""
    case = get_object_or_404(cases.Case.objects.select_related("topic", "zone"), type=OURS, code=codes.read(code))
    # Somebody who types for the whole town hands out the slip of what lies outside their own zone too.
    theirs = case.steps.filter(action__in=["opened", "supported"], account=request.actor.account).exists()
    if not theirs and not access.can(request.actor, "reports.handle", zone=case.zone_id, subject=case.topic.slug):
        raise Http404
    url = request.build_absolute_uri(reverse("report", args=[case.code]))
    drawn = segno.make(url, error="m").svg_inline(scale=4, border=2, omitsize=False)
    values = {"case": case, "url": url, "qr": mark_safe(drawn)}  # noqa: S308 - drawn by us from our own address
    return render(request, "reports/desk/slip.html", values)
