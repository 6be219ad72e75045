"""`./toguna manage simulate_fleet`: plays today's rounds in a minute, so that the map shows trucks moving."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from toguna.services.waste.fleet import playing
from toguna.services.waste.rounds import planning


class Command(BaseCommand):
    help = "Plays today's rounds: trackers speak to the town over HTTP, crews tap what they do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the town that serves")
        parser.add_argument("--seconds", type=float, default=60.0, help="that the day takes")
        parser.add_argument("--mqtt", action="store_true", help="trackers speak MQTT, to Mosquitto of `serve --mqtt`")
        parser.add_argument(
            "--beats", type=int, help="how often each truck says where it is (each second, 60 times at most)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = playing.plan_of_today()
            done = playing.play(
                plan,
                options["url"],
                seconds=options["seconds"],
                beats=max(1, options["beats"] or min(60, max(6, round(options["seconds"])))),
                mqtt=options["mqtt"],
                say=self.stdout.write,
            )
        except (planning.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done['positions']} positions taken, {done['done']} stops done, {done['skipped']} skipped")
