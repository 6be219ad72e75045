"""News by words: SUBSCRIBE, UNSUBSCRIBE. Whoever writes from a phone holds it: that is confirmation enough.

A mail says it is from whom it likes: it gets a link to confirm, as on the web.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.models import Subscription
from toguna.engines.channels.publish import subscribing
from toguna.engines.channels.talk.commands import Choice, Command, NotUnderstood, Said, Slot
from toguna.engines.territory import api as territory
from toguna.kernel.text import fold

AROUND_M = 1000  # around a point that is sent by SMS


def _all() -> list[tuple[str, str, str]]:
    return [(about, subject, words) for about, _t, choices in subscribing.offered() for subject, words in choices]


def _match(typed: str) -> str | None:
    """about:subject of what was typed: its name, the surroundings of a point (a plus code, coordinates), or the district of
    a landmark."""
    wanted = fold(typed)
    if not wanted:
        return None
    for about, subject, words in _all():
        if fold(words) == wanted:
            return f"{about}:{subject}"
    near = [(a, s) for a, s, words in _all() if wanted in fold(words).split() or fold(words).startswith(wanted)]
    if len(near) == 1:
        return ":".join(near[0])
    point = territory.read_point(typed)
    if point is not None:
        return f"{subscribing.AREA}:{subscribing.around(*point, AROUND_M)}"
    hits = territory.geocode(typed, limit=1)
    if hits and hits[0].sure:
        districts = {str(zone.id) for zone in territory.districts()}
        inside = [str(pk) for pk in territory.place(hits[0].lon, hits[0].lat).zones if str(pk) in districts]
        if inside:
            return f"{subscribing.ZONE}:{inside[0]}"
    return None


def _read(said: Said, typed: str) -> str:
    found = _match(typed)
    if found is None:
        raise NotUnderstood(_("We do not know this. Send the name of your district, or a landmark in it."))
    return found


def _choices(said: Said) -> Sequence[Choice]:
    found = [Choice(f"{about}:{subject}", words) for about, subject, words in _all() if about != subscribing.ZONE]
    return found if said.medium != "ussd" else [*found, *(Choice(f"{a}:{s}", w) for a, s, w in _all() if a == "zone")]


def _medium(said: Said) -> str:
    return "sms" if said.medium == "ussd" else said.medium


def _subscribe(said: Said) -> str:
    about, _sep, subject = str(said.slots["subject"]).partition(":")
    sure = said.medium != "email"
    row = subscribing.subscribe(_medium(said), said.address, about, subject, language=said.language, confirmed=sure)
    if row.confirmed is None:
        return _("A message is on its way: open the address in it, and you will be told.")
    words = next((w for a, s, w in _all() if (a, s) == (about, subject)), subscribing.distance(AROUND_M))
    return _("Done: you get the news of “%(subject)s”. To stop: UNSUBSCRIBE.") % {"subject": words}


def _unsubscribe(said: Said) -> str:
    found = _match(said.text)
    if found is not None:
        about, _sep, subject = found.partition(":")
        rows = Subscription.objects.filter(
            medium=_medium(said), address=said.address, about=about, subject=subject, ended=None
        )
        for row in rows:
            subscribing.end(row)
        return _("Done: you get no more news of this.")
    count = subscribing.end_all(_medium(said), said.address)
    return _("Done: you get no more news.") if count else _("You had asked for no news.")


COMMANDS = (
    Command(
        "subscribe",
        gettext_lazy("get the news of my district"),
        {"fr": ("abonner", "abonnement", "nouvelles"), "pt": ("subscrever", "noticias"), "en": ("subscribe", "news")},
        _subscribe,
        slots=(
            Slot(
                "subject",
                gettext_lazy("News of what? Send the name of your district, or choose:"),
                read=_read,
                choices=_choices,
                guess=lambda said: _match(said.text),
            ),
        ),
        example={"fr": "ABONNER Zongo", "pt": "SUBSCREVER Zongo", "en": "SUBSCRIBE Zongo"},
        order=80,
    ),
    Command(
        "unsubscribe",
        gettext_lazy("get no more news"),
        {"fr": ("desabonner",), "pt": ("anular",), "en": ("unsubscribe me", "unsub")},
        _unsubscribe,
        example={"fr": "DESABONNER", "pt": "ANULAR", "en": "UNSUB"},
        order=81,
    ),
)
