"""PDF by Typst: no browser, no system library, a few hundredths of a second a page. The drawings are in `typst/`; what
people typed comes to them as data, never as markup."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import get_language

from toguna.kernel import town

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
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)  # Typst reads nothing outside it
        shutil.copy(_DRAWINGS / drawing, folder / "main.typ")
        shown = []
        for n, (title, path) in enumerate(photos):
            shutil.copy(path, folder / f"{n}.jpg")
            shown.append([title, f"{n}.jpg"])
        data = {
            **about,
            "photos": shown,
            "town": town.current().name,
            "language": (get_language() or "fr").split("-")[0],
        }
        (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
        return bytes(typst.compile(str(folder / "main.typ"), root=str(folder), format="pdf"))
