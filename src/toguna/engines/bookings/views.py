"""An appointment by the person: an hour, a name, then the code by which it is moved or cancelled. Thin: see `actions`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.bookings import actions, money, reads, subjects
from toguna.engines.bookings.models import Booking, Resource
from toguna.engines.people import api as people
from toguna.kernel import limits, text
from toguna.kernel.web import Request, public

WEEK = timedelta(days=7)
MOST_FED = 2000


class WhoForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": gettext_lazy("Give your name, so that we can call you.")},
    )  # fmt: skip
    contact = forms.CharField(
        label=gettext_lazy("Your phone number or e-mail"), max_length=254,
        help_text=gettext_lazy("We write to you if something changes, and the day before."),
        widget=forms.TextInput(attrs={"autocomplete": "tel"}),
        error_messages={"required": gettext_lazy("Give a phone number or an e-mail, so that we can reach you.")},
    )  # fmt: skip
    place = forms.CharField(
        label=gettext_lazy("Where should we come?"), max_length=300,
        help_text=gettext_lazy("The district, and a landmark near your door."),
        error_messages={"required": gettext_lazy("Say where we should come.")},
    )  # fmt: skip

    def __init__(self, data: Any, *, resource: Resource, known: bool) -> None:
        super().__init__(data)
        if known:
            del self.fields["name"], self.fields["contact"]
        if not resource.asks_place:
            del self.fields["place"]

    def clean_name(self) -> str:
        return text.clean(self.cleaned_data["name"])

    def clean_contact(self) -> tuple[str, str]:
        return people.contact(self.cleaned_data["contact"])


def day_of(typed: str) -> date:
    """Today for what is no day, or has passed."""
    try:
        return max(date.fromisoformat(typed), timezone.localdate())
    except ValueError:
        return timezone.localdate()


def moment(typed: str) -> datetime:
    """Raises Refused."""
    try:
        found = datetime.fromisoformat(typed)
        if timezone.is_aware(found):
            return found
    except ValueError:
        pass
    raise actions.Refused(_("Choose an hour."))


def once(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()


def language() -> str:
    return (get_language() or "").split("-")[0]


@public
def choose(request: Request) -> HttpResponse:
    """For what: the resources that are offered."""
    return render(request, "bookings/choose.html", {"resources": reads.resources()})


@public
def times(request: Request, slug: str) -> HttpResponse:
    """The hours of a week, ?day= its first; a posted hour is held. ?about=KIND:KEY says what it is about; ?move=CODE&key=: an
    appointment that is to be moved there."""
    resource = reads.resource(slug)
    if resource is None:
        raise Http404(_("This is not offered any more."))
    given = request.POST if request.method == "POST" else request.GET
    moved = _theirs(request, given.get("move", "")) if given.get("move") else None
    about = subjects.read(given.get("about", ""))
    typed = given.get("places", "")
    places = min(int(typed), resource.most_places) if typed.isdecimal() and 0 < len(typed) < 5 and int(typed) else 1
    if moved is not None:
        places = moved.places
    if request.method == "POST":
        try:
            return _taken(request, resource, moved, about, places)
        except actions.Refused as error:
            messages.error(request, str(error))
    first = day_of(request.GET.get("day", ""))
    last = timezone.localdate() + timedelta(days=resource.ahead_days)
    offers = reads.offers(resource, first, first + WEEK - timedelta(days=1))
    while not offers and "day" not in request.GET and first + WEEK <= last:  # closed until then
        first += WEEK
        offers = reads.offers(resource, first, first + WEEK - timedelta(days=1))
    carried = {name: given[name] for name in ("about", "move", "key", "places") if given.get(name)}
    values = {
        "resource": resource, "moved": moved, "about": subjects.title_of(*about), "carried": carried,
        "places": places, "days": [(d, list(rows)) for d, rows in groupby(offers, lambda one: timezone.localdate(one.start))],
        "client_id": uuid.uuid4(), "query": urlencode(carried),
        "before": max(first - WEEK, timezone.localdate()) if first > timezone.localdate() else None,
        "after": first + WEEK if first + WEEK <= last else None,
    }  # fmt: skip
    return people.remember_device(request, render(request, "bookings/times.html", values))


def _taken(
    request: Request, resource: Resource, moved: Booking | None, about: tuple[str, str], places: int
) -> HttpResponse:
    post = request.POST
    start, wait = moment(post.get("start") or post.get("wait", "")), "wait" in post
    if moved is not None:
        actions.move(moved.pk, start, by=request.actor, key=post.get("key", ""))
        messages.success(request, _("Your appointment is moved."))
        return redirect(reads.address_of(moved))
    limits.hit("bookings.hold", people.device_of(request), at_most=30, per=timedelta(hours=1))
    # A browser that forgets who it is is another one each time; a whole quarter behind one address chooses fewer hours than that.
    limits.hit("bookings.hold.address", people.address_of(request), at_most=120, per=timedelta(hours=1))
    wish = actions.Wish(places=places, subject=about, language=language())

    def held(client_id: uuid.UUID) -> Booking:
        return actions.hold(resource, start, wish=wish, by=request.actor, client_id=client_id, wait=wait)

    # Sent twice it is one; another hour chosen on the same page is another.
    made = held(uuid.uuid5(once(post.get("client_id", "")), start.isoformat()))
    if made.state in (Booking.State.EXPIRED, Booking.State.CANCELLED):
        made = held(uuid.uuid4())
    return redirect(reads.address_of(made))


def _theirs(request: HttpRequest, code: str) -> Booking:
    """The booking with that code, for whoever holds its key; nobody else learns that it is there."""
    found = reads.by_code(code)
    key = request.POST.get("key") or request.GET.get("key", "")
    if found is None or not reads.holds_key(found, key):
        raise Http404(_("This link is not complete: open it again as it was given to you."))
    return found


@public
def booking(request: Request, code: str) -> HttpResponse:
    """An appointment, for whoever holds its key. While it is only held: who comes?"""
    row = _theirs(request, code)
    resource = row.slot.resource
    person = people.Person.objects.filter(pk=request.actor.person or 0, erased=None).first()
    form = WhoForm(request.POST if request.method == "POST" else None, resource=resource, known=person is not None)
    asked = row.expires is not None and row.expires > timezone.now()
    if request.method == "POST" and form.is_valid():
        try:
            given = form.cleaned_data
            who = person or actions.person(given["name"], given["contact"], language=language())
            actions.confirm(row.pk, person=who, place=given.get("place", ""), key=reads.key_of(row), by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        return redirect(f"{reads.address_of(row)}&new=1")
    state = row.state if asked or row.expires is None else Booking.State.EXPIRED
    bill = money.of([row]).get(row.code)
    values = {
        "booking": row, "resource": resource, "key": reads.key_of(row), "form": form, "asked": asked, "known": person,
        "state": Booking.State(state), "new": "new" in request.GET, "about": subjects.title_of(row.subject_kind, row.subject),
        "bill": bill, "owed": (bill.left if bill else row.price) if state in money.SURE else 0,
        "waiting": row.state == Booking.State.WAITING, "gone": state in (Booking.State.CANCELLED, Booking.State.EXPIRED),
        "live": row.expires is None and row.state in (Booking.State.BOOKED, Booking.State.WAITING) and row.slot.end > timezone.now(),
    }  # fmt: skip
    response = render(request, "bookings/booking.html", values, status=422 if form.errors else 200)
    response["Cache-Control"] = "private, no-store"
    return response


@public
def act(request: Request, code: str) -> HttpResponse:
    """do=cancel|pay."""
    row = _theirs(request, code)
    if request.method == "POST" and request.POST.get("do") == "pay" and (bill := money.bill(row.pk)) is not None:
        return redirect("pay-bill", bill.reference)
    if request.method == "POST" and request.POST.get("do") == "cancel":
        said(request, lambda: actions.cancel(row.pk, by=request.actor, key=reads.key_of(row)), _("Your appointment is cancelled. The place is free for somebody else: thank you."))  # fmt: skip
    return redirect(reads.address_of(row))


def said(request: HttpRequest, do: Callable[[], object], done: str) -> None:
    """Does it, and says so or why not."""
    try:
        do()
    except actions.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)


def _file(body: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.ics"', "Cache-Control": "private, no-store"}
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


@public
def calendar(request: Request, code: str) -> HttpResponse:
    """One appointment for the calendar of a telephone."""
    row = _theirs(request, code)
    return _file(reads.calendar([row], named=True), row.code)


@public
def feed(request: Request, slug: str) -> HttpResponse:
    """What is booked of a resource, for the calendar of who works there: hours and codes, never names. ?key= is the secret of
    the address, given in the back office."""
    resource = get_object_or_404(Resource, slug=slug)
    if not constant_time_compare(request.GET.get("key", ""), resource.feed_key):
        raise Http404
    since = timezone.now() - timedelta(days=30)
    rows = Booking.objects.filter(slot__resource=resource, slot__start__gte=since).select_related("slot__resource")
    never = (Booking.State.HELD, Booking.State.WAITING, Booking.State.EXPIRED)
    rows = rows.exclude(state__in=never).order_by("slot__start", "id")
    return _file(reads.calendar(list(rows[:MOST_FED]), named=False), slug)
