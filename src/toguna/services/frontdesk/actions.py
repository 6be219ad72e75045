"""The verbs of the front desk: each is one transaction, with its audit inside."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.frontdesk.models import Call, CallBack, Exchange, Script

SERVE, SET_UP = "frontdesk.serve", "frontdesk.set_up"
LONGEST = 600  # minutes of one call: more is a slip of the finger
AGAIN_IN = timedelta(hours=2)  # when nobody answered a call back
MOST_TRIES = 5  # then somebody decides whether to give up
KEPT = timedelta(days=730)


class Refused(Exception):
    """It is not done; str() is a sentence for the person."""


@dataclass(frozen=True)
class WrapUp:
    """How a call ended. `call`: the id that the form made, or that of the call that rang. minutes: of work, 0 to 600."""

    call: uuid.UUID
    door: str
    reason: str
    outcome: str
    minutes: int
    number: str = ""
    person: people.Person | None = None
    mandate: people.Mandate | None = None
    note: str = ""


@transaction.atomic
def wrap_up(done: WrapUp, *, by: Actor) -> Call:
    """Closes a call. Sent again, it corrects what the same agent wrote; another agent's stays as it is."""
    access.require(by, SERVE, anywhere=True)
    if not 0 <= done.minutes <= LONGEST:
        raise Refused(_("Give the minutes as a number from 0 to %(most)d.") % {"most": LONGEST})
    row, _made = Call.objects.get_or_create(public_id=done.call, defaults={"door": done.door, "number": done.number})
    row = Call.objects.select_for_update().get(pk=row.pk)
    if row.wrapped and row.account != by.account:
        raise Refused(_("A colleague has closed this call already."))
    row.door, row.reason, row.outcome, row.minutes = done.door, done.reason, done.outcome, done.minutes
    row.person, row.mandate, row.note = done.person, done.mandate, text.clean(done.note)[:500]
    row.number = row.number or done.number
    row.account, row.wrapped = by.account, timezone.now()
    row.save()
    _seen(done.person)
    audit.record(by, "frontdesk.wrap_up", f"frontdesk.call:{row.pk}", **_who(done.person, done.mandate))
    return row


def _seen(person: people.Person | None) -> None:
    if person is not None:
        people.Person.objects.filter(pk=person.pk).update(seen=timezone.now())


def _who(person: people.Person | None, mandate: people.Mandate | None = None) -> dict[str, int]:
    found = {"person": person.pk} if person else {}
    return found | ({"mediator": mandate.mediator_id, "mandate": mandate.pk} if mandate else {})


@transaction.atomic
def new_person(*, name: str, number: str, language: str, by: Actor) -> people.Person:
    """Somebody whom the town did not know at this number."""
    access.require(by, SERVE, anywhere=True)
    kept = " ".join(text.clean(name).split())[:200]
    if not kept:
        raise Refused(_("Type the person's name."))
    person = people.person_for(name=kept, phone=number, language=language)
    assert person is not None  # it has a name
    audit.record(by, "frontdesk.new_person", f"people.person:{person.pk}")
    return person


@transaction.atomic
def promise(
    *, number: str, why: str, due: datetime, priority: int, person: people.Person | None, key: uuid.UUID, by: Actor
) -> CallBack:
    """Somebody is to be called back. `key`: made by the form; sent twice, it is one promise."""
    access.require(by, SERVE, anywhere=True)
    about = text.clean(why)[:300]
    if not about:
        raise Refused(_("Say why they are to be called back."))
    values = {
        "number": number,
        "why": about,
        "due": due,
        "priority": priority,
        "person": person,
        "created_by": by.account,
    }
    row, made = CallBack.objects.get_or_create(public_id=key, defaults=values)
    if made:
        audit.record(by, "frontdesk.promise", f"frontdesk.call_back:{row.pk}", **_who(person))
    return row


@transaction.atomic
def called(call_back: int, *, reached: bool, by: Actor) -> CallBack:
    """Somebody called: it is done, or nobody answered and it comes back later. Done already, nothing changes."""
    access.require(by, SERVE, anywhere=True)
    row = CallBack.objects.select_for_update().get(pk=call_back)
    if row.done:
        return row
    if reached:
        row.done, row.done_by = timezone.now(), by.account
        row.save(update_fields=["done", "done_by"])
    else:
        CallBack.objects.filter(pk=row.pk).update(tries=F("tries") + 1, due=timezone.now() + AGAIN_IN)
        row.refresh_from_db()
    audit.record(by, "frontdesk.called", f"frontdesk.call_back:{row.pk}", reached=reached)
    return row


