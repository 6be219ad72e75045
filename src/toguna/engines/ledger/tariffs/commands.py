"""PRICE: what anything costs, by SMS or USSD: "COMBIEN étal 8 2" gives the whole sum, line by line, and its act."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.ledger.models import Tariff
from toguna.engines.ledger.tariffs import pricing, reads
from toguna.engines.territory import api as territory
from toguna.kernel import money, text, town

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?(?!\w)")
LONGEST = 300  # two messages


def _words(said: Said) -> str:
    """What was typed, without its figures."""
    return _NUMBER.sub(" ", said.text)


def _offered(said: Said) -> Sequence[Choice]:
    rows = reads.find(_words(said)) or sorted(
        reads.current().filter(public=True), key=lambda one: text.fold(text.pick(one.titles, said.language))
    )
    if not rows:
        raise Stop(_("The town has published no price yet. Ask at the town hall."))
    return [Choice(one.slug, text.pick(one.titles, said.language)[:34]) for one in rows]


def _guess(said: Said) -> str | None:
    found = reads.find(_words(said))
    return found[0].slug if len(found) == 1 else None


def _read(said: Said, typed: str) -> str:
    found = reads.find(typed)
    if not found:
        raise NotUnderstood(_("No price has these words. Send others, such as: market, sign, waste."))
    return found[0].slug


def _tariff(said: Said) -> Tariff:
    row = reads.tariff(said.slots.get("what") or "")
    if row is None or not row.public:
        raise Stop(_("The town has no price for this any more."))
    return row


def _more(said: Said) -> Sequence[Slot]:
    """A question for each measure that the tariff asks for, and for the district where that changes it."""
    row = _tariff(said)
    found = [
        Slot(f"m{n}", partial(_ask, name), read=partial(_measure, name), guess=partial(_typed, n))
        for n, name in enumerate(pricing.wanted(row.rule))
    ]
    if _zones(row):
        found.append(
            Slot("zone", gettext_lazy("In which district?"), choices=lambda said: _zones(_tariff(said)), optional=True)
        )
    return found


def _ask(name: str, _said: Said) -> str:
    return _("How many (%(unit)s)?") % {"unit": name}


def _measure(name: str, _said: Said, typed: str) -> str:
    try:
        return str(pricing.number(typed, name))
    except pricing.Missing as missing:
        raise NotUnderstood(_("Send a number, such as 8 or 2,5.")) from missing


def _typed(n: int, said: Said) -> str | None:
    """The n-th number that came with the command."""
    there = _NUMBER.findall(said.text)
    return there[n].replace(",", ".") if len(there) > n else None


def _zones(row: Tariff) -> list[Choice]:
    rates = row.rule.get("zones") or {}
    if not rates:
        return []
    named = [(zone.id, text.pick(zone.names)) for zone in territory.zones() if str(zone.id) in rates]
    return [*(Choice(pk, name[:30]) for pk, name in sorted(named, key=lambda one: one[1])), Choice(0, _("Another one"))]


def _run(said: Said) -> str:
    row, currency = _tariff(said), town.current().currency
    measures = {name: said.slots.get(f"m{n}", "") for n, name in enumerate(pricing.wanted(row.rule))}
    zone = said.slots.get("zone")
    try:
        quote = reads.quote(row, measures, zones=[int(zone)] if zone else [], language=said.language)
    except pricing.Missing as missing:
        raise Stop(
            _("The tariff says nothing of so much %(unit)s. Ask at the town hall.") % {"unit": missing.name}
        ) from missing
    parts = [
        line.words if n == 0 else f"{line.words}: {money.shown(line.amount, currency)}"
        for n, line in enumerate(quote.lines)
    ]
    answer = "\n".join([*parts, _("Total: %(amount)s") % {"amount": money.shown(quote.total, currency)}])
    whole = f"{answer}\n{row.law}" if row.law else answer
    return whole if len(whole) <= LONGEST else answer[:LONGEST]


_WHAT = Slot("what", gettext_lazy("The price of what?"), choices=_offered, read=_read, guess=_guess)
PRICE = Command(
    name="price",
    title=gettext_lazy("how much?"),
    keywords={"fr": ("COMBIEN", "PRIX", "TARIF"), "pt": ("QUANTO", "PRECO"), "en": ("PRICE", "HOW MUCH", "COST")},
    example={"fr": "COMBIEN étal 8", "pt": "QUANTO banca 8", "en": "PRICE stall 8"},
    slots=(_WHAT,),
    menu_slots=(replace(_WHAT, most=40),),  # a menu has pages
    more=_more,
    run=_run,
    order=70,
)
