"""Residents log in by a code: six digits, ten minutes, five tries, stored nowhere. It is sent to their phone or mailbox, or
shown on the phone itself in a USSD session, which costs the town nothing.

Each SMS costs money, and some earn it by asking for many: see `_paid` for what holds them back.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from toguna.engines.people import numbers, phones
from toguna.engines.people.models import Account, OneTimeCode
from toguna.kernel import audit, events, limits, registry, town
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

GOOD_FOR = timedelta(minutes=10)
ENOUGH = timedelta(minutes=2)  # with less left a code that is given again would come too late
TRIES = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
A_DAY = 10  # codes to one number, sent again or new
WAITS = (30, 60, 300, 900)  # seconds between one code and the next to the same number; then the last of them
A_BLOCK = 40  # an hour, to numbers that differ in their last four digits only, from browsers that are new to us
DIALLED_TRIES = 10  # wrong guesses at a code that was dialled for, from all pages together


class CodeRefused(Exception):
    """No code is sent there at all; str() says why and what to do instead, and nothing of whether the number is known."""


@dataclass(frozen=True)
class CodesRunOut(events.Event):
    """The town sends no more codes this hour: somebody may be pumping SMS. `sent`: how many were."""

    sent: int
    hour: str


@dataclass(frozen=True)
class CodeSender(Declaration):
    """Who carries a code to a phone or a mailbox. `people` stands below `channels`, so channels declares itself here.

    send(kind, value, code, key): kind "phone" or "email"; `key` names this sending; called inside the transaction that
    makes the code.
    """

    name: str
    send: Callable[[str, str, str, str], None]


def _code(challenge: uuid.UUID) -> str:
    """Six digits derived from the challenge and the secret key: they need be stored nowhere, not even hashed."""
    seen = hmac.digest(settings.SECRET_KEY.encode(), b"one-time-code" + challenge.bytes, hashlib.sha256)
    return f"{int.from_bytes(seen[:8]) % 1_000_000:06d}"


@transaction.atomic
def ask(kind: str, value: str, *, device: str, newcomer: str = "") -> uuid.UUID:
    """Sends a code and returns its challenge; the answer is the same whether or not we know this number. The same browser
    that asks again within ten minutes is sent the same code: the first message is often only late.

    newcomer: the address of a device that we have not known for long; many new devices at one address, each with few
    numbers, are how paid SMS are pumped. Raises CodeRefused, and limits.TooMany.
    """
    if kind == "phone" and (why := phones.no_code_to(value)):
        raise CodeRefused(why)
    limits.hit("one-time-code-day", value, at_most=A_DAY, per=DAY)  # locks this number until the end of the transaction
    _wait(value)
    limits.hit("one-time-code-device", device, at_most=12, per=HOUR)
    if newcomer:
        limits.hit("one-time-code-newcomers", newcomer, at_most=100, per=HOUR)
    if kind == "phone":
        _paid(value, known=not newcomer)
    now = timezone.now()
    row = _live(kind, value, device) or OneTimeCode(
        kind=kind, value=value, device=_digest(device), expires=now + GOOD_FOR
    )
    row.sent, row.last_sent = row.sent + 1, now
    row.save()
    again = f":{row.sent}" if row.sent > 1 else ""
    for sender in registry.declared(CodeSender):
        sender.send(kind, value, _code(row.challenge), f"{row.challenge}{again}")
    return row.challenge


@transaction.atomic
def dial(kind: str, value: str, *, device: str) -> uuid.UUID:
    """A challenge for somebody who gets the code by dialling (see `confirm_by_ussd`): nothing is sent. Raises limits.TooMany."""
    limits.hit("one-time-code-device", device, at_most=12, per=HOUR)
    expires = timezone.now() + GOOD_FOR
    return OneTimeCode.objects.create(kind=kind, value=value, device=_digest(device), expires=expires).challenge


@transaction.atomic
def confirm_by_ussd(phone: str) -> str:
    """The code to show on the screen of this phone, which the network says is at the other end of the USSD session. It opens
    whichever page asks for that number's code. Called again within its ten minutes it is the same. Raises limits.TooMany."""
    limits.hit("one-time-code-dialled", phone, at_most=20, per=DAY)
    row = OneTimeCode.objects.filter(
        kind="phone",
        value=phone,
        dialled=True,
        used=False,
        tries__lt=DIALLED_TRIES,
        expires__gt=timezone.now() + ENOUGH,
    ).first()
    if row is None:
        expires = timezone.now() + GOOD_FOR
        row = OneTimeCode.objects.create(kind="phone", value=phone, dialled=True, expires=expires)
    return _code(row.challenge)


