"""What files belong to: an engine declares it, and answers who may read or add its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from toguna.engines.documents.models.store import File
from toguna.kernel import access, registry
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

READ, ADD, KEEP = "documents.read", "documents.add", "documents.dispose"


def _nobody(actor: Actor, pk: int) -> bool:
    return False


@dataclass(frozen=True)
class FileSubject(Declaration):
    """name: "cases.case"; may_read(actor, id), may_add(actor, id): of one such thing. What is not said is refused, and so
    is a file whose subject nobody declares any more."""

    name: str
    title: Any
    may_read: Callable[[Actor, int], bool] = _nobody
    may_add: Callable[[Actor, int], bool] = _nobody

    def problems(self) -> Iterator[str]:
        if "." not in self.name:
            yield "a subject of files is named engine.thing"


def may_read(actor: Actor, file: File) -> bool:
    """A file of nothing yet is read by the desk, and by the person who brought it."""
    if actor.system:
        return True
    if file.subject_name:
        declared = registry.find(FileSubject, file.subject_name)
        return declared is not None and declared.may_read(actor, file.subject_id)
    return access.can(actor, READ) or (file.person_id is not None and file.person_id == actor.person)


def may_add(actor: Actor, subject: tuple[str, int]) -> bool:
    if actor.system:
        return True
    if subject[0]:
        declared = registry.find(FileSubject, subject[0])
        return declared is not None and declared.may_add(actor, subject[1])
    return access.can(actor, ADD)
