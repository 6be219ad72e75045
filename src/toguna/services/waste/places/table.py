"""The register of places as a table: out, and in from another."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, money, tables, text
from toguna.kernel.access import Actor
from toguna.services.waste import opening
from toguna.services.waste.models import Material, WastePlace
from toguna.services.waste.places import actions

COLUMNS = (
    "code", "kind", "name", "where", "lat", "lon", "litres", "hours", "served", "takes", "phone", "state", "public",
)  # fmt: skip
NEEDED = ("kind", "name", "lat", "lon")
NEAR = 0.0002  # degrees: a place of the same name there is the same place
_IDS = uuid.UUID("3c1a9d0e-6a2f-4a57-9d7b-6f0f2f1c7e11")


def rows(places: Iterable[WastePlace]) -> Iterator[list[Any]]:
    """The heads, then each; of places that were read with what they take."""
    yield list(COLUMNS)
    for one in places:
        takes = "; ".join(
            f"{t.material.slug}={money.shown(t.price, plain=True)}" if t.price else t.material.slug
            for t in sorted(one.taken.all(), key=lambda t: (t.material.order, t.material.slug))
        )
        yield [
            one.code, one.kind, tables.safe(one.name), tables.safe(one.where), f"{one.point.y:.6f}", f"{one.point.x:.6f}", one.capacity or "",
            opening.shown(one.hours), opening.shown(one.served), takes, tables.safe(one.phone), one.state, "1" if one.public else "0",
        ]  # fmt: skip


def read(file: object, *, by: Actor) -> tuple[int, int]:
    """Brings a table in, all or nothing: (new, changed). Its columns are those of COLUMNS, in any order. A code that is known changes that
    place; a line without code is the place of that name there, when there is one. Raises tables.Wrong, Denied."""
    materials = set(Material.objects.values_list("slug", flat=True))
    return tables.bring(file, COLUMNS, NEEDED, lambda given: _line(given, materials, by), actions.Refused)


def _line(given: dict[str, str], materials: Collection[str], by: Actor) -> bool:
    """Whether it is new."""
    lat, lon = (given.get(name, "").replace(",", ".") for name in ("lat", "lon"))
    spot = territory.read_point(f"{lat}, {lon}")
    if spot is None:
        raise actions.Refused(_("This is not a position."))
    point, name = Point(*spot, srid=4326), text.clean(given.get("name", ""))
    once = uuid.uuid5(_IDS, f"{text.fold(name)} {spot[0]:.5f} {spot[1]:.5f}")
    row = _known(given.get("code", ""), name, point, once)
    told: dict[str, Any] = {
        "kind": "", "where": "", "capacity": 0, "hours": [], "served": [], "phone": "", "state": "open", "public": True, "device": None,
    }  # fmt: skip
    takes: dict[str, int | None] = {}
    if row is not None:  # what the table does not say stays as it was
        told = {field: getattr(row, field) for field in told}
        takes = {one.material.slug: one.price for one in row.taken.all()}
    told["where"] = given.get("where", told["where"])
    told["kind"] = _choice(given.get("kind", ""), WastePlace.Kind.choices)
    if state := given.get("state"):
        told["state"] = _choice(state, WastePlace.State.choices)
    if litres := given.get("litres"):
        told["capacity"] = _whole(litres)
    for field in ("hours", "served"):
        if field in given:
            told[field] = opening.read(given[field])
    if phone := given.get("phone"):
        told["phone"] = people.normal_phone(phone)
    if public := given.get("public"):
        told["public"] = public == "1"
    if "takes" in given:
        takes = _takes(given["takes"], materials)
    actions.save(row, actions.Told(name=name, point=point, takes=takes, **told), client_id=once, by=by)
    return row is None


def _known(code: str, name: str, point: Point, once: uuid.UUID) -> WastePlace | None:
    places = WastePlace.objects.prefetch_related("taken__material")
    if code:
        row = places.filter(code=codes.read(code)).first()
        if row is None:
            raise actions.Refused(_("No place has this code: %(codes)s") % {"codes": code})
        return row
    around = Point(point.x, point.y, srid=4326).buffer(NEAR)
    there = places.filter(name__iexact=name, point__intersects=around).exclude(state="closed").first()
    return there or places.filter(client_id=once).first()


def _choice(typed: str, choices: Iterable[tuple[str, Any]]) -> str:
    found = {v for v, label in choices if text.fold(typed) in (v, text.fold(str(label)))}
    if not found:
        raise actions.Refused(
            _("“%(typed)s” is none of: %(names)s.")
            % {"typed": typed[:30], "names": ", ".join(v for v, _label in choices)}
        )
    return found.pop()


def _whole(typed: str) -> int:
    digits = "".join(typed.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) < 8):
        raise actions.Refused(_("This is not a whole number: %(typed)s") % {"typed": typed[:20]})
    return int(digits)


def _takes(typed: str, known: Collection[str]) -> dict[str, int | None]:
    """ "plastic=75; household": materials, with what a kilogramme pays."""
    found: dict[str, int | None] = {}
    for part in filter(None, (one.strip() for one in typed.split(";"))):
        slug, _line, price = (one.strip() for one in part.partition("="))
        if slug not in known:
            raise actions.Refused(
                _("“%(typed)s” is none of: %(names)s.") % {"typed": slug[:30], "names": ", ".join(sorted(known))}
            )
        try:
            found[slug] = money.read(price) or None if price else None
        except money.NotMoney:
            raise actions.Refused(_("This is not an amount.")) from None
    return found
