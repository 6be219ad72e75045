"""Reminders of what is due: declared by the services, sent once, by the medium that suits the person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import formats, timezone, translation

from toguna.engines.channels.sending import send
from toguna.engines.people import api as people
from toguna.kernel import registry, text, town
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane

BATCH = 1000
LATEST = timedelta(days=2)  # after it was meant to be said (the server was off), it still is; later it only confuses


@dataclass(frozen=True)
class Due:
    """One thing that is due. key: what it is, with the occasion ("request:81:missing"); person: whom to tell; facts: for
    the words, beside `when` (a day, as the person's language writes it)."""

    key: str
    person: int
    when: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Reminder(Declaration):
    """`due(start, end)` gives what is due in that span, in any order; each is told `before` it (several: several times).
    texts: {language: words with {when} and the facts}, one SMS each."""

    name: str
    title: Any
    due: Callable[[datetime, datetime], Iterable[Due]]
    texts: Mapping[str, str]
    before: Sequence[timedelta] = (timedelta(days=2),)

    def problems(self) -> Iterator[str]:
        for language in ("fr", "pt", "en"):
            if not self.texts.get(language):
                yield f"it has no words in {language}"
        if len(set(self.before)) != len(self.before) or not self.before:
            yield "say how long before, each once"


def remind(now: datetime | None = None) -> int:
    """Sends what it is time to say. Run from time to time: what was said is not said again, whatever dies in between.
    Returns how many were asked for."""
    moment, asked = now or timezone.now(), 0
    for reminder in registry.declared(Reminder):
        for before in reminder.before:
            batch: list[Due] = []
            for due in reminder.due(moment + before - LATEST, moment + before):
                batch.append(due)
                if len(batch) >= BATCH:
                    asked += _send(reminder, before, batch)
                    batch = []
            asked += _send(reminder, before, batch)
    return asked


def remind_now() -> None:
    remind()


@transaction.atomic
def _send(reminder: Reminder, before: timedelta, batch: Sequence[Due]) -> int:
    if not batch:
        return 0
    ways = people.reach_many([due.person for due in batch])
    sent = 0
    for due in batch:
        way = ways.get(due.person)
        if way is None:
            continue
        language = way.language or town.current().languages[0]
        with translation.override(language):
            day = formats.date_format(timezone.localtime(due.when), "j F")
        words = text.pick(reminder.texts, language).format_map({**due.facts, "when": day})
        send(
            way.medium, way.address, key=f"remind:{reminder.name}:{due.key}:{int(before.total_seconds())}"[:120],
            subject=str(reminder.title), text=words, language=language, person=due.person, lane=Lane.TRANSACTIONAL,
        )  # fmt: skip
        sent += 1
    return sent
