"""`manage compile_texts`: every room's .po becomes a .mo, where it is older or missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

import toguna
from toguna.kernel import catalogues


class Command(BaseCommand):
    help = "Compiles the translations that changed."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for source in catalogues.compile_stale(Path(toguna.__file__).parent):
            self.stdout.write(f"{source.parents[3].name} {source.parents[1].name}")
