"""The one way in, whichever door a report comes by (web, API, Open311): the limits, then the case."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import limits
from toguna.kernel.access import NOBODY, Actor
from toguna.kernel.web import Request

HOUR = timedelta(hours=1)
PER_SENDER = 20  # an hour: one phone, one device, one resident's account
PER_DESK = 600  # a member of staff who types in what people say at the counter
PER_STRANGERS = 600  # all who cannot be told apart (no cookie): a whole town may stand behind one address


@transaction.atomic
def take(asked: cases.Asked, *, request: Request) -> tuple[cases.Case, bool]:
    """Opens a report for whoever sends this request. (case, True), or (case, False) when it was received before.

    Raises limits.TooMany (per account, phone and device, never per address alone) and cases.Refused.
    """
    count(request.actor, request, phone=asked.phone)
    return cases.open_case(asked, by=request.actor)


def count(actor: Actor, request: HttpRequest, *, phone: str = "") -> None:
    """One more from this sender; raises limits.TooMany."""
    if actor.account is not None:
        limits.hit(
            "reports.open", f"account {actor.account}", at_most=PER_DESK if actor.staff else PER_SENDER, per=HOUR
        )
        return
    device = people.device_of(request)
    known = device in request.COOKIES.values()  # else it is the address and the make of the browser, shared by many
    limits.hit("reports.open", f"device {device}", at_most=PER_SENDER if known else PER_STRANGERS, per=HOUR)
    if phone:
        limits.hit("reports.open", phone, at_most=PER_SENDER, per=HOUR)


@transaction.atomic
def support(case: cases.Case, *, request: Request, phone: str = "", email: str = "") -> tuple[cases.Case, bool]:
    """ "Me too" from whoever sends this request. Raises limits.TooMany and cases.Refused."""
    device = people.device_of(request)
    limits.hit(
        "reports.support",
        f"device {device}",
        at_most=PER_SENDER if device in request.COOKIES.values() else PER_STRANGERS,
        per=HOUR,
    )
    person = people.person_for(phone=phone, email=email) if phone or email else None
    digest = hashlib.sha256(f"{case.code}\0{device}".encode()).hexdigest()
    return cases.support(case.pk, by=request.actor, person=person.pk if person else None, device=digest)


@transaction.atomic
def take_from(address: str, asked: cases.Asked) -> tuple[cases.Case, bool]:
    """The same for words that came from a phone or a mail address: what is counted is that address."""
    limits.hit("reports.open", address, at_most=PER_SENDER, per=HOUR)
    return cases.open_case(asked, by=NOBODY)