@transaction.atomic
def save_script(
    script: Script | None,
    *,
    titles: Mapping[str, str],
    steps: Mapping[str, Sequence[str]],
    order: int = 100,
    active: bool = True,
    by: Actor,
) -> Script:
    """Makes a script or changes it. titles and steps by language; a language without steps is left out."""
    access.require(by, SET_UP, anywhere=True)
    named = {code: words for code, words in titles.items() if words}
    told = {code: list(lines) for code, lines in steps.items() if lines}
    if not named or not told:
        raise Refused(_("A script needs a title and a step in one language at least."))
    row = script or Script(slug=_free_slug(next(iter(named.values()))))
    row.titles, row.steps, row.order, row.active = named, told, order, active
    row.save()
    audit.record(by, "frontdesk.save_script", f"frontdesk.script:{row.pk}")
    return row


def _free_slug(title: str) -> str:
    start = slugify(title)[:32] or "script"
    taken = set(Script.objects.filter(slug__startswith=start).values_list("slug", flat=True))
    return next(s for s in (start, *(f"{start}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)


@transaction.atomic
def connect(name: str, *, by: Actor) -> str:
    """Lets an exchange say who calls; gives its secret, which is shown once. The same name again: a new secret."""
    access.require(by, SET_UP, anywhere=True)
    slug = slugify(name)[:40]
    if not slug:
        raise Refused(_("Give the exchange a name in letters or digits."))
    secret = secrets.token_urlsafe(24)
    row, _made = Exchange.objects.update_or_create(slug=slug, defaults={"digest": _digest(secret), "hint": secret[-4:]})
    audit.record(by, "frontdesk.connect", f"frontdesk.exchange:{row.pk}")
    return secret


@transaction.atomic
def disconnect(exchange: Exchange, *, by: Actor) -> None:
    access.require(by, SET_UP, anywhere=True)
    audit.record(by, "frontdesk.disconnect", f"frontdesk.exchange:{exchange.pk}")
    exchange.delete()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def exchange_of(secret: str) -> Exchange | None:
    """Whose secret this is."""
    given = _digest(secret)
    return next((row for row in Exchange.objects.all() if hmac.compare_digest(row.digest, given)), None)


_MOMENTS = {"ringing": "rang", "answered": "answered", "hangup": "hung_up"}
EVENTS = tuple(_MOMENTS)


@transaction.atomic
def heard(exchange: Exchange, *, event: str, reference: str, number: str = "", extension: str = "") -> Call:
    """The exchange says what a call does. Said twice, or in another order, it comes to the same."""
    row, _made = Call.objects.get_or_create(
        reference=f"{exchange.slug}:{reference}"[:120], defaults={"door": Call.Door.PHONE, "number": number}
    )
    row = Call.objects.select_for_update().get(pk=row.pk)
    now, moment = timezone.now(), _MOMENTS[event]
    if getattr(row, moment) is None:
        setattr(row, moment, now)
    row.rang = row.rang or now
    row.number = row.number or number
    if extension and (event != "ringing" or not row.extension):  # who took it counts more than who else rang
        row.extension = extension
    row.save()
    Exchange.objects.filter(pk=exchange.pk).update(heard=now)
    return row


@transaction.atomic
def forget_old() -> None:
    """Calls of two years ago are removed, and call-backs done as long ago."""
    before = timezone.now() - KEPT
    Call.objects.filter(created__lt=before).delete()
    CallBack.objects.filter(done__lt=before).delete()


def forget_person(person: int) -> None:
    """What erasing somebody means here: the call counts, and says no more whose it was."""
    numbers = list(people.Contact.objects.filter(person=person).values_list("value", flat=True))
    Call.objects.filter(person=person).update(number="", note="", mandate=None, person=None)
    Call.objects.filter(person=None, number__in=numbers).update(number="", note="")
    CallBack.objects.filter(person=person).delete()
    CallBack.objects.filter(person=None, number__in=numbers).delete()
