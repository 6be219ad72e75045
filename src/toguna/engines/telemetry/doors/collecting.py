"""The process behind the doors that stay open (MQTT, trackers over TCP): what comes is gathered, put on the disk in one go, then
acknowledged; another thread loads it. What waits on the disk when the database is away is loaded when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence

from django.db import close_old_connections

from toguna.engines.telemetry.intake import draining, taking
from toguna.engines.telemetry.intake.spool import Record

log = logging.getLogger(__name__)
IDLE, AWAY = 1.0, 2.0  # seconds between two looks at the spool; after the database did not answer
OBJECTS = 200_000  # made, less those gone, between two rounds of the garbage collector
MOST_WAITING = 20_000  # messages in memory: beyond, doors wait before they read more


class Collector:
    """`put()` ends when the records are on the disk; raises OSError when they are not."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Sequence[Record], asyncio.Future[None]]] = []
        self._count = 0
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._stop, self._news = threading.Event(), threading.Event()

    async def put(self, records: Sequence[Record]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, done))
        self._count += len(records)
        if self._count > MOST_WAITING:
            self._room.clear()
        self._some.set()
        await done

    async def room(self) -> None:
        """Waits while too much is in memory."""
        await self._room.wait()

    async def run(self, *doors: Callable[[Collector], Awaitable[None]]) -> None:
        """Until it is cancelled, or a door ends with an error."""
        # What is parsed has no circles, and there is much of it: the collector need not go through all of this process for it so often.
        before = gc.get_threshold()
        gc.set_threshold(OBJECTS, 20, 100)
        loader = threading.Thread(target=self._drain, name="loader")
        loader.start()
        try:
            async with asyncio.TaskGroup() as together:
                together.create_task(self._write())
                for door in doors:
                    together.create_task(door(self))  # type: ignore[arg-type]
        finally:
            self._stop.set()
            self._news.set()
            # Not waited for in a way that a second cancellation could cut: it ends after the batch it is at.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.to_thread(loader.join)
            gc.set_threshold(*before)
            taking.WRITER.close()

    async def _write(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            batch, self._waiting, self._count = self._waiting, [], 0
            self._room.set()
            try:
                await asyncio.to_thread(taking.WRITER.put, [record for records, _done in batch for record in records])
            except OSError as error:
                log.error("nothing can be written to the spool: %s", error)
                for _records, done in batch:
                    if not done.done():
                        done.set_exception(error)
                await asyncio.sleep(1)
                continue
            for _records, done in batch:
                if not done.done():
                    done.set_result(None)
            self._news.set()

    def _drain(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            try:
                done = draining.drain(wait=1)
            except Exception:
                log.exception("loading")
                done = draining.Drained(away=True)
                close_old_connections()
            if done.away:
                self._stop.wait(AWAY)
            elif not done.messages:
                self._news.wait(IDLE)
