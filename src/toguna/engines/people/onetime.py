"""Residents log in by a code sent to their phone or e-mail: six digits, ten minutes, five tries, stored nowhere."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

from toguna.engines.people import phones
from toguna.engines.people.models import Account, Contact, OneTimeCode, Person
from toguna.kernel import audit, limits, registry
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

GOOD_FOR = timedelta(minutes=10)
TRIES = 5


@dataclass(frozen=True)
class CodeSender(Declaration):
    """Who carries a code to a phone or a mailbox. `people` stands below `channels`, so channels declares itself here.

    send(kind, value, code, challenge): kind "phone" or "email"; called inside the transaction that makes the code.
    """

    name: str
    send: Callable[[str, str, str, str], None]


def _code(challenge: uuid.UUID) -> str:
    """Six digits derived from the challenge and the secret key: they need be stored nowhere, not even hashed."""
    seen = hmac.digest(settings.SECRET_KEY.encode(), b"one-time-code" + challenge.bytes, hashlib.sha256)
    return f"{int.from_bytes(seen[:8]) % 1_000_000:06d}"


@transaction.atomic
def ask(kind: str, value: str, *, device: str, newcomer: str = "") -> uuid.UUID:
    """Sends a code and returns its challenge; the answer is the same whether or not we know this number.

    newcomer: the address of a device that we have not known for long; many new devices at one address, each with few
    numbers, are how paid SMS are pumped. Raises limits.TooMany: per number, per device over all numbers, and that.
    """
    limits.hit("one-time-code", value, at_most=4, per=timedelta(hours=1))
    limits.hit("one-time-code-day", value, at_most=10, per=timedelta(days=1))
    limits.hit("one-time-code-device", device, at_most=12, per=timedelta(hours=1))
    if newcomer:
        limits.hit("one-time-code-newcomers", newcomer, at_most=100, per=timedelta(hours=1))
    row = OneTimeCode.objects.create(kind=kind, value=value, expires=timezone.now() + GOOD_FOR)
    for sender in registry.declared(CodeSender):
        sender.send(kind, value, _code(row.challenge), str(row.challenge))
    return row.challenge


def sent_to(challenge: uuid.UUID) -> str:
    """Where the code went, masked; "" when there is no such challenge, or no more."""
    row = OneTimeCode.objects.filter(challenge=challenge, used=False, expires__gt=timezone.now()).first()
    return phones.masked(row.kind, row.value) if row else ""


def demo_code(challenge: uuid.UUID) -> str:
    """The code itself, for the demo town's log-in page. The caller has checked that this is a demo."""
    return _code(challenge)


def check(challenge: uuid.UUID, typed: str) -> Account | None:
    """The account that the code opens (made at the first time), or None: wrong, too old, used, or tried too often."""
    with transaction.atomic():
        row = OneTimeCode.objects.select_for_update().filter(challenge=challenge).first()
        if row is None or row.used or row.tries >= TRIES or row.expires < timezone.now():
            return None
        digits = "".join(c for c in typed if c.isdigit())
        right = hmac.compare_digest(digits.encode(), _code(row.challenge).encode())
        row.tries += 1
        row.used = right
        row.save(update_fields=["tries", "used"])
        if not right:
            audit.record(Actor(), "people.code_refused", f"people.code:{row.challenge}", tries=row.tries)
            return None
        account = _account(row.kind, row.value)
        if not account.is_active:
            return None
        audit.record(Actor(account=account.pk), "people.login", f"people.account:{account.pk}", how="one-time code")
        return account


def _account(kind: str, value: str) -> Account:
    """The account of whoever proved to hold this number, never a staff account. Several people may share a number: the
    first who was verified on it, else the oldest, else a new one."""
    contact = (
        Contact.objects.filter(kind=kind, value=value, person__erased=None)
        .exclude(person__account__is_team=True)  # a code alone never opens the desk
        .select_related("person__account")
        .order_by("verified", "id")
        .first()
    )
    if contact is None:
        person = Person.objects.create(language=get_language() or "")
        contact = Contact.objects.create(person=person, kind=kind, value=value)
    if contact.verified is None:
        contact.verified = timezone.now()
        contact.save(update_fields=["verified"])
    password = make_password(None)  # none at all
    return Account.objects.get_or_create(person=contact.person, defaults={"password": password})[0]


def forget_old() -> None:
    """Codes that can open nothing any more are removed."""
    OneTimeCode.objects.filter(expires__lt=timezone.now() - timedelta(days=1)).delete()
