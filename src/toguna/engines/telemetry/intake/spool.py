"""What came, on the disk before anybody is told that it was taken: the database may be away for a day.

Each process writes files of its own, `TIME-PID-N.spool` in the home folder's telemetry/spool: records in the order in which
they came, each with its length and a checksum, so that one half written when the power went is seen and left out. One
process at a time loads them (a lock), all files together, by the time of arrival. How far each file is loaded stands in the database,
written in the transaction that loaded it: whatever is cut, nothing is lost and nothing comes twice.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import math
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from toguna.kernel import places

log = logging.getLogger(__name__)
HEAD = struct.Struct("<II")  # length of the body, its CRC-32
MOST = 1_000_000  # bytes of one message
LONGEST = MOST + 1000  # of one record, with its head: beyond, it is no record of ours
SEGMENT = 16_000_000  # bytes of one file
TOGETHER = 1 << 18  # bytes read in one go
SPARED = 300_000_000  # bytes of the disk that are not ours: with none left, the database could not come back to take what waits


@dataclass(slots=True)
class Record:
    """One message as it came. received: seconds since 1970; form: how `body` is to be read (see `believing.FORMS`); proof: "" or what
    proves it: "key:..." as it was shown, "sig:..." beside the body, "door" when the door knows itself who it is."""

    received: float
    door: str
    code: str
    form: str
    proof: str
    body: bytes

    def packed(self) -> bytes:
        head = f"{self.received!r}\t{self.door}\t{self.code}\t{self.form}\t{self.proof}\n".encode()
        body = (head + self.body)[:LONGEST]  # whatever was said, it can be read again: what stands behind it is others'
        return HEAD.pack(len(body), zlib.crc32(body)) + body


def _unpacked(body: bytes) -> Record:
    head, _line, rest = body.partition(b"\n")
    received, door, code, form, proof = head.decode().split("\t")
    return Record(float(received), door, code, form, proof, rest)


def folder() -> Path:
    return places.home() / "telemetry" / "spool"


class Writer:
    """This process's own file. Safe from several threads; `put` returns when it is on the disk."""

    def __init__(self, where: Path | None = None) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._size, self._number, self._pid = 0, 0, 0

    def put(self, records: Iterable[Record]) -> None:
        """All of them, or OSError (a full disk) and none is promised."""
        data = b"".join(record.packed() for record in records)
        if not data:
            return
        with self._lock:
            file = self._open()
            if room(file.fileno()) < len(data):
                raise OSError(errno.ENOSPC, "the spool has no room left")
            try:
                file.write(data)
                file.flush()
                os.fdatasync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), self._size)
                self._close()
                raise
            self._size += len(data)
            if self._size > SEGMENT:
                self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        """Whatever is left in its buffer was promised to nobody: on a full disk it cannot be written, and the next file begins anew."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _open(self) -> IO[bytes]:
        where = self._where or folder()
        if self._file is not None and self._pid == os.getpid():
            # One that was loaded to its end while nothing came was taken away (see `clear`): a file without a name keeps nothing.
            try:
                if os.fstat(self._file.fileno()).st_nlink:
                    return self._file
            except OSError:
                pass
        self._close()
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._number += 1
        self._pid = os.getpid()
        name = f"{time.time_ns():020d}-{self._pid}-{self._number}.spool"
        descriptor = os.open(where / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # a file that nobody holds may be taken away when it is loaded
        _sync(where)
        self._file, self._size = os.fdopen(descriptor, "wb"), 0
        return self._file


def _sync(where: Path) -> None:
    """A new name is on the disk too."""
    descriptor = os.open(where, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reader:
    """A file of the spool from an offset on. unreadable: what stands after `offset` is more than the end of a write that was cut."""

    def __init__(self, path: Path, offset: int) -> None:
        self.name, self.path, self.offset = path.name, path, offset
        self.unreadable = False

    def records(self) -> Iterator[tuple[Record, int]]:
        """(record, offset after it); ends where the file does, or where what follows is not whole."""
        self.unreadable = False
        rest = b""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while data := file.read(TOGETHER):
                data = rest + data if rest else data
                at, end = 0, len(data)
                while end - at >= HEAD.size:
                    length, check = HEAD.unpack_from(data, at)
                    stop = at + HEAD.size + length
                    if stop > end and length <= LONGEST:
                        break
                    body = data[at + HEAD.size : stop]
                    if not 0 < length <= LONGEST or zlib.crc32(body) != check:
                        # Where the power went there are zeros to the end, or one record that is not whole.
                        left = data[at:] + file.read()
                        self.unreadable = bool(left.strip(b"\0")) and (
                            length > LONGEST or len(left) > HEAD.size + length
                        )
                        return
                    self.offset += HEAD.size + length
                    at = stop
                    yield _unpacked(body), self.offset
                rest = data[at:]


def files(where: Path | None = None) -> list[Path]:
    try:
        return sorted((where or folder()).glob("*.spool"))
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def draining(wait: float = 0, where: Path | None = None) -> Iterator[bool]:
    """Whether this process is the one that loads now."""
    at = where or folder()
    at.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (at / "lock").open("w") as lock:
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(0.01)
        yield True


def clear(path: Path, offset: int) -> bool:
    """Takes a file away that is loaded to its end and that no process writes to any more; one that cannot be read to its end is
    put aside as `.bad`, for somebody to look at."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            reader = Reader(path, offset)
            # What follows the last whole record was cut by the power, and nobody was told that it was taken.
            if os.fstat(file.fileno()).st_size > offset and any(True for _one in reader.records()):
                return False
            if reader.unreadable:
                log.error("%s cannot be read from byte %d on: it is put aside", path.name, reader.offset)
                path.rename(path.with_suffix(".bad"))
            else:
                path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def waiting(loaded: Mapping[str, int] | None = None, where: Path | None = None) -> tuple[int, float | None]:
    """(bytes that are not in the database yet, when the first of them came). loaded: how far each file is, as `SpoolMark` says."""
    total, since = 0, None
    for path in files(where):
        start = (loaded or {}).get(path.name, 0)
        with contextlib.suppress(FileNotFoundError):
            if (first := next(Reader(path, start).records(), None)) is not None:
                total += path.stat().st_size - start
                since = min(since or math.inf, first[0].received)
    return total, since


def room(where: Path | int | None = None) -> int:
    """Bytes that may still be written."""
    disk = os.statvfs(folder() if where is None else where)
    return max(0, disk.f_bavail * disk.f_frsize - SPARED)


def bad(where: Path | None = None) -> list[Path]:
    """Files that could not be read to their end."""
    return sorted((where or folder()).glob("*.bad"))
