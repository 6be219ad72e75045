"""FUEL and BREAKDOWN: what a driver says by SMS, of equipment whose register has that telephone."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.assets import actions, fuel, reads, work
from toguna.engines.assets.models import Asset
from toguna.engines.channels.api import Command, NotUnderstood, Said, Slot, Stop
from toguna.kernel import codes, money
from toguna.kernel.access import Actor

_KEYS = uuid.UUID("5f1de0f3-58dd-4b2c-9f53-41ab3d1a3a11")
PART = frozenset(["PART", "PARTIEL", "PARTIAL", "PARCIAL"])  # the tank is not full: said last, in any of the languages
BY_PHONE = Actor(name="SMS", system=True)  # the number was checked against the register


def _mine(said: Said, code: str) -> Asset:
    row = reads.by_code(code)
    if row is None or not row.keepers.filter(phone=said.address).exists():
        # The same words for a code that is none, and for one that is another's.
        raise Stop(_("This number may not speak for this code. Ask the garage to add it."))
    return row


def _parts(said: Said, typed: str) -> list[Any]:
    """[code, litres, km or None, price or None, whether the tank is full] of "K7M4XZ 40 12350 30000 PART"."""
    words = typed.split()
    full = not (len(words) > 2 and words[-1].upper().rstrip(".") in PART)
    words = words if full else words[:-1]
    if not words or len(codes.read(words[0])) < 4:
        raise NotUnderstood(_("Send: the code on the label, litres, kilometres. Example: K7M4XZ 40 12350"))
    numbers = [re.sub(r"(?i)(l|km|f|fcfa)$", "", word).replace(",", ".") for word in words[1:]]
    try:
        litres = float(numbers[0])
        km = int(numbers[1]) if len(numbers) > 1 else None
        price = money.read(numbers[2]) if len(numbers) > 2 else None
    except (ValueError, IndexError):
        raise NotUnderstood(_("Send: the code on the label, litres, kilometres. Example: K7M4XZ 40 12350")) from None
    return [codes.read(words[0]), litres, km, price, full]


def _guess(said: Said) -> Any:
    try:
        return _parts(said, said.text) if said.text.strip() else None
    except NotUnderstood:
        return None


def _fuel(said: Said) -> str:
    code, litres, km, price, full = said.slots["fill"]
    row = _mine(said, code)
    try:
        made = fuel.fill(
            row.pk, litres, km=km, price=price or 0, by=BY_PHONE, client_id=uuid.uuid5(_KEYS, said.key), full=full, channel=said.medium
        )  # fmt: skip
    except actions.Refused as refused:
        raise Stop(str(refused)) from refused
    words = _("%(what)s: %(litres)s l kept.") % {"what": row.serial or row.name[:40], "litres": f"{made.litres:g}"}
    if made.odd:
        words += " " + _("Check: %(why)s.") % {"why": ", ".join(str(fuel.ODD[one]) for one in made.odd)}
    return words


FUEL = Command(
    name="assets.fuel",
    title=gettext_lazy("fuel of a vehicle"),
    keywords={"fr": ("CARBU", "CARBURANT"), "pt": ("COMBUSTIVEL", "GASOLEO"), "en": ("FUEL",)},
    example={"fr": "CARBU K7M4XZ 40 12350", "pt": "COMBUSTIVEL K7M4XZ 40 12350", "en": "FUEL K7M4XZ 40 12350"},
    slots=(
        Slot("fill", gettext_lazy("Send: the code on the label, litres, kilometres. Example: K7M4XZ 40 12350"), read=_parts, guess=_guess),
    ),
    run=_fuel,
    menu=False,
    leads=True,
    order=95,
)  # fmt: skip


def _what(said: Said, typed: str) -> list[str]:
    code, _space, words = typed.strip().partition(" ")
    if len(codes.read(code)) < 4:
        raise NotUnderstood(_("Send the code on the label, then what is wrong."))
    return [codes.read(code), words[:160]]


def _guess_what(said: Said) -> Any:
    try:
        return _what(said, said.text) if said.text.strip() else None
    except NotUnderstood:
        return None


def _broken(said: Said) -> str:
    code, words = said.slots["what"]
    row = _mine(said, code)
    try:
        order = work.say_broken(row.pk, words, by=BY_PHONE, client_id=uuid.uuid5(_KEYS, said.key))
    except actions.Refused as refused:
        raise Stop(str(refused)) from refused
    return _("%(what)s is broken down: the garage knows. Order %(number)s.") % {
        "what": row.serial or row.name[:40], "number": order.pk,
    }  # fmt: skip


BROKEN = Command(
    name="assets.broken",
    title=gettext_lazy("a vehicle that breaks down"),
    keywords={"fr": ("PANNE",), "pt": ("AVARIA",), "en": ("BREAKDOWN",)},
    example={"fr": "PANNE K7M4XZ freins", "pt": "AVARIA K7M4XZ travões", "en": "BREAKDOWN K7M4XZ brakes"},
    slots=(
        Slot("what", gettext_lazy("Send the code on the label, then what is wrong."), read=_what, guess=_guess_what),
    ),
    run=_broken,
    menu=False,
    leads=True,
    order=96,
)  # fmt: skip
