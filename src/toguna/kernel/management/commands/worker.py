"""`manage worker`: runs queued jobs, and ticks the periodic work."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from procrastinate.contrib.django import app

from toguna.kernel import tasks


class Command(BaseCommand):
    help = "Runs queued jobs and the periodic work, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is queued, then exit")
        parser.add_argument("--concurrency", type=int, default=2)

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def ticks() -> None:
            while True:
                try:
                    tasks.tick()
                except Exception as error:  # the database may be away for a while: say it and go on
                    self.stderr.write(f"tick: {error}")
                finally:
                    close_old_connections()
                if stop.wait(20):
                    return

        if not options["once"]:
            threading.Thread(target=ticks, name="tick", daemon=True).start()
        try:
            worker = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
            worker.run_worker(
                concurrency=options["concurrency"],
                wait=not options["once"],
                install_signal_handlers=not options["once"],
                listen_notify=not options["once"],
                delete_jobs="never",
            )
        finally:
            stop.set()
