"""Says which address a company must be told to call, and tells Telegram, which takes it from us."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from toguna.engines.channels.gateway.media import Busy, Doubtful, Unsendable
from toguna.engines.channels.models import Route
from toguna.engines.channels.post import hooks, telegram


class Command(BaseCommand):
    help = "Says which address a company must call for a way; tells Telegram."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        way = Route.objects.filter(slug=options["slug"], kind__in=["whatsapp", "facebook", "telegram"]).first()
        if way is None:
            raise CommandError(f"there is no way {options['slug']!r} for WhatsApp, Facebook or Telegram")
        if way.kind == "telegram":
            try:
                telegram.register(way.settings, way.slug)
            except (Busy, Doubtful, Unsendable) as error:
                raise CommandError(f"Telegram does not take it: {error}") from error
        self.stdout.write(hooks.address(way.kind, way.slug))
