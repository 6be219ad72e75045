"""Trackers over TCP, each protocol at a port of its own (town.toml may say others):

[trackers]
host = "0.0.0.0"
gps103 = 5001
tk103 = 5002
h02 = 5013
teltonika = 5027
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tomllib
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections

from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.doors.trackers.frames import BadFrame, Conversation, Heard
from toguna.engines.telemetry.doors.trackers.gps103 import Gps103
from toguna.engines.telemetry.doors.trackers.h02 import H02
from toguna.engines.telemetry.doors.trackers.teltonika import Teltonika
from toguna.engines.telemetry.doors.trackers.tk103 import Tk103
from toguna.engines.telemetry.intake import observation, taking
from toguna.engines.telemetry.models import Device
from toguna.kernel import town

log = logging.getLogger(__name__)
PROTOCOLS: dict[str, tuple[int, Callable[[], Conversation]]] = {
    "gps103": (5001, Gps103),
    "tk103": (5002, Tk103),
    "h02": (5013, H02),
    "teltonika": (5027, Teltonika),
}
SILENT = 3600.0  # seconds after which a connection that says nothing is closed
DOOR = Device.Door.TCP


def section(name: str) -> dict[str, Any]:
    """A table of town.toml; empty when it is not there."""
    try:
        found = tomllib.loads(town.path().read_text("utf-8")).get(name, {})
    except FileNotFoundError:
        return {}
    return dict(found)


def ports() -> dict[str, int]:
    given = section("trackers")
    return {name: int(given.get(name, port)) for name, (port, _make) in PROTOCOLS.items()}


async def listen(collector: Collector, *, host: str = "", at: dict[str, int] | None = None, ready: Any = None) -> None:
    """Serves all protocols until cancelled. ready: called with {protocol: port} once they listen (port 0: any that is free)."""
    where = host or str(section("trackers").get("host", "0.0.0.0"))  # noqa: S104 - trackers come from outside
    async with contextlib.AsyncExitStack() as stack:
        bound: dict[str, int] = {}
        for name, port in (at or ports()).items():
            make = PROTOCOLS[name][1]

            async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, make: Any = make) -> None:
                await _converse(collector, make(), reader, writer)

            server = await stack.enter_async_context(await asyncio.start_server(meet, where, port))
            bound[name] = server.sockets[0].getsockname()[1]
        if ready:
            ready(bound)
        await asyncio.get_running_loop().create_future()


async def _converse(
    collector: Collector, talk: Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while data := await asyncio.wait_for(reader.read(4096), SILENT):
            await collector.room()
            heard = talk.feed(data)
            for one in heard:
                if not await _answer(collector, one, writer):
                    return
    except (BadFrame, TimeoutError, ConnectionError) as error:
        log.info("a tracker's connection is closed: %s", error)
    except OSError:  # the disk: it was not acknowledged, so the tracker sends it again
        log.warning("a tracker was told nothing: the spool cannot be written")
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, OSError):
            await writer.wait_closed()


async def _answer(collector: Collector, one: Heard, writer: asyncio.StreamWriter) -> bool:
    """Whether the conversation goes on."""
    if one.asks and not await asyncio.to_thread(_known, one.code):
        # Nothing of a stranger's is taken: it keeps it, and sends it once it is registered. That it came is written down.
        await collector.put([taking.record(DOOR, one.code, b"it called", proof="door")])
        if one.refused:
            writer.write(one.refused)
            await writer.drain()
        return False
    if one.observations:
        body = observation.written(one.observations)
        await collector.put([taking.record(DOOR, one.code, body, proof="door")])
    if one.answer:
        writer.write(one.answer)
        await writer.drain()
    return True


def _known(code: str) -> bool:
    """Whether it is in the register, for this door. While the database is away, everyone is heard."""
    try:
        close_old_connections()
        return Device.objects.filter(code=code, door=DOOR, state=Device.State.ACTIVE).exists()
    except (DatabaseError, InterfaceError):
        return True
