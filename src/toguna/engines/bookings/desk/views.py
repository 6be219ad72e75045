"""Appointments in the back office: who comes today, an appointment for somebody, the hours of each counter."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from toguna.engines.bookings import actions, hours, money, reads, setup, subjects
from toguna.engines.bookings.actions import HANDLE, READ, SET_UP
from toguna.engines.bookings.desk.forms import ForForm, ResourceForm
from toguna.engines.bookings.models import Booking, Resource
from toguna.engines.bookings.views import day_of, language, moment, once, said
from toguna.engines.people import api as people
from toguna.kernel import access, audit, text
from toguna.kernel.web import Request, staff


def _resource(given: str) -> tuple[list[Resource], Resource | None]:
    """All, and the one that is meant: the first when none is."""
    rows = list(Resource.objects.all())
    return rows, next((one for one in rows if one.slug == given), rows[0] if rows else None)


def _any_day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return timezone.localdate()


@staff(READ)
def day(request: Request) -> HttpResponse:
    """Who comes on a day. POST do=came|no_show|booked|cancel, booking=ID. The verbs say who may."""
    access.require(request.actor, READ)  # a resource lies in no zone: who comes is for those of the whole town
    rows, resource = _resource(request.GET.get("at", ""))
    chosen = _any_day(request.GET.get("day", ""))
    if request.method == "POST":
        typed, do = request.POST.get("booking", ""), request.POST.get("do", "")
        one = get_object_or_404(Booking, pk=int(typed) if typed.isdecimal() and len(typed) < 18 else 0)
        if do == "cancel":
            said(
                request,
                lambda: actions.cancel(one.pk, by=request.actor),
                _("It is cancelled, and the person was told."),
            )
        else:
            said(request, lambda: actions.mark(one.pk, do, by=request.actor), _("Done."))
        return redirect(f"{request.path}?at={resource.slug if resource else ''}&day={chosen.isoformat()}")
    found = reads.day_list(resource, chosen) if resource else []
    if found and resource is not None:
        audit.record(request.actor, "bookings.read", f"bookings.resource:{resource.pk}", day=chosen.isoformat())
    reach = people.reach_many([one.person_id for one in found if one.person_id])
    bills = money.of(found)
    today, now = timezone.localdate(), timezone.now()
    values = {
        "resources": rows, "resource": resource, "day": chosen, "today": today,
        "before": chosen - timedelta(days=1), "after": chosen + timedelta(days=1),
        "rows": [
            {
                "one": one, "about": subjects.title_of(one.subject_kind, one.subject), "passed": one.slot.start <= now,
                "address": _address(reach.get(one.person_id or 0)), "markable": chosen <= today and one.state in ("booked", "came", "no_show"),
                "bill": bills.get(one.code), "cancellable": one.state in ("booked", "waiting", "held"),
            }
            for one in found
        ],
        "coming": sum(one.places for one in found if one.state in ("booked", "came", "no_show")),
        "closed": resource is not None and not hours.grid(resource, chosen),
    }  # fmt: skip
    return render(request, "bookings/desk_day.html", values)


def _address(way: people.Reach | None) -> str:
    return people.shown("phone" if way.medium == "sms" else way.medium, way.address) if way else ""


@staff(HANDLE)
def new(request: Request) -> HttpResponse:
    """An appointment for somebody: ?for=NOTE, the front desk knows who; else their name is asked. Also for right now."""
    given = request.POST if request.method == "POST" else request.GET
    rows, resource = _resource(given.get("at", ""))
    if resource is None:
        messages.error(request, _("Say first what can be booked."))
        return redirect("desk-appointments")
    served = people.serving(given.get(people.NOTE), by=request.actor)
    chosen = day_of(given.get("day", ""))
    form = ForForm(request.POST if request.method == "POST" else None, resource=resource, served=served)
    if request.method == "POST" and form.is_valid():
        try:
            start = moment(given.get("start", ""))
            person = (
                served.person if served else actions.person(form.cleaned_data["name"], form.cleaned_data["contact"])
            )
            typed = given.get("places", "1")
            wish = actions.Wish(
                places=int(typed) if typed.isdecimal() and len(typed) < 5 else 1, place=form.cleaned_data.get("place", ""),
                language=person.language or language(), channel=served.channel if served else "counter",
            )  # fmt: skip
            made = actions.book(
                resource, start, person=person, wish=wish, by=request.actor, client_id=once(given.get("client_id", "")),
                wait=True, staff=True,
            )  # fmt: skip
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            if served is not None:
                people.acted_for(served, "bookings.book_for", f"bookings.booking:{made.pk}", by=request.actor)
            waits = made.state == Booking.State.WAITING
            words = _("On the waiting list. The code to give to the person: %(code)s") if waits else _("Booked. The code to give to the person: %(code)s")  # fmt: skip
            messages.success(request, words % {"code": made.code})
            return redirect(
                f"{reverse('desk-appointments')}?at={resource.slug}&day={timezone.localdate(made.slot.start)}"
            )
    values = {
        "resources": rows, "resource": resource, "day": chosen, "form": form, "served": served, "note": given.get(people.NOTE, ""),
        "offers": reads.offers(resource, chosen, chosen, staff=True), "client_id": uuid.uuid4(), "start": given.get("start", ""),
    }  # fmt: skip
    return render(request, "bookings/desk_new.html", values, status=422 if form.errors else 200)


@staff(SET_UP)
def resources(request: Request) -> HttpResponse:
    return render(request, "bookings/desk_resources.html", {"resources": Resource.objects.all()})


@staff(SET_UP)
def resource(request: Request, slug: str = "") -> HttpResponse:
    """One that can be booked, or a new one: its names, its week."""
    row = get_object_or_404(Resource, slug=slug) if slug else None
    form = ResourceForm(request.POST if request.method == "POST" else None, row=row)
    if request.method == "POST" and form.is_valid():
        told = form.told()
        try:
            kept, days = setup.save_resource(row.slug if row else _slug(told["titles"]), told, by=request.actor)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            if days:
                messages.warning(request, _kept_days(days))
            return redirect("desk-appointment-resource", kept.slug)
    today = timezone.localdate().isoformat()
    differ = [
        (date.fromisoformat(d), hours.shown(one["hours"]))
        for d, one in sorted(row.exceptions.items() if row else ())
        if d >= today
    ]
    feed = f"{settings.TOGUNA_URL}{reverse('appointment-feed', args=[row.slug])}?key={row.feed_key}" if row else ""
    values = {"row": row, "form": form, "differ": differ, "feed": feed, "today": timezone.localdate()}
    return render(request, "bookings/desk_resource.html", values, status=422 if form.errors else 200)


def _slug(titles: dict[str, str]) -> str:
    """A free one, of the name."""
    base = slugify(text.pick(titles))[:50] or "counter"
    taken = set(Resource.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(one for n in range(1, len(taken) + 2) if (one := base if n == 1 else f"{base}-{n}") not in taken)


def _kept_days(days: list[date]) -> str:
    written = ", ".join(formats.date_format(day, "j F") for day in days[:10])
    return ngettext(
        "%(n)d day keeps its former hours, because the new ones would cut appointments: %(days)s",
        "%(n)d days keep their former hours, because the new ones would cut appointments: %(days)s",
        len(days),
    ) % {"n": len(days), "days": written}


@staff(SET_UP)
@require_POST
def change(request: Request, slug: str) -> HttpResponse:
    """do=day (day, hours: empty is closed), do=week (day: as the week again), do=feed: a new address."""
    post, do = request.POST, request.POST.get("do")
    try:
        if do == "feed":
            setup.renew_feed(slug, by=request.actor)
        elif do in ("day", "week"):
            openings = hours.read(post.get("hours", "")[:200]) if do == "day" else None
            outside = setup.set_day(slug, _day(post.get("day", "")), openings, by=request.actor)
            if outside:
                messages.warning(
                    request,
                    ngettext(
                        "%(n)d appointment of that day is outside these hours: move it or cancel it.",
                        "%(n)d appointments of that day are outside these hours: move or cancel them.",
                        outside,
                    )
                    % {"n": outside},
                )
        messages.success(request, _("Saved."))
    except hours.WrongHours:
        messages.error(request, _("Write hours as 8:00-12:00, 14:00-16:00."))
    except actions.Refused as error:
        messages.error(request, str(error))
    return redirect("desk-appointment-resource", slug)


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise actions.Refused(_("Choose a day.")) from None
