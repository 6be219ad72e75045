"""A mediator or a relative acts for somebody, on their own telephone: for as long as the mandate holds, and no further.

What the person knows of the town and may do with it (their requests, their papers) is then reached as if they did it
themselves; the audit says who did. Their name, their language, their data as a whole and its erasure stay theirs alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from toguna.engines.people import mandates, numbers, phones
from toguna.engines.people.actions import Refused
from toguna.engines.people.models import Mandate, Person
from toguna.kernel import text
from toguna.kernel.access import Actor

KEY = "acts-for"  # in the session: the mandate
OWN = "toguna.engines.people."  # pages of a person's own: never another's


def mandate_of(request: HttpRequest) -> Mandate | None:
    """The mandate by which this session acts; None when it does not, or when it ended. One statement, and none without."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or KEY not in request.session:
        return None
    if not hasattr(request, "acts_by"):
        own = getattr(request.user, "person_id", None)
        found = mandates.holding().filter(pk=request.session[KEY], mediator=own or 0).first()
        if found is None:
            del request.session[KEY]
        request.acts_by = found  # type: ignore[attr-defined]
    held: Mandate | None = request.acts_by  # type: ignore[attr-defined]
    return held


def acting(request: HttpRequest, own: Actor) -> Actor:
    """Who acts in this request: the person themself, or for another, in the services that the mandate is about."""
    view = request.resolver_match.func.__module__ if request.resolver_match else OWN
    mandate = None if own.staff or view.startswith(OWN) else mandate_of(request)
    room = view.split(".")[2] if view.startswith("toguna.services.") else ""
    if mandate is None or mandate.about not in ("", room):
        return own
    return replace(own, person=mandate.person_id, mandate=mandate.pk)


def begin(request: HttpRequest, own: Person, mandate: int) -> Mandate | None:
    """From now on this session acts by that mandate. None when it holds no more, or is not theirs."""
    found = mandates.holding().filter(pk=mandate, mediator=own).first()
    if found is not None:
        request.session[KEY] = found.pk
    return found


def stop(request: HttpRequest) -> None:
    request.session.pop(KEY, None)


def entrust(person: Person, *, name: str, contact: str, about: str, until: date | None, by: Actor) -> Mandate:
    """A person lets somebody act for them, who is named as the town knows them: both the name and the telephone must fit, so
    that nobody learns here who is known at a number. Raises Refused, ValidationError (a contact that is none), limits.TooMany."""
    mediator = numbers.named(*phones.contact(contact), typed=text.clean(name))
    if mediator is None:
        raise Refused(
            _(
                "The town knows nobody of this name at this number. The person must log in once themself, with their name."
            )
        )
    return mandates.grant(
        person, mediator, consent=_("by the person, on their own page"), about=about, until=until, by=by
    )
