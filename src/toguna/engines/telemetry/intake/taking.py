"""The one way in, for every door: on the disk, then loaded at once when that can be."""

from __future__ import annotations

import time
from collections.abc import Sequence

from toguna.engines.telemetry.intake import draining, observation, spool
from toguna.engines.telemetry.intake.draining import Drained
from toguna.engines.telemetry.intake.observation import Observation
from toguna.engines.telemetry.intake.spool import Record

WRITER = spool.Writer()
BRIEFLY = 0.05  # seconds that a visitor's request waits for another process that loads


def record(
    door: str, code: str, body: bytes, *, proof: str, form: str = "json", received: float | None = None
) -> Record:
    """received: seconds since 1970, now when not given. Tabs and line ends are no part of a code or a proof."""
    code, proof = _plain(code, 64), _plain(proof, 200)
    return Record(time.time() if received is None else received, door, code, form, proof, body[: spool.MOST])


def _plain(text: str, most: int) -> str:
    """most: bytes; those of the register, and their keys, are ASCII."""
    text = text[:most]
    if not text.isascii():
        text = text.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore")
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def take(records: Sequence[Record], *, wait: float = 1.0) -> Drained:
    """When it returns they are on the disk; OSError when they are not. Loaded too, unless the database is away or another process
    loads for longer than `wait`: then they are within seconds."""
    WRITER.put(records)
    return draining.drain(wait)


def answer(records: Sequence[Record]) -> Drained | None:
    """`take` for a door that somebody waits at, with what became of these records; None when nobody knows that yet: they are on the
    disk, and others load them, or loaded more than these."""
    WRITER.put(records)
    done = draining.drain(BRIEFLY, little=True)
    return None if done.away or done.busy or done.messages != len(records) else done


def ingest(code: str, observations: Sequence[Observation], *, door: str, proof: str = "door") -> Drained:
    """What our own code knows of a device (a simulator, a form): as if it had come by that door."""
    return take([record(door, code, observation.written(list(observations)), proof=proof)])
