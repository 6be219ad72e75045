"""WHERE PLASTIC: the nearest places that take it, what they pay, and who pays best; BIN FULL: said of a bin by its code, or by where it stands."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits, money, text
from toguna.services.waste import households
from toguna.services.waste.models import Material, WastePlace
from toguna.services.waste.places import actions, reads

_KEYS = uuid.UUID("a4b0a5de-7a51-4f3a-9a7e-0a3e9d9c6a10")
SHOWN = 2
_HOUR = timedelta(hours=1)


def _material(said: Said) -> str | None:
    found, _rest = reads.meant(said.text)
    return found.slug if found else None


def _materials(said: Said) -> Sequence[Choice]:
    return [Choice(row.slug, text.pick(row.names)[:30]) for row in reads.materials()]


def _read_material(said: Said, typed: str) -> str:
    found, _rest = reads.meant(typed)
    if found is None:
        raise NotUnderstood(_("Send what you want to bring: plastic, metal, paper..."))
    return found.slug


def _here(said: Said) -> dict[str, Any] | None:
    """The place in the words, else the door that is known of this telephone."""
    _found, rest = reads.meant(said.text)
    if len(rest) > 2:
        hits = territory.geocode(rest, limit=1)
        if hits:
            return {"lon": hits[0].lon, "lat": hits[0].lat}
    home = households.by_address(said.address)
    return {"lon": home.point.x, "lat": home.point.y} if home and home.point else None


def _read_here(said: Said, typed: str) -> dict[str, Any]:
    spot = households.read_spot(typed)
    if spot.lon is None:
        hits = territory.geocode(typed, limit=1)
        if not hits:
            raise NotUnderstood(
                _("We do not know this place. Send a landmark near it (a market, a mosque, a school) or the district.")
            )
        return {"lon": hits[0].lon, "lat": hits[0].lat}
    return {"lon": spot.lon, "lat": spot.lat}


def _where(said: Said) -> str:
    material = Material.objects.filter(slug=said.slots["material"]).first()
    here = Point(said.slots["here"]["lon"], said.slots["here"]["lat"], srid=4326)
    found = reads.nearest(here, material=material, kinds=reads.BRING, most=SHOWN)
    if not found or material is None:
        raise Stop(_("No place of the town takes this yet."))
    lines = [_line(one) for one in found]
    (best,) = reads.nearest(here, material=material, kinds=reads.BRING, by_price=True, most=1)
    if (best.price or 0) > max(one.price or 0 for one in found):
        lines.append(_("Best price: %(place)s") % {"place": _line(best)})
    if not any(one.open for one in (*found, best)):
        open_ = reads.nearest(here, material=material, kinds=reads.BRING, open_now=True, most=1)
        lines += [_("Open now: %(place)s") % {"place": _line(one)} for one in open_]
    return "\n".join(lines)


def _line(one: reads.Found) -> str:
    parts = [_("%(what)s: %(amount)s") % {"what": one.place.name[:34], "amount": one.far}]
    if one.price:
        parts.append(_("%(amount)s a kg") % {"amount": money.shown(one.price, plain=True)})
    if one.place.where:
        parts.append(one.place.where[:40])
    elif one.place.zone and text.fold(one.place.zone.name) not in text.fold(one.place.name):
        parts.append(one.place.zone.name)
    if not one.open or one.hours:
        parts.append(one.closed or one.hours)
    if one.place.phone:
        parts.append(one.place.phone)
    return ", ".join(parts)


WHERE = Command(
    name="waste.where",
    title=gettext_lazy("where to bring or sell waste"),
    keywords={"fr": ("OU", "OU PORTER"), "pt": ("ONDE", "ONDE LEVAR"), "en": ("WHERE", "WHERE TO")},
    example={"fr": "OU PLASTIQUE grand marché", "pt": "ONDE PLASTICO mercado", "en": "WHERE PLASTIC central market"},
    slots=(
        Slot(
            "material",
            gettext_lazy("What do you want to bring?"),
            choices=_materials,
            read=_read_material,
            guess=_material,
            most=8,
        ),
        Slot("here", gettext_lazy("Where are you? Send a landmark or the district."), read=_read_here, guess=_here),
    ),
    run=_where,
    leads=True,
    order=46,
)


def _bin(said: Said) -> dict[str, Any] | None:
    return _read_bin_or_none(said.text)


def _read_bin_or_none(typed: str) -> dict[str, Any] | None:
    for word in typed.split():
        place = reads.by_code(codes.read(word)) if len(codes.read(word)) == 6 else None
        if place is not None and place.state != WastePlace.State.CLOSED:
            return {"code": place.code}
    hits = territory.geocode(typed, limit=1) if len(typed.strip()) > 2 else []
    if not hits:
        return None
    near = reads.nearest(Point(hits[0].lon, hits[0].lat, srid=4326), kinds=("bin", "point", "sorting"), most=1)
    return {"code": near[0].place.code} if near and (near[0].metres or 0) < 500 else None


def _read_bin(said: Said, typed: str) -> dict[str, Any]:
    found = _read_bin_or_none(typed)
    if found is None:
        raise NotUnderstood(_("Send the code on the bin, or a landmark near it."))
    return found


def _full(said: Said) -> str:
    place = reads.by_code(said.slots["bin"]["code"])
    if place is None:
        raise Stop(_("There is no such place."))
    try:
        limits.hit("waste.say", said.address, at_most=20, per=_HOUR)
        actions.say(place, "full", client_id=uuid.uuid5(_KEYS, said.key), channel=said.medium)
    except (actions.Refused, limits.TooMany) as error:
        raise Stop(str(error)) from error
    return _("Thank you: %(place)s is said to be full. It joins the next round.") % {"place": place.name}


FULL = Command(
    name="waste.full",
    title=gettext_lazy("say that a bin is full"),
    keywords={"fr": ("BAC PLEIN",), "pt": ("CONTENTOR CHEIO",), "en": ("BIN FULL", "FULL BIN")},
    example={"fr": "BAC PLEIN K7M4XZ", "pt": "CONTENTOR CHEIO K7M4XZ", "en": "BIN FULL K7M4XZ"},
    slots=(
        Slot("bin", gettext_lazy("Which one? Send the code on it, or a landmark near it."), read=_read_bin, guess=_bin),
    ),
    run=_full,
    menu=False,
    leads=True,
    order=93,
)
COMMANDS = (WHERE, FULL)