def _wait(value: str) -> None:
    """Each further code to a number waits longer than the one before."""
    latest = OneTimeCode.objects.filter(value=value, last_sent__gt=timezone.now() - DAY).order_by("-last_sent")
    times = list(latest.values_list("last_sent", "sent"))
    if times and times[0][0] is not None:
        wait = WAITS[min(sum(sent for _at, sent in times), len(WAITS)) - 1]
        left = wait - (timezone.now() - times[0][0]).total_seconds()
        if left > 0:
            raise limits.TooMany(int(left) + 1)


def _paid(value: str, *, known: bool) -> None:
    """What an SMS costs is bounded: for a block of numbers (those who pump own whole blocks), for the town in an hour. A
    browser that was here before passes the first, so that others cannot shut a district out."""
    if not known:
        limits.hit("one-time-code-block", value[:-4], at_most=A_BLOCK, per=HOUR)
    most = town.current().codes_an_hour
    if limits.hit("one-time-code-town", "", at_most=most, per=HOUR) == most:
        events.publish(CodesRunOut(most, timezone.localtime().strftime("%Y-%m-%d %H")))


def _digest(device: str) -> str:
    return hashlib.sha256(device.encode()).hexdigest()


def _live(kind: str, value: str, device: str) -> OneTimeCode | None:
    """The code that this browser asked for and may still type."""
    found = OneTimeCode.objects.filter(kind=kind, value=value, device=_digest(device), used=False, sent__gt=0)
    return found.filter(tries__lt=TRIES, expires__gt=timezone.now() + ENOUGH).order_by("-created").first()


def sent_to(challenge: uuid.UUID) -> str:
    """Where the code went, masked; "" when there is no such challenge, or no more."""
    row = OneTimeCode.objects.filter(challenge=challenge, used=False, expires__gt=timezone.now()).first()
    return phones.masked(row.kind, row.value) if row else ""


def was_sent(challenge: uuid.UUID) -> bool:
    """False: they said that they dial."""
    return OneTimeCode.objects.filter(challenge=challenge, sent__gt=0).exists()


def demo_code(challenge: uuid.UUID) -> str:
    """The code itself, for the demo town's log-in page. The caller has checked that this is a demo."""
    return _code(challenge)


def prove(challenge: uuid.UUID, typed: str) -> tuple[str, str] | None:
    """The (kind, value) that whoever types this code holds, or None: wrong, too old, used, or tried too often."""
    with transaction.atomic():
        row = OneTimeCode.objects.select_for_update().filter(challenge=challenge, dialled=False).first()
        if row is None or row.used or row.tries >= TRIES or row.expires < timezone.now():
            return None
        digits = "".join(c for c in typed if c.isdecimal())
        right = row.sent > 0 and hmac.compare_digest(digits.encode(), _code(row.challenge).encode())
        dialled = None if right else _dialled(row, digits)
        row.tries += 1
        row.used = right or dialled is not None
        row.save(update_fields=["tries", "used"])
        if not row.used:
            audit.record(Actor(), "people.code_refused", f"people.code:{row.challenge}", tries=row.tries)
            return None
        if dialled is not None:
            OneTimeCode.objects.filter(pk=dialled.pk).update(used=True)
        return row.kind, row.value


def _dialled(row: OneTimeCode, digits: str) -> OneTimeCode | None:
    """The code shown on the phone that this is, if it was dialled for. Any page may try it: so wrong tries count on it too."""
    live = OneTimeCode.objects.select_for_update().filter(
        kind=row.kind, value=row.value, dialled=True, used=False, tries__lt=DIALLED_TRIES, expires__gt=timezone.now()
    )
    shown = list(live)
    found = next((one for one in shown if hmac.compare_digest(digits.encode(), _code(one.challenge).encode())), None)
    if found is None:
        OneTimeCode.objects.filter(pk__in=[one.pk for one in shown]).update(tries=F("tries") + 1)
    return found


def check(challenge: uuid.UUID, typed: str) -> Account | None:
    """The account that the code opens (made at the first time), or None: the code is wrong, or it does not tell which of
    several persons this is (see `numbers`)."""
    held = prove(challenge, typed)
    return open_known(*held) if held else None


def open_known(kind: str, value: str) -> Account | None:
    """The account of whoever proved to hold this number, when that says who they are; None: they must be asked."""
    found = numbers.holders(kind, value)
    if not found.anybody:
        return logged_in(numbers.newcomer(kind, value))
    return logged_in(numbers.open_for(found.sure, kind, value)) if found.sure else None


def logged_in(account: Account | None) -> Account | None:
    """Writes it down."""
    if account is not None:
        audit.record(Actor(account=account.pk), "people.login", f"people.account:{account.pk}", how="one-time code")
    return account


def forget_old() -> None:
    """Codes that can open nothing any more are removed, once they count for no delay either."""
    OneTimeCode.objects.filter(expires__lt=timezone.now() - DAY).delete()
