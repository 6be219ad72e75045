"""Translations: .po files are the source; the .mo files that gettext reads are made from them when they are older."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def compile_stale(root: Path) -> Iterator[Path]:
    """Compiles every `locale/*/LC_MESSAGES/*.po` below a folder that changed; yields each. Needs no gettext installed."""
    stale = [po for po in sorted(root.rglob("locale/*/LC_MESSAGES/*.po")) if _is_stale(po)]
    if not stale:
        return
    from babel.messages.mofile import write_mo  # only when there is work: each command starts through here
    from babel.messages.pofile import read_po

    for source in stale:
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parent.parent.name, domain=source.stem)
        temporary = source.with_suffix(f".mo.{os.getpid()}")
        with temporary.open("wb") as file:
            write_mo(file, catalog)
        temporary.replace(source.with_suffix(".mo"))
        yield source


def _is_stale(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime < source.stat().st_mtime
