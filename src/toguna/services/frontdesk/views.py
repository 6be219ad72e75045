"""The one screen of the call centre and the counter: who it is, what was said before, what they want, how it ended."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.people import api as people
from toguna.kernel import access, audit, registry, town
from toguna.kernel.web import Request, staff
from toguna.services.frontdesk import actions, reads
from toguna.services.frontdesk.forms import CallBackForm, MandateForm, NumberForm, PersonForm, WrapUpForm
from toguna.services.frontdesk.models import Call, Script


@dataclass
class Desk:
    """What the address says: it holds all of the screen's state, so that it can be opened again, and by an exchange."""

    number: str = ""
    person: people.Person | None = None
    mandate: people.Mandate | None = None
    call: Call | None = None

    @property
    def query(self) -> str:
        """The address that opens this again."""
        found: dict[str, Any] = {"number": self.number}
        if self.person is not None:
            found["person"] = self.person.public_id
        if self.mandate is not None:
            found["mandate"] = self.mandate.pk
        if self.call is not None:
            found["call"] = self.call.public_id
        return urlencode({key: value for key, value in found.items() if value})

    @property
    def url(self) -> str:
        return f"{reverse('front')}?{self.query}"

    @property
    def shown_number(self) -> str:
        return people.shown("phone", self.number) if self.number else ""


def _desk(given: QueryDict) -> Desk:
    """Raises ValidationError on a number that is none, Http404 on what is not there."""
    typed = given.get("number")
    desk = Desk(number=people.normal_phone(typed) if typed else "")
    if wanted := given.get("call"):
        desk.call = get_object_or_404(Call, public_id=_uuid(wanted))
        desk.number = desk.number or desk.call.number
    if wanted := given.get("person"):
        desk.person = get_object_or_404(people.Person, public_id=_uuid(wanted), erased=None)
    if wanted := given.get("mandate"):
        held = people.mandates().filter(person=desk.person)
        desk.mandate = get_object_or_404(held, pk=_number(wanted))
    return desk


