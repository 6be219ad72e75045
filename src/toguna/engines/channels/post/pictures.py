"""Photos that are sent in a chat: kept, then given to the service that waits for one; those that come before the words wait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation

from toguna.engines.channels.models import Conversation, Incoming, Route
from toguna.engines.channels.post import files
from toguna.engines.channels.sending import send
from toguna.engines.channels.talk import answering, understanding
from toguna.engines.people import api as people
from toguna.kernel import registry, tasks, town
from toguna.kernel.manifest import Declaration

WAITS = timedelta(days=1)
MOST_WAITING = 5


@dataclass(frozen=True)
class PictureBox(Declaration):
    """A service that takes photos sent by themselves. take(address, data): the words of the answer, None when it has nothing that
    this photo may belong to; begin: the command that a photo begins when nothing is under way."""

    name: str
    take: Callable[[str, bytes], str | None]
    begin: str = ""
    order: int = 100


def came(row: Incoming) -> None:
    """A message that is a photo and nothing else, just kept: begins what a photo begins, unless something is under way. The
    photo itself is fetched by a task (see `fetched`)."""
    under_way = (
        Conversation.objects.filter(medium=row.medium, address=row.address, updated__gt=timezone.now() - WAITS)
        .exclude(state=Conversation.State.CLOSED)
        .exclude(command="", state=Conversation.State.OPEN)
        .exists()
    )
    beginning = next((box.begin for box in _boxes() if box.begin), "")
    command = understanding.command(beginning) if beginning else None
    if under_way or command is None or _has_something(row.address):
        Incoming.objects.filter(pk=row.pk).update(state=Incoming.State.ANSWERED)
        return
    language = town.current().languages[0]
    row.text = (command.keywords.get(language) or next(iter(command.keywords.values())))[0]
    answering.answer(row)  # as if they had typed the keyword


def _has_something(address: str) -> bool:
    """Whether this person wrote something lately that was not a photo: the photo is likely to belong to that."""
    since = timezone.now() - timedelta(hours=1)
    return Incoming.objects.filter(address=address, at__gt=since).exclude(text="").exists()


def fetched(row: int, data: bytes) -> None:
    """The photo of a message was fetched: kept, then offered to the services."""
    name = files.keep(data)
    with transaction.atomic():
        kept = Incoming.objects.select_for_update().get(pk=row)
        if name in kept.raw.get("pictures", []):
            return  # the task was repeated
        kept.raw = {**kept.raw, "pictures": [*kept.raw.get("pictures", []), name]}
        person = people.known_at(kept.address)
        language = (kept.conversation.language if kept.conversation else "") or (person.language if person else "")
        with translation.override(language or town.current().languages[0]):
            words = next((w for box in _boxes() if (w := box.take(kept.address, data)) is not None), None)
        if words is None:
            kept.raw["waiting"] = [*kept.raw.get("waiting", []), name]
        elif words:
            send(kept.medium, kept.address, key=f"picture:{row}:{name[:16]}", text=words)
        kept.save(update_fields=["raw"])


def waiting(addresses: Collection[str]) -> Iterator[bytes]:
    """The photos of these addresses that no service has taken yet, in the caller's transaction; given once, the newest
    message last."""
    rows = Incoming.objects.select_for_update().filter(
        address__in=list(addresses), at__gt=timezone.now() - WAITS, raw__has_key="waiting"
    )
    for row in list(rows.order_by("-id")[:MOST_WAITING])[::-1]:
        names = row.raw.pop("waiting")
        row.save(update_fields=["raw"])
        for name in names:
            if files.path(name).is_file():
                yield files.path(name).read_bytes()


def _boxes() -> list[PictureBox]:
    return sorted(registry.declared(PictureBox), key=lambda b: b.order)


@dataclass(frozen=True)
class Fetcher(Declaration):
    """How a medium gives the bytes of a photo. name: the kind of its routes; fetch(settings, what) raises Busy or Unsendable."""

    name: str
    fetch: Callable[[dict[str, str], str], bytes]


@tasks.task
def fetch(row: int, route: int, what: str) -> None:
    """Gets one photo from the other company and keeps it. Raises when it does not answer: the queue tries again."""
    way = Route.objects.get(pk=route)
    fetcher = registry.find(Fetcher, way.kind)
    if fetcher is not None:
        fetched(row, fetcher.fetch(way.settings, what))
