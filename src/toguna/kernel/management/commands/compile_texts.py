"""`manage compile_texts`: every room's .po becomes a .mo, where it is older or missing. Needs no gettext installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.core.management.base import BaseCommand

import toguna


class Command(BaseCommand):
    help = "Compiles the translations that changed."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for source in sorted(Path(toguna.__file__).parent.rglob("locale/*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            with source.open("rb") as file:
                catalog = read_po(file, locale=source.parent.parent.name, domain=source.stem)
            temporary = target.with_suffix(".mo.tmp")
            with temporary.open("wb") as file:
                write_mo(file, catalog)
            temporary.replace(target)
            self.stdout.write(f"{source.parent.parent.parent.parent.name} {source.parent.parent.name}")
