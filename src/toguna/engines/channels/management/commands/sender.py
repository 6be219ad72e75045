"""`manage sender`: hands messages to their gateways."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from toguna.engines.channels.gateway.pump import Pump


class Command(BaseCommand):
    help = "Sends the messages that wait, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what can leave now, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        pump = Pump()
        if options["once"]:
            pump.run_once()
            return
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda _number, _frame: pump.stop())
        pump.run()