def _uuid(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        raise Http404 from None


def _number(typed: str) -> int:
    """0, which nothing has, for what is none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else 0


@staff(actions.SERVE)
def front(request: Request) -> HttpResponse:
    """Empty: what rings and what waits. With a number: who it may be. With a person: all that was said, and what to do."""
    asked = NumberForm(request.GET if "number" in request.GET else None)
    try:
        desk = _desk(request.GET)
    except ValidationError:
        asked.is_valid()  # its words say what is wrong
        return _start(request, asked, status=422)
    if desk.person is None and desk.number:
        found = _persons(desk.number)
        if len(found) == 1:
            desk.person = found[0]
    if desk.person is None and desk.call is None and not desk.number:
        return _start(request, asked)
    return screen(request, desk)


def _start(request: Request, form: NumberForm, status: int = 200) -> HttpResponse:
    values = {
        "form": form,
        "ringing": [(call, people.shown("phone", call.number) if call.number else "") for call in reads.ringing()],
        "waiting": reads.waiting() if access.can(request.actor, "channels.answer", anywhere=True) else None,
        "due": reads.due(),
        "day": reads.day(timezone.localdate()),
    }
    return render(request, "frontdesk/start.html", values, status=status)


def _persons(number: str) -> list[people.Person]:
    """Who is known at this number, whoever was heard of last first."""
    found = people.Person.objects.filter(pk__in=people.persons_at(number))
    return sorted(found, key=lambda p: p.seen or p.created, reverse=True)


def screen(request: Request, desk: Desk, status: int = 200, **forms_: forms.Form) -> HttpResponse:
    person = desk.person
    if person is not None:
        audit.record(request.actor, "frontdesk.read", f"people.person:{person.pk}")
    door = Call.Door.PHONE if desk.number else Call.Door.COUNTER
    values: dict[str, Any] = {
        "desk": desk,
        "scripts": _scripts(person),
        "actions": [a for a in front_actions() if people.may_begin(a, request.actor, desk.mandate)],
        "wrap": WrapUpForm(initial={"door": door, **({"call": desk.call.public_id} if desk.call else {})}),
        "back": CallBackForm(initial={"number": desk.shown_number}),
    }
    if person is None:
        values |= {"persons": _persons(desk.number), "new": PersonForm(initial={"language": _language()})}
    else:
        held = people.mandates()
        values |= {
            "history": reads.history(request.actor, person),
            "contacts": [(people.shown(c.kind, c.value), c.lost) for c in person.contacts.order_by("id")],
            "lets": held.filter(person=person),
            "acts": held.filter(mediator=person),
            "others": [p for p in _persons(desk.number) if p.pk != person.pk] if desk.number else [],
            "grant": MandateForm(_services(), prefix="mandate"),
        }
    return render(request, "frontdesk/screen.html", {**values, **forms_}, status=status)


def front_actions() -> list[people.FrontAction]:
    return sorted(registry.declared(people.FrontAction), key=lambda a: (a.order, a.name))


def _services() -> list[tuple[str, str]]:
    """Those that can be asked for at this desk."""
    titled = {service.name: str(service.title) for service in registry.services() if service.title}
    offered = {action.service for action in front_actions()}
    return [(name, title) for name, title in titled.items() if name in offered]


def _scripts(person: people.Person | None) -> list[tuple[Script, list[str], str]]:
    """Each script with its steps in the language of whoever is served, and that language."""
    spoken = (person.language if person else "") or _language()
    wanted = [spoken, *town.current().languages]
    return [(script, script.lines(wanted), spoken) for script in Script.objects.filter(active=True)]


def _language() -> str:
    return (get_language() or "").split("-")[0]


def posted(request: Request) -> Desk:
    """The screen from which a form was sent: its own address is in the field `at`."""
    try:
        return _desk(QueryDict(request.POST.get("at", "")))
    except ValidationError:
        raise Http404 from None


@require_POST
@staff(actions.SERVE)
def begin(request: Request) -> HttpResponse:
    """Leads to where a service does what they ask, with a note of whom it is for."""
    desk = posted(request)
    action = registry.find(people.FrontAction, request.POST.get("action", ""))
    if action is None:
        raise Http404
    if not people.may_begin(action, request.actor, desk.mandate):
        raise access.Denied(request.actor, action.permission)
    door = Call.Door.PHONE if desk.number else Call.Door.COUNTER
    where = reverse(action.url_name)
    if desk.person is None:
        return redirect(f"{where}?{urlencode({'contact': desk.shown_number, 'channel': door})}")
    note = people.note(desk.person, mandate=desk.mandate, channel=door, by=request.actor)
    return redirect(f"{where}?{urlencode({'for': note})}")


@require_POST
@staff(actions.SERVE)
def add_person(request: Request) -> HttpResponse:
    desk, form = posted(request), PersonForm(request.POST)
    if not form.is_valid():
        return screen(request, desk, 422, new=form)
    values = form.cleaned_data
    try:
        desk.person = actions.new_person(
            name=values["name"], number=desk.number, language=values["language"], by=request.actor
        )
    except actions.Refused as error:
        form.add_error("name", str(error))
        return screen(request, desk, 422, new=form)
    return redirect(desk.url)


@require_POST
@staff(actions.SERVE)
def wrap_up(request: Request) -> HttpResponse:
    desk, form = posted(request), WrapUpForm(request.POST)
    if not form.is_valid():
        return screen(request, desk, 422, wrap=form)
    try:
        actions.wrap_up(
            actions.WrapUp(**form.cleaned_data, number=desk.number, person=desk.person, mandate=desk.mandate),
            by=request.actor,
        )
    except actions.Refused as error:
        form.add_error(None, str(error))
        return screen(request, desk, 409, wrap=form)
    messages.success(request, _("It is noted. Next person."))
    return redirect("front")


@require_POST
@staff(actions.SERVE)
def mandate(request: Request) -> HttpResponse:
    """Records that the person lets somebody act for them (do=grant), or that it is over (do=end)."""
    desk = posted(request)
    if desk.person is None:
        raise Http404
    if request.POST.get("do") == "end":
        row = get_object_or_404(people.mandates(), pk=_number(request.POST.get("row", "")))
        if desk.person.pk not in (row.person_id, row.mediator_id):
            raise Http404
        people.end_mandate(row, by=request.actor)
        desk.mandate = None
        messages.success(request, _("The mandate is ended."))
        return redirect(desk.url)
    form = MandateForm(_services(), request.POST, prefix="mandate")
    if not form.is_valid():
        return screen(request, desk, 422, grant=form)
    values = form.cleaned_data
    try:
        mediator = actions.new_person(
            name=values["name"], number=values["number"], language=desk.person.language, by=request.actor
        )
        people.grant_mandate(
            desk.person,
            mediator,
            consent=values["consent"],
            about=values["about"],
            until=values["until"],
            by=request.actor,
        )
    except (actions.Refused, people.Refused) as error:
        form.add_error(None, str(error))
        return screen(request, desk, 422, grant=form)
    messages.success(request, _("%(name)s may act for them.") % {"name": mediator})
    return redirect(desk.url)


@require_POST
@staff(actions.SERVE)
def not_theirs(request: Request) -> HttpResponse:
    """Who answers at this number says that the person has it no more."""
    desk = posted(request)
    if desk.person is None or not desk.number:
        raise Http404
    people.lose_contact(desk.person, "phone", desk.number, by=request.actor, why="desk")
    messages.success(
        request, _("This number is no longer %(name)s’s: nothing of theirs is sent there.") % {"name": desk.person}
    )
    return redirect(Desk(number=desk.number, call=desk.call).url)
