"""What happened, said once, and whoever declared a reaction does its part: in its own transaction, once.

`publish()` writes the event and one job per reaction in the caller's transaction: the queue is the outbox, so an event
is never lost and never announced for something that was rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from toguna.kernel import registry, tasks
from toguna.kernel.manifest import Declaration
from toguna.kernel.models import EventRow

_types: dict[str, type[Event]] = {}


class Event:
    """Base of events: frozen dataclasses of JSON-able values (ids, codes, words), never of personal data."""

    def __init_subclass__(cls) -> None:
        _types[f"{cls.__module__}.{cls.__qualname__}"] = cls


@dataclass(frozen=True)
class Reaction(Declaration):
    """`run(event)` is called after the publishing transaction, in one of its own. It must be idempotent towards the outside."""

    event: type[Event]
    run: Callable[[Any], None]
    lane: tasks.Lane = tasks.Lane.TRANSACTIONAL

    def key(self) -> str:
        return f"{self.run.__module__}.{self.run.__qualname__}"

    def problems(self) -> Iterator[str]:
        if not (isinstance(self.event, type) and issubclass(self.event, Event)):
            yield f"{self.event!r} is not an event"


def publish(event: Event) -> None:
    """Writes the event and a job for each reaction. Must be called inside a transaction; raises RuntimeError otherwise."""
    if not connection.in_atomic_block:
        raise RuntimeError("publish() belongs inside the transaction that makes the event true")
    kind = type(event)
    reactions = [r for r in registry.declared(Reaction) if r.event is kind]
    payload = json.dumps(asdict(event), cls=DjangoJSONEncoder)  # type: ignore[call-overload]
    with connection.cursor() as cursor:  # by hand: it is written with nearly everything that happens
        cursor.execute(
            "INSERT INTO kernel_event (name, payload) VALUES (%s, %s) RETURNING id",
            [f"{kind.__module__}.{kind.__qualname__}", payload],
        )
        pk = cursor.fetchone()[0]
    for lane in tasks.Lane:
        args = [{"event": pk, "reaction": r.key()} for r in reactions if r.lane is lane]
        tasks.defer_many(react, lane, args)


@tasks.task
def react(event: int, reaction: str) -> None:
    """Runs one reaction to one event, unless it already has."""
    row = EventRow.objects.get(pk=event)
    declared = next((r for r in registry.declared(Reaction) if r.key() == reaction), None)
    if declared is None:  # a service that was switched off since: nothing is left to do
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_reaction (event, reaction) VALUES (%s, %s) ON CONFLICT DO NOTHING", [event, reaction]
        )
        if cursor.rowcount:
            declared.run(_types[row.name](**row.payload))
