"""Whose waste it is: one telephone, one door."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, text
from toguna.services.waste.models import Household

STREET_M = 60  # a door is of the nearest street within this


@dataclass(frozen=True)
class Spot:
    """Where a door is: as typed, and where the map says that is, None where it does not know."""

    words: str
    lon: float | None = None
    lat: float | None = None

    @property
    def point(self) -> Point | None:
        return Point(self.lon, self.lat, srid=4326) if self.lon is not None and self.lat is not None else None


def read_spot(typed: str) -> Spot:
    """The place that these words, or coordinates, name; without a point where the map does not know it."""
    words = text.clean(typed)[:200]
    hits = territory.geocode(words, limit=2) if words else []
    if hits and (hits[0].sure or len(hits) == 1 or hits[0].score > hits[1].score):
        return Spot(words, hits[0].lon, hits[0].lat)
    return Spot(words)


def zone_of(spot: Spot) -> int | None:
    if spot.lon is None or spot.lat is None:
        return None
    return territory.place(spot.lon, spot.lat).zone


def by_address(address: str) -> Household | None:
    return Household.objects.filter(address=address).select_related("zone").first() if address else None


def by_card(typed: str) -> Household | None:
    """The one whose card has this code; cards are said aloud, and typed."""
    code = codes.read(typed)
    return Household.objects.filter(code=code).exclude(address="").first() if code else None


def keep(
    address: str, *, spot: Spot | None = None, name: str = "", language: str = "", theirs: bool = True
) -> Household:
    """The household of this address, made when it is new; its door is where it was last said to be. theirs: whoever says so was
    recognised (their own telephone, their own account); a stranger does not move the door of others. In the caller's transaction."""
    person = people.person_for(
        name=text.clean(name)[:150], language=language,
        **({"email": address} if "@" in address else {"phone": address}),
    )  # fmt: skip
    row, made = Household.objects.get_or_create(
        address=address, defaults={"code": codes.make(7), "person": person, "language": language[:8]}
    )
    changed = []
    if not made and row.person_id is None and person is not None:
        row.person, changed = person, ["person"]
    if spot is not None and spot.words and (made or not row.where or (theirs and spot.words != row.where)):
        row.where, row.point, row.zone_id = spot.words, spot.point, zone_of(spot)
        near = (
            territory.nearest("streets", spot.lon, spot.lat, within_m=STREET_M, limit=1)
            if spot.lon is not None and spot.lat is not None
            else []
        )
        row.street, row.street_name = (near[0].id, near[0].name) if near else (None, "")
        changed += ["where", "point", "zone", "street", "street_name"]
    if changed:
        row.save(update_fields=changed)
    return row


def payer_of(row: Household) -> ledger.Payer:
    """In the ledger, made when it first owes something. In the caller's transaction."""
    if row.payer is not None:
        return row.payer
    name = row.person.name if row.person else ""
    payer = ledger.payer(name or row.code, row.person_id)
    Household.objects.filter(pk=row.pk, payer=None).update(payer=payer)
    row.payer = payer
    return payer


def way(address: str) -> tuple[str, str]:
    """(medium, address) by which a message reaches it."""
    if "@" in address:
        return "email", address
    return (address.partition(":")[0], address) if ":" in address else ("sms", address)


def by_payer(payer: int) -> Household | None:
    return Household.objects.filter(payer=payer).first()


def number(code: str) -> int:
    """The number of a card, for what reads figures only (a scale's keypad, a badge): its code in base 28."""
    found = 0
    for letter in code:
        found = found * len(codes.ALPHABET) + codes.ALPHABET.index(letter)
    return found


def code_of(number: int, length: int = 7) -> str:
    letters = ""
    for _place in range(length):
        number, at = divmod(number, len(codes.ALPHABET))
        letters = codes.ALPHABET[at] + letters
    return "" if number else letters


def by_phone(typed: str) -> Household | None:
    """The one of a telephone as people type it."""
    try:
        return by_address(people.normal_phone(typed))
    except ValidationError:
        return None
