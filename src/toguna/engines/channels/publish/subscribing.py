"""Who wants to hear of what, by any channel: asked for, confirmed by whoever holds the address, ended with one press."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.channels.models import OptOut, Subscription
from toguna.engines.channels.sending import send
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import registry, town
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane

TOWN, ZONE, AREA = "town", "zone", "area"
RADII_M = (300, 1000, 3000)  # how far around a place one may ask for
SAME_MOMENT = timedelta(minutes=1)  # what was asked for at once is confirmed at once
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
        if self.about in (TOWN, ZONE, AREA):
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


def around(lon: float, lat: float, metres: int) -> str:
    """The subject of AREA for what is within that many metres of a point (degrees, WGS 84)."""
    return f"{lat:.5f},{lon:.5f},{metres}"


def distance(metres: int) -> str:
    return f"{metres} m" if metres < 1000 else f"{metres // 1000} km"


def place(typed: str) -> tuple[float, float] | None:
    """(lon, lat) of coordinates, a plus code, or a landmark of which we are sure."""
    point = territory.read_point(typed)
    if point is not None:
        return point
    hits = territory.geocode(typed, limit=1)
    return (hits[0].lon, hits[0].lat) if hits and hits[0].sure else None


def _circle(subject: str) -> tuple[float, float, int] | None:
    """(lon, lat, metres) of a subject of AREA, None when it is none."""
    try:
        lat, lon, metres = subject.split(",")
        found = (float(lon), float(lat), int(metres))
    except ValueError:
        return None
    return found if abs(found[0]) <= 180 and abs(found[1]) <= 90 and found[2] in RADII_M else None


def known(about: str, subject: str) -> bool:
    if about == AREA:
        return _circle(subject) is not None
    return any(a == about and any(s == subject for s, _w in choices) for a, _title, choices in offered())


@transaction.atomic
def subscribe(
    medium: str, address: str, about: str, subject: str, *, language: str = "", confirmed: bool = False
) -> Subscription:
    """Asks for news of one subject. Not confirmed: a link is sent, and nothing else until it is opened. Idempotent. `about`
    and `subject` must be among `offered()`, or AREA and what `around()` gives (ValueError)."""
    (row,) = subscribe_to(medium, address, [(about, subject)], language=language, confirmed=confirmed)
    return row


@transaction.atomic
def subscribe_to(
    medium: str, address: str, wanted: Sequence[tuple[str, str]], *, language: str = "", confirmed: bool = False
) -> list[Subscription]:
    """As `subscribe`, of several subjects with one message to confirm them all."""
    if strange := [pair for pair in wanted if not known(*pair)]:
        raise ValueError(f"nothing is called {strange}")
    person = people.known_at(address)
    rows = [_row(medium, address, *pair, person, language) for pair in wanted]
    waiting = [row for row in rows if row.confirmed is None]
    if confirmed:
        for row in waiting:
            row.confirmed = timezone.now()
            row.save(update_fields=["confirmed"])
        _welcome_back(medium, address)
    elif waiting:
        first = waiting[0]
        words = _("To get the news that you asked for, open this address. If it was not you, do nothing.")
        send(
            medium, address, key=f"subscription:{first.public_id}:{timezone.localdate()}", language=first.language,
            subject=_("News of %(town)s") % {"town": town.current().name},
            text=f"{words}\n{link(first, 'subscription-confirm')}", lane=Lane.TRANSACTIONAL,
        )  # fmt: skip
    return rows


def _row(
    medium: str, address: str, about: str, subject: str, person: people.Person | None, language: str
) -> Subscription:
    values = {"medium": medium, "address": address, "about": about, "subject": subject}
    row = Subscription.objects.filter(**values, ended=None).first()
    if row is not None:
        return row
    zone, where = int(subject) if about == ZONE else None, _circle(subject) if about == AREA else None
    if where is not None:
        districts = {district.id for district in territory.districts()}
        zone = next((pk for pk in territory.place(where[0], where[1]).zones if pk in districts), None)
    try:
        with transaction.atomic():
            return Subscription.objects.create(
                **values,
                person_id=person.pk if person else None,
                language=language or (get_language() or "").split("-")[0],
                zone_id=zone,
                point=Point(where[0], where[1], srid=4326) if where else None,
                radius_m=where[2] if where else 0,
            )
    except IntegrityError:  # asked for twice at once
        return Subscription.objects.get(**values, ended=None)


def link(row: Subscription, name: str) -> str:
    return f"{settings.TOGUNA_URL}{reverse(name, args=[_links.sign(row.public_id.hex)])}"


def of_link(token: str) -> Subscription | None:
    """The subscription of a signed address; None for an address that is not ours."""
    try:
        return Subscription.objects.filter(public_id=_links.unsign(token)).first()
    except (signing.BadSignature, ValueError):
        return None


def _welcome_back(medium: str, address: str) -> None:
    """Who asks for news has thought better of an earlier STOP."""
    OptOut.objects.filter(medium=medium, address=address, about="").delete()


@transaction.atomic
def confirm(row: Subscription) -> None:
    """Whoever opened the link holds the address: it is confirmed, with what was asked for in the same moment."""
    asked = Subscription.objects.filter(medium=row.medium, address=row.address, confirmed=None, ended=None)
    asked.filter(created__gte=row.created, created__lt=row.created + SAME_MOMENT).update(confirmed=timezone.now())
    _welcome_back(row.medium, row.address)


def end(row: Subscription) -> None:
    Subscription.objects.filter(pk=row.pk, ended=None).update(ended=timezone.now())


def end_all(medium: str, address: str) -> int:
    """All of an address; how many there were."""
    return Subscription.objects.filter(medium=medium, address=address, ended=None).update(ended=timezone.now())
