"""When does the truck come? By words, on any phone."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.territory import api as territory
from toguna.services.waste.models import WastePlace
from toguna.services.waste.rounds import coming

NO_MORE = ("stop", "fin", "fim", "end", "non", "nao", "no")


def _where(said: Said, typed: str) -> Any:
    """The code on a bin, or a place of the town: the bins around it are meant. Gives the id of a place, or 0 to hear no more."""
    if typed.strip().lower() in NO_MORE:
        return 0
    if (
        found := WastePlace.objects.filter(code=typed.strip().upper(), kind__in=("bin", "point"), public=True)
        .exclude(state="closed")
        .first()
    ):
        return found.pk
    hits = territory.geocode(typed, language=said.language, limit=1)
    if not hits:
        raise NotUnderstood(_("This place is not known here. Send the code on the bin, or a landmark."))
    place = coming.served((hits[0].lon, hits[0].lat))
    if place is None:
        raise Stop(_("There is no bin around %(place)s.") % {"place": hits[0].label})
    return place.pk


def _guess(said: Said) -> Any:
    if not said.text.strip():
        return None
    try:
        return _where(said, said.text)
    except NotUnderstood:
        return None


def _near(said: Said) -> str:
    """The time at once: who wants no more need not answer."""
    place = WastePlace.objects.filter(pk=said.slots.get("where") or 0).first()
    when = coming.said(coming.coming([place])[0]) if place is not None else ""
    return " ".join(filter(None, (when, _("A message when it is near?"))))


def _run(said: Said) -> str:
    if said.slots["where"] == 0:
        coming.end(said.address)
        return _("You get no more messages about the truck.")
    place = WastePlace.objects.get(pk=said.slots["where"])
    words = coming.said(coming.coming([place])[0])
    if said.slots.get("near"):
        coming.ask(said.address, said.language, place)
        return words + " " + _("You get a message when it is near.")
    return words


TRUCK = Command(
    name="truck",
    title=gettext_lazy("When the waste truck comes"),
    keywords={"fr": ("CAMION", "COLLECTE"), "pt": ("CAMIAO",), "en": ("TRUCK",)},
    example={"fr": "CAMION marché central", "pt": "CAMIAO mercado central", "en": "TRUCK central market"},
    slots=(
        Slot("where", gettext_lazy("Where? Send the code on the bin, or a landmark. STOP: no more messages."), read=_where, guess=_guess),
        Slot(
            "near", _near, when=lambda said: said.slots.get("where") != 0 and "@" not in said.address,
            choices=lambda said: [Choice(True, _("Yes")), Choice(False, _("No"))],
        ),
    ),
    run=_run,
    order=75,
)  # fmt: skip
