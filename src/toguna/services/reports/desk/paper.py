"""Reports on paper: one whole, or a list. The drawings are in `typst/`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toguna.kernel import paper

_DRAWINGS = Path(__file__).parent / "typst"


def case_file(
    *,
    title: str,
    code: str,
    words: str,
    facts: Sequence[tuple[str, str]],
    photos: Sequence[tuple[str, Path]],
    heading: str,
    history: Sequence[tuple[str, str, str, str]],
) -> bytes:
    """One report. photos: (what it shows, a JPEG file); history: (when, what, who, words)."""
    about = {"title": title, "code": code, "words": words, "facts": facts, "heading": heading, "history": history}
    return _drawn("case.typ", about, photos)


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A list, on as many landscape pages as it takes."""
    return _drawn("table.typ", {"title": title, "headings": headings, "rows": rows}, [])


def _drawn(drawing: str, about: dict[str, Any], photos: Sequence[tuple[str, Path]]) -> bytes:
    files = {f"{n}.jpg": path for n, (_title, path) in enumerate(photos)}
    shown = [[title, f"{n}.jpg"] for n, (title, _path) in enumerate(photos)]
    return paper.drawn(_DRAWINGS / drawing, {**about, "photos": shown}, files)
