"""PDF by Typst: no browser, no system library, a few hundredths of a second a page.

A drawing is a file of Typst that reads `data.json`: what people typed comes to it as data, never as markup.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import get_language

from toguna.kernel import town


@cache
def _fonts() -> typst.Fonts:
    """Looked for once by each process: looking through the system's fonts costs twice the drawing of a page."""
    return typst.Fonts()


def drawn(drawing: Path, data: Mapping[str, Any], files: Mapping[str, Path | bytes] | None = None) -> bytes:
    """The PDF that the drawing makes of the data (JSON-able), with `town` and `language` beside it. files: what it may
    read by name (photos, an SVG), copied or written beside it: Typst sees nothing else of the disk."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(drawing, folder / "main.typ")
        for name, content in (files or {}).items():
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
            else:
                shutil.copy(content, folder / name)
        whole = {"town": town.current().name, "language": (get_language() or "fr").split("-")[0], **data}
        (folder / "data.json").write_text(json.dumps(whole, default=str), encoding="utf-8")
        return bytes(typst.compile(str(folder / "main.typ"), root=str(folder), font_paths=_fonts(), format="pdf"))
