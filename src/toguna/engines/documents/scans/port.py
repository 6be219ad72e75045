"""What other rooms may say of scans: a barcode that is theirs. And what this room needs of the machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO

from toguna.kernel import town
from toguna.kernel.manifest import Declaration

TESSERACT = {"fr": "fra", "pt": "por", "en": "eng"}
INSTALL = "sudo apt install tesseract-ocr tesseract-ocr-fra tesseract-ocr-por tesseract-ocr-eng tesseract-ocr-osd ghostscript unpaper"


@dataclass(frozen=True)
class ScanReader(Declaration):
    """Pages that begin with a barcode of this pattern belong to another room: receive(what it says, the PDF) takes them and
    says where they went, in words; what it raises leaves them to a clerk. The same pages may come again."""

    name: str
    pattern: re.Pattern[str]
    receive: Callable[[str, IO[bytes]], str]

    def problems(self) -> Iterator[str]:
        if not self.pattern.pattern:
            yield "its pattern takes every barcode"


@cache
def _tesseract() -> tuple[str, ...]:
    if not shutil.which("tesseract"):
        return ()
    said = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, timeout=20, check=False)
    return tuple(said.stdout.split()[1:])


def languages() -> list[str]:
    """Those of the town that Tesseract knows here, as it names them."""
    there = set(_tesseract())
    wanted = [TESSERACT[code] for code in town.current().languages if code in TESSERACT]
    return [name for name in wanted if name in there]


def missing() -> str:
    """The command that installs what reading needs and is not there; "" when all is."""
    whole = languages() and shutil.which("gs")
    return "" if whole else INSTALL
