"""Takes letters over LMTP until it is told to end (`serve --mail` runs it)."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from toguna.engines.channels.post.lmtp import Server
from toguna.engines.channels.settings import section

PORT = 8024


class Command(BaseCommand):
    help = "Takes letters from the town's mail server over LMTP."

    def add_arguments(self, parser: ArgumentParser) -> None:
        given = section("mail_in")
        parser.add_argument("--host", default=str(given.get("lmtp_host", "127.0.0.1")))
        parser.add_argument("--port", type=int, default=int(given.get("lmtp_port", PORT)))

    def handle(self, *args: Any, **options: Any) -> None:
        with Server(options["host"], options["port"]) as server:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
            server.serve_forever()
