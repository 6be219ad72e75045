"""`./toguna manage simulate_scale`: households bring waste, and a scale says what it weighs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from toguna.services.waste.weighing import actions, playing


class Command(BaseCommand):
    help = "Plays the town's scales: they weigh, sign and send over HTTP, and do what scales must not where they are told to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the town that serves")
        parser.add_argument("--seconds", type=float, default=60.0, help="that it takes: one weighing each second")
        parser.add_argument("--faults", default="", help=f"shares, such as altered:0.2: {', '.join(playing.FAULTS)}")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            faults = {
                name: float(share or 1)
                for name, _colon, share in map(_pair, filter(None, options["faults"].split(",")))
            }
        except ValueError as error:
            raise CommandError(f"--faults: {error}") from error
        try:
            done = playing.play(
                options["url"], weighings=max(1, int(options["seconds"])), seconds=options["seconds"], faults=faults, say=self.stdout.write
            )  # fmt: skip
        except (actions.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done['taken']} taken, {done['refused']} refused, {done['lost']} lost: /desk/waste/scales/")


def _pair(said: str) -> tuple[str, str, str]:
    pair = said.partition(":")
    if pair[0] not in playing.FAULTS:
        raise ValueError(f"{pair[0]}? {', '.join(playing.FAULTS)}")
    return pair
