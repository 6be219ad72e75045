"""What came with messages and is no text: whole letters and pictures, kept under the digest of their bytes, never served as
files: a view looks at who asks."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection
from pathlib import Path

from django.conf import settings

KEEP = 180 * 86400  # seconds, as long as messages


def root() -> Path:
    return Path(settings.MEDIA_ROOT) / "post"


def path(name: str) -> Path:
    """Where a kept file is. Raises ValueError for what is no such name."""
    if not re.fullmatch(r"[0-9a-f]{64}", name):
        raise ValueError(name)
    return root() / name[:2] / name


def keep(data: bytes) -> str:
    """Keeps bytes on the disk, whole or not at all, before it returns. The same bytes are kept once. Gives their name."""
    name = hashlib.sha256(data).hexdigest()
    place = path(name)
    if place.is_file():
        os.utime(place)
        return name
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}.part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place)
    shelf = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(shelf)  # its name too
    finally:
        os.close(shelf)
    return name


def drop(names: Collection[str]) -> None:
    """Deletes what has these names."""
    for name in names:
        path(name).unlink(missing_ok=True)


def forget_old(*, kept: Collection[str] = ()) -> None:
    """Deletes what is older than messages are kept, but for the names in `kept`."""
    before = time.time() - KEEP
    for place in root().glob("*/*"):
        if place.name not in kept and place.stat().st_mtime < before:
            place.unlink(missing_ok=True)
