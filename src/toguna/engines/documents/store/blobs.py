"""Content on disk, each once, named by its SHA-256. Power may fail at any line: what has a name is whole."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction

from toguna.engines.documents.models.store import FileVersion
from toguna.kernel import turns

_BLOCK = 1 << 18
_OLD = 24 * 3600  # seconds after which a temporary file or a content without a row is one that a failure left


class TooLarge(Exception):
    pass


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "documents"


def path(sha256: str) -> Path:
    return _folder() / sha256[:2] / sha256


@contextmanager
def received(stream: IO[bytes], largest: int) -> Iterator[tuple[Path, str, int]]:
    """(temporary file, its SHA-256, bytes); it is gone at the end unless `place` gave it its name. Raises TooLarge."""
    folder = _folder() / "new"
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as out:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > largest:
                    raise TooLarge
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        yield Path(name), digest.hexdigest(), size
    finally:
        Path(name).unlink(missing_ok=True)


def _alone(sha256: str) -> None:
    """Until the end of the transaction nobody else places or drops this content."""
    turns.one_at_a_time(f"documents.blob {sha256}")


def place(temporary: Path, sha256: str) -> None:
    """Gives the content its name, on disk before it returns. In the transaction that writes its row."""
    _alone(sha256)
    final = path(sha256)
    if final.exists():
        return
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary.rename(final)
    for folder in (final.parent, final.parent.parent):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@transaction.atomic
def drop(sha256: str) -> bool:
    """Removes the content when no row needs it."""
    _alone(sha256)
    if FileVersion.objects.filter(sha256=sha256).exists() or not path(sha256).exists():
        return False
    path(sha256).unlink()
    return True


def sweep() -> int:
    """Removes what failures left: a day old, and no row needs it. Returns how many."""
    before, removed = time.time() - _OLD, 0
    for found in _folder().glob("*/*"):
        try:
            if found.stat().st_mtime >= before:
                continue
            if found.parent.name == "new":
                found.unlink()
                removed += 1
            else:
                removed += drop(found.name)
        except FileNotFoundError:  # its own keeper was quicker
            continue
    return removed
