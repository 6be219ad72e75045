"""A receipt or a voucher on paper: A5, A6, or a roll of 80 or 58 mm, always the same drawing.

What the printer of a roll cannot write in its own letters (ŋ, ɓ) goes to it as a picture of the same drawing.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.ledger.receipts import spelling
from toguna.kernel import money, paper, town
from toguna.kernel.heavy import Heavy

segno = Heavy("segno")
pdfium = Heavy("pypdfium2")
escpos_printer = Heavy("escpos.printer")

_HERE = Path(__file__).parent
Size = Literal["a5", "a6", "80", "58"]
SIZES: tuple[Size, ...] = ("a5", "a6", "80", "58")
_PAGES = {"a5": (148, 210), "a6": (105, 148)}
_PRINTED = {"80": 72, "58": 48}  # mm that the head reaches; at 8 dots a mm 576 and 384 dots
_LETTERS = {"80": 48, "58": 32}  # characters of font A on a line
_DOTS_A_MM = 8


@dataclass(frozen=True)
class Slip:
    """What stands on a receipt, a voucher or a slip of a deposit, in the reader's words.

    number: as counted; amount: minor units; lines: (words, minor units); facts: (label, words); qr: what its QR says, ""
    for none; address: where it is checked; check: what is said before it; copies: 0 for the first print; void: why it does not count any more."""

    title: str
    number: str
    at: datetime
    amount: int
    currency: str
    place: str = ""
    facts: Sequence[tuple[str, str]] = ()
    lines: Sequence[tuple[str, int]] = ()
    qr: str = ""
    address: str = ""
    check: str = ""
    copies: int = 0
    void: str = ""
    foot: Sequence[str] = ()
    signers: Sequence[str] = field(default=())

    def marks(self) -> list[str]:
        found = []
        if self.void:
            found.append(_("VOID: %(reason)s") % {"reason": self.void})
        if self.copies:
            found.append(_("DUPLICATE no. %(number)d") % {"number": self.copies})
        return found

    def total(self) -> str:
        return money.shown(self.amount, self.currency)

    def spelled(self) -> str:
        said = spelling.amount(self.amount, self.currency, (get_language() or "fr").split("-")[0])
        return said[:1].upper() + said[1:]

    def when(self) -> str:
        return date_format(timezone.localtime(self.at), "SHORT_DATETIME_FORMAT")

    def all_facts(self) -> list[tuple[str, str]]:
        return [(_("On"), self.when()), *self.facts]


def pdf(slip: Slip, size: Size = "a6") -> bytes:
    """About 10 ms of CPU."""
    files: dict[str, Path | bytes] = {}
    if slip.qr:
        made = io.BytesIO()
        # One mask rather than the best of eight: it reads as well, and trying them all costs more than the drawing.
        code = segno.make(slip.qr, error="l", mask=3, micro=False, boost_error=False)
        code.save(made, kind="svg", border=2, omitsize=True, xmldecl=False)
        files["qr.svg"] = made.getvalue()
    data = {
        "width": _PRINTED.get(size, 0),
        "page": _PAGES.get(size, (0, 0)),
        "title": slip.title,
        "number": slip.number,
        "place": slip.place,
        "marks": slip.marks(),
        "facts": slip.all_facts(),
        "lines": [(words, money.shown(amount, slip.currency)) for words, amount in slip.lines],
        "total_words": _("Total"),
        "total": slip.total(),
        "spelled": slip.spelled(),
        "code": bool(slip.qr),
        "check": slip.check or _("Check this receipt:"),
        "address": slip.address,
        "plain": slip.address.removeprefix("https://").removeprefix("http://"),
        "foot": slip.foot,
        "signers": slip.signers,
    }
    return paper.drawn(_HERE / "receipt.typ", data, files)


def picture(slip: Slip, size: Size = "58") -> Any:
    """The roll as a black and white PIL image, as many dots wide as the head has."""
    page = pdfium.PdfDocument(pdf(slip, size))[0]
    grey = page.render(scale=_DOTS_A_MM * 25.4 / 72, grayscale=True).to_pil()
    return grey.point(lambda shade: 255 if shade > 160 else 0).convert("1")  # dithering would blur a QR


# Of the profiles that python-escpos has, one for each width of head; nearly every cheap printer does what these do.
_PROFILES = {"58": "Sunmi-V2", "80": "TM-T20II"}


def _printer(size: Size) -> Any:
    return escpos_printer.Dummy(profile=_PROFILES[size])


def raster(slip: Slip, size: Size = "58") -> bytes:
    """ESC/POS: the whole roll as a picture, in strips, so that printers with little memory keep up."""
    printer = _printer(size)
    image = picture(slip, size)
    printer._raw(b"\x1b@")
    printer.image(image, impl="bitImageRaster", fragment_height=240, center=False)
    printer._raw(b"\n\n\n\n\x1dV\x01")
    return bytes(printer.output)


_WINDOWS = 16  # ESC/POS's number of Windows-1252, which has é, ç, œ and €
_SAID = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u202f": " ", "\xa0": " "})


def legible(slip: Slip) -> bool:
    """Whether a printer can write every letter of it by itself; else its picture is to be sent."""
    whole = " ".join((_plain(slip, 48), slip.title, slip.place, *slip.marks(), *slip.foot, *slip.signers))
    try:
        whole.translate(_SAID).encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _encoded(said: str) -> bytes:
    """Windows-1252; a letter that it lacks is written without its marks (ẹ as e), or as "?"."""
    made = b""
    for letter in said.translate(_SAID):
        try:
            made += letter.encode("cp1252")
        except UnicodeEncodeError:
            made += unicodedata.normalize("NFKD", letter).encode("ascii", "ignore") or b"?"
    return made


def _plain(slip: Slip, width: int) -> str:
    """The roll in letters of one width."""

    def pair(left: str, right: str) -> list[str]:
        left, right = _narrow(left), _narrow(right)
        if len(left) + len(right) < width:
            return [left + " " * (width - len(left) - len(right)) + right]
        rows = _wrapped(left, width)
        if len(rows[-1]) + len(right) < width:
            rows[-1] += " " * (width - len(rows[-1]) - len(right)) + right
            return rows
        return rows + [row.rjust(width) for row in _wrapped(right, width)]

    rule = "-" * width
    rows = [rule]
    for label, said in slip.all_facts():
        rows += pair(label, said)
    rows.append(rule)
    for words, amount in slip.lines:
        rows += pair(words, money.shown(amount, slip.currency))
    rows += [rule, *pair(_("Total"), slip.total()), *_wrapped(_narrow(slip.spelled()), width), rule]
    return "\n".join(rows)


def _narrow(said: str) -> str:
    return re.sub(r"[\s\u202f\xa0]+", " ", said).strip()


def _wrapped(said: str, width: int) -> list[str]:
    rows = [""]
    for word in said.split(" "):
        while len(word) > width:
            rows.append(word[:width])
            word = word[width:]
        if len(rows[-1]) + len(word) + bool(rows[-1]) > width:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + word
    return [row for row in rows if row] or [""]


def letters(slip: Slip, size: Size = "58") -> bytes:
    """ESC/POS: in the printer's own letters (a fifth of the bytes of `raster`, and quick), its QR as a command."""
    width = _LETTERS[size]
    printer = _printer(size)
    printer._raw(b"\x1b@\x1bt" + bytes([_WINDOWS]) + b"\x1ba\x01")
    head = [town.current().name, slip.place]
    for row in head:
        if row:
            printer._raw(_encoded("\n".join(_wrapped(_narrow(row), width)) + "\n"))
    printer._raw(b"\x1bE\x01" + _encoded(f"{_narrow(slip.title)}\n{slip.number}\n"))
    for mark in slip.marks():
        printer._raw(_encoded("\n".join(_wrapped(f"** {_narrow(mark)} **", width)) + "\n"))
    printer._raw(b"\x1bE\x00\x1ba\x00" + _encoded(_plain(slip, width) + "\n"))
    printer._raw(b"\x1ba\x01")
    if slip.qr:
        printer.qr(slip.qr, native=True, size=4 if size == "58" else 5)
        printer._raw(
            b"\n" + _encoded("\n".join(_wrapped(_narrow(slip.check or _("Check this receipt:")), width)) + "\n")
        )
        printer._raw(_encoded("\n".join(_wrapped(slip.address.partition("://")[2], width)) + "\n"))
    for row in slip.foot:
        printer._raw(_encoded("\n".join(_wrapped(_narrow(row), width)) + "\n"))
    for who in slip.signers:
        printer._raw(_encoded(f"\n{who}\n\n\n" + "_" * (width // 2) + "\n"))
    printer._raw(b"\x1ba\x00\n\n\n\n\x1dV\x01")
    return bytes(printer.output)


def stream(slip: Slip, size: Size = "58") -> bytes:
    """ESC/POS in the printer's own letters when it has all of them, else as a picture."""
    return letters(slip, size) if legible(slip) else raster(slip, size)
