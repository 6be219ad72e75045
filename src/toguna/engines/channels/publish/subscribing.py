"""Who wants to hear of what, by any channel: asked for, confirmed by whoever holds the address, ended with one press."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.channels.models import Subscription
from toguna.engines.channels.sending import send
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import registry, town
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane

TOWN, ZONE = "town", "zone"
_links = signing.Signer(salt="channels.subscription")


@dataclass(frozen=True)
class Subscribable(Declaration):
    """Something to hear of. about: "risk", "line", "service"...; title: words for people; choices(): (subject, words)."""

    about: str
    title: Any
    choices: Callable[[], Sequence[tuple[str, Any]]]

    def key(self) -> object | None:
        return self.about

    def problems(self) -> Iterator[str]:
        if self.about in (TOWN, ZONE):
            yield f"{self.about!r} is there for everybody"


def _districts() -> list[tuple[str, str]]:
    return [(str(zone.id), zone.name) for zone in territory.districts()]


def offered() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(about, title, [(subject, words)]) of all that one may hear of."""
    declared = registry.declared(Subscribable)
    return [
        (TOWN, _("News of the town"), [("", _("Everything that concerns the whole town"))]),
        (ZONE, _("A district"), _districts()),
        *((d.about, str(d.title), [(slug, str(words)) for slug, words in d.choices()]) for d in declared),
    ]


def known(about: str, subject: str) -> bool:
    return any(a == about and any(s == subject for s, _w in choices) for a, _title, choices in offered())


@transaction.atomic
def subscribe(
    medium: str, address: str, about: str, subject: str, *, language: str = "", confirmed: bool = False
) -> Subscription:
    """Asks for news. Not confirmed: a link is sent, and nothing else until it is opened. Idempotent. `about` and `subject`
    must be among `offered()` (ValueError)."""
    if not known(about, subject):
        raise ValueError(f"nothing is called {about}:{subject}")
    person = people.known_at(address)
    values = {"medium": medium, "address": address, "about": about, "subject": subject}
    row = Subscription.objects.filter(**values, ended=None).first()
    if row is None:
        try:
            with transaction.atomic():
                row = Subscription.objects.create(
                    **values,
                    person_id=person.pk if person else None,
                    language=language or (get_language() or "").split("-")[0],
                    zone_id=int(subject) if about == ZONE else None,
                )
        except IntegrityError:  # asked for twice at once
            row = Subscription.objects.get(**values, ended=None)
    if confirmed and row.confirmed is None:
        row.confirmed = timezone.now()
        row.save(update_fields=["confirmed"])
    elif row.confirmed is None:
        words = _("To get the news that you asked for, open this address. If it was not you, do nothing.")
        send(
            medium, address, key=f"subscription:{row.public_id}", subject=_("News of %(town)s") % {"town": town.current().name},
            text=f"{words}\n{link(row, 'subscription-confirm')}", language=row.language, lane=Lane.TRANSACTIONAL,
        )  # fmt: skip
    return row


def link(row: Subscription, name: str) -> str:
    return f"{settings.TOGUNA_URL}{reverse(name, args=[_links.sign(row.public_id.hex)])}"


def of_link(token: str) -> Subscription | None:
    """The subscription of a signed address; None for an address that is not ours."""
    try:
        return Subscription.objects.filter(public_id=_links.unsign(token)).first()
    except (signing.BadSignature, ValueError):
        return None


def confirm(row: Subscription) -> None:
    Subscription.objects.filter(pk=row.pk, confirmed=None).update(confirmed=timezone.now())


def end(row: Subscription) -> None:
    Subscription.objects.filter(pk=row.pk, ended=None).update(ended=timezone.now())


def end_all(medium: str, address: str) -> int:
    """All of an address; how many there were."""
    return Subscription.objects.filter(medium=medium, address=address, ended=None).update(ended=timezone.now())
