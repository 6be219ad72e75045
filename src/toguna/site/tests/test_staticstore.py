"""Compressed once for the same bytes, and again when they change."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import brotli
import pytest

from toguna.site import staticstore


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(staticstore.places, "home", lambda: tmp_path)
    return tmp_path


def test_the_same_bytes_are_compressed_once(home, monkeypatch):
    data, made = b"a { color: red } " * 100, []
    real = staticstore.Compressor.compress_brotli
    monkeypatch.setattr(staticstore.Compressor, "compress_brotli", staticmethod(lambda d: made.append(d) or real(d)))
    for _ in range(3):
        assert brotli.decompress(staticstore.Keeping.compress_brotli(data)) == data
    assert len(made) == 1
    staticstore.Keeping.compress_brotli(data + b" ")
    assert len(made) == 2 and not list(home.glob("compressed/*.part"))


def test_the_same_bytes_under_many_names_at_once(home):
    """As collectstatic does it, in threads."""
    together = threading.Barrier(8)

    def slowly(data: bytes) -> bytes:
        together.wait(60)  # none has found what another kept
        return data

    for turn in range(10):
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _n, data=b"%d" % turn: staticstore.kept("br", data, slowly), range(8)))
        assert set(made) == {b"%d" % turn}
    assert len(list(home.glob("compressed/*"))) == 10


def test_what_nobody_asks_for_is_forgotten(home):
    for data in (b"old", b"new"):
        staticstore.kept("br", data, lambda d: d)
    old = next(p for p in home.glob("compressed/*") if p.read_bytes() == b"old")
    past = time.time() - (staticstore.KEPT_DAYS + 1) * 86_400
    os.utime(old, (past, past))
    staticstore.sweep()
    assert [p.read_bytes() for p in home.glob("compressed/*")] == [b"new"]
