"""Static files with hashed names, compressed once, kept by browsers for a year."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from toguna.kernel import places

KEPT_DAYS = 60


def kept(suffix: str, data: bytes, make: Callable[[bytes], bytes]) -> bytes:
    """make(data), done once for the same bytes: compressing the map library takes 10 s, and a change of the style sheet
    must not cost that again. On the disk before it has its name, so that a power cut leaves no half file to be believed."""
    path = places.home() / "compressed" / f"{hashlib.sha256(data).hexdigest()}.{suffix}"
    try:
        found = path.read_bytes()
        os.utime(path)
        return found
    except FileNotFoundError:
        pass
    made = make(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own each time: the same bytes under two names are compressed at the same moment by two threads.
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    return made


def sweep() -> None:
    """Forgets what no file has asked for in a while."""
    for path in (places.home() / "compressed").glob("*"):
        if time.time() - path.stat().st_mtime > KEPT_DAYS * 86_400:
            path.unlink(missing_ok=True)


class Keeping(Compressor):  # type: ignore[misc] # whitenoise has no types
    @staticmethod
    def compress_gzip(data: bytes) -> bytes:
        return kept("gz", data, Compressor.compress_gzip)

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return kept("br", data, Compressor.compress_brotli)


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # A page must not fail because a browser library could not be fetched at set-up: the plain name is served instead.
    manifest_strict = False

    def create_compressor(self, **options: Any) -> Keeping:
        sweep()
        return Keeping(**options)

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        try:
            return str(super().hashed_name(name, content, filename))
        except ValueError:
            return name
