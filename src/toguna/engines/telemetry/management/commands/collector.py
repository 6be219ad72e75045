"""`manage collector`: the doors of telemetry that stay open, and what loads the spool."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from toguna.engines.telemetry.doors import listening, mqtt
from toguna.engines.telemetry.doors.collecting import Collector


class Command(BaseCommand):
    help = "Takes what devices send, until stopped."
    requires_system_checks: list[str] = []  # they load every page of the site, while devices wait

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mqtt", action="store_true", help="from the MQTT broker")
        parser.add_argument("--trackers", action="store_true", help="from GPS trackers over TCP")

    def handle(self, *args: Any, **options: Any) -> None:
        doors: list[Any] = []
        if options["mqtt"]:
            doors += [mqtt.subscribe, mqtt.passwords]
        if options["trackers"]:
            doors.append(listening.listen)
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_until_stopped(doors))


async def _until_stopped(doors: list[Any]) -> None:
    work = asyncio.ensure_future(Collector().run(*doors))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    await work
