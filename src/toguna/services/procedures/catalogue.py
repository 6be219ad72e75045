"""The catalogue: what the town does, by life event, found by what people type. Kept in memory for a few seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from difflib import get_close_matches

from django.utils.translation import get_language

from toguna.kernel.text import fold, pick
from toguna.services.procedures.life import EVENTS, LifeEvent
from toguna.services.procedures.models import Procedure

KEEP_SECONDS = 15
_kept: tuple[float, list[Procedure]] = (0.0, [])


def procedures() -> Sequence[Procedure]:
    """All that are offered, in order."""
    global _kept
    if not _kept[0] or time.monotonic() - _kept[0] > KEEP_SECONDS:
        found = list(Procedure.objects.filter(active=True))
        _kept = (time.monotonic() if found else 0.0, found)
    return _kept[1]


def procedure(slug: str) -> Procedure | None:
    return next((p for p in procedures() if p.slug == slug), None)


def title_of(slug: str) -> str | None:
    one = procedure(slug)
    return pick(one.names) if one else None


def forget() -> None:
    """After the town changed one in this process; other processes see it within KEEP_SECONDS."""
    global _kept
    _kept = (0.0, [])


def by_event() -> list[tuple[LifeEvent, list[Procedure]]]:
    """The life events that have procedures, each with its own; what has an unknown event is "something else"."""
    known = {event.name for event in EVENTS}
    sorted_: dict[str, list[Procedure]] = {}
    for one in procedures():
        sorted_.setdefault(one.event if one.event in known else "other", []).append(one)
    return [(event, sorted_[event.name]) for event in EVENTS if event.name in sorted_]


def found(typed: str) -> list[Procedure]:
    """Those that these words mean, best first: accents, case, order and a wrong letter do not matter."""
    asked = [word for word in fold(typed).split() if len(word) > 2]
    if not asked:
        return []
    scored = []
    for number, one in enumerate(procedures()):
        strong = _vocabulary(one.names, one.words)
        weak = _vocabulary(one.summary, one.who)
        score = sum(_near(word, strong) * 3 or _near(word, weak) for word in asked)
        if score:
            scored.append((-score, number, one))
    return [one for _score, _number, one in sorted(scored)]


def _vocabulary(*said: dict[str, object]) -> set[str]:
    """The words of these texts, in the reader's language first of all, but in any: people mix them."""
    texts: list[str] = []
    for words in said:
        for language, value in words.items():
            texts += value if isinstance(value, list) else [str(value)]
            if language == get_language() and isinstance(value, str):
                texts.append(pick({language: value}))
    return {word for text in texts for word in fold(text).split() if len(word) > 2}


def _near(word: str, known: set[str]) -> int:
    if word in known:
        return 3
    if any(other.startswith(word) or (len(other) > 3 and word.startswith(other)) for other in known):
        return 2
    return 1 if get_close_matches(word, known, n=1, cutoff=0.8) else 0
