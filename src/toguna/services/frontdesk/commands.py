"""What anybody can do by words about their own number: get the log-in code on their screen, and say "this is not me"."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Command, Message, NotUnderstood, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.kernel import limits, town

RECENT = timedelta(days=30)


def _is_phone(said: Said) -> None:
    if not said.address.startswith("+"):
        raise Stop(_("Send this from the phone itself, by SMS or by dialling."))


def _code(said: Said) -> str:
    _is_phone(said)
    try:
        code = people.confirm_by_ussd(said.address)
    except limits.TooMany as error:
        raise Stop(str(error)) from None
    return _("%(code)s is your code for %(town)s. It is good for 10 minutes. Give it to nobody.") % {
        "code": code,
        "town": town.current().name,
    }


def meant(address: str) -> list[int]:
    """To whom the town wrote at this number of late; nobody's name in particular: all who are known there."""
    since = timezone.now() - RECENT
    known = people.persons_at(address)
    latest = Message.objects.filter(address=address, person__in=known, created__gt=since).order_by("-id").first()
    return [latest.person_id] if latest is not None and latest.person_id is not None else known


def proof(address: str) -> str:
    """Four digits that only who reads this phone's messages sees: an SMS can be sent in somebody else's name."""
    day = timezone.localdate().isoformat()
    seen = hmac.digest(settings.SECRET_KEY.encode(), f"not-me\0{address}\0{day}".encode(), hashlib.sha256)
    return f"{int.from_bytes(seen[:8]) % 10_000:04d}"


def _ask(said: Said) -> str:
    return _("Is this number no longer of the person we write to? Send %(digits)s and we stop. Else send CANCEL.") % {
        "digits": proof(said.address)
    }


def _read(said: Said, typed: str) -> str:
    try:
        limits.hit("not-me", said.address, at_most=5, per=timedelta(days=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from None
    if not hmac.compare_digest("".join(c for c in typed if c.isdecimal()).encode(), proof(said.address).encode()):
        raise NotUnderstood
    return "yes"


def _not_me(said: Said) -> str:
    _is_phone(said)
    people.not_me(said.address, meant(said.address))
    return _("Thank you. What concerns the other person is no longer sent to this number.")


COMMANDS = (
    Command(
        name="code",
        title=gettext_lazy("My log-in code"),
        keywords={
            "fr": ("CODE", "MON CODE", "CONNEXION"),
            "pt": ("CODIGO", "MEU CODIGO", "ENTRAR"),
            "en": ("MY CODE", "LOGIN"),
        },
        run=_code,
        example={"fr": "CODE", "pt": "CODIGO", "en": "MY CODE"},
        order=80,
    ),
    Command(
        name="not-me",
        title=gettext_lazy("This is not me"),
        keywords={
            "fr": ("FAUX", "PAS MOI", "MAUVAIS NUMERO"),
            "pt": ("ENGANO", "NUMERO ERRADO"),
            "en": ("NOT ME", "WRONG NUMBER"),
        },
        run=_not_me,
        slots=(Slot("sure", _ask, read=_read),),
        example={"fr": "FAUX", "pt": "ENGANO", "en": "NOT ME"},
        menu=False,
        order=90,
    ),
)
