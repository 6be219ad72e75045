"""`manage campaign SLUG`: how far a campaign is; with --issue, bills everybody here and now, and shows it."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from toguna.engines.ledger import api as ledger
from toguna.kernel import money
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.campaigns import actions
from toguna.services.revenue.models import Campaign


class Command(BaseCommand):
    help = "Says how far a campaign is, and goes on with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="such as patente-2026; without it, all are listed")
        parser.add_argument("--issue", action="store_true", help="bill everybody, or the rest")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["slug"]:
            for each in Campaign.objects.select_related("base"):
                self._say(each)
            return
        found = Campaign.objects.filter(slug=options["slug"]).first()
        if found is None:
            raise CommandError(f"no campaign {options['slug']}: see the list with `manage campaign`")
        row = found
        if options["issue"]:
            try:
                actions.start(row.pk, by=SYSTEM)
                began = time.monotonic()
                while actions.issue_piece(row.pk):
                    row.refresh_from_db()
                    self._say(row)
                self.stderr.write(f"{time.monotonic() - began:.1f} s")
            except (ledger.Refused, actions.Refused) as error:
                raise CommandError(str(error)) from error
        row.refresh_from_db()
        self._say(row)
        for why, lacking, count in actions.why_left_out(row):
            self.stdout.write(f"  {count} {why} {lacking}")

    def _say(self, row: Campaign) -> None:
        things = row.simulated.get("things", 0)
        self.stdout.write(
            f"{row.slug}: {row.get_state_display()}, {row.priced} / {things}, {row.issued} = {money.shown(row.amount, plain=True)},"
            f" {row.exempt} + {row.unpriced}"
        )
        self.stdout.flush()
