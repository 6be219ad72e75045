"""Text as a telephone network carries it: GSM 03.38, 7 bits a character, else UCS-2 at more than twice the price.

The alphabet is 3GPP TS 23.038 § 6.2.1 and its extension table; lengths are TS 23.040 § 9.2.3.24.1: a part of a long message
loses 6 octets to its header.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
EXTENDED = "\f^{}\\[~]|€"  # two septets each: an escape, then the character

_BASIC, _EXTENDED = frozenset(BASIC), frozenset(EXTENDED)
# What typography and number formatting put in texts, and a plain equivalent that costs one septet.
_PLAIN = {
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\u2002": " ", "\u2003": " ", "\t": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "", "\u200e": "", "\u200f": "",
    "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "−": "-", "‑": "-", "‐": "-", "…": "...", "•": "-", "·": "-", "×": "x", "²": "2", "³": "3",
    "œ": "oe", "Œ": "OE", "ŋ": "ng", "Ŋ": "NG", "ɓ": "b", "Ɓ": "B", "ɗ": "d", "Ɗ": "D", "ɛ": "e", "Ɛ": "E",
    "ɔ": "o", "Ɔ": "O", "ɲ": "ny", "Ɲ": "NY", "ƴ": "y", "Ƴ": "Y", "ç": "c", "º": "o", "ª": "a", "°": "o", "№": "no",
}  # fmt: skip


def normalise(text: str) -> str:
    """The same words in the GSM alphabet wherever that loses nothing but ornament: a narrow no-break space becomes a space,
    ê becomes e (é, è, à, ù have their place in the alphabet and stay). Text in another script is left as it is."""
    made = []
    for character in unicodedata.normalize("NFC", text.replace("\r\n", "\n")):
        if character in _BASIC or character in _EXTENDED:
            made.append(character)
        elif character in _PLAIN:
            made.append(_PLAIN[character])
        else:
            bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
            made.append(bare if bare and all(c in _BASIC for c in bare) else character)
    return "".join(made)


def is_one(text: str) -> bool:
    """Whether these words go out as one SMS."""
    return size(normalise(text)).parts == 1


@dataclass(frozen=True)
class Size:
    """What a text costs. alphabet: "GSM" or "UCS-2"; units: septets, or 16-bit units; parts: messages that are billed."""

    alphabet: str
    units: int
    parts: int


@lru_cache(2048)  # a campaign says the same to everybody
def size(text: str) -> Size:
    """The cost of a text as it is (see `normalise`). No character is cut in two between parts."""
    if all(c in _BASIC or c in _EXTENDED for c in text):
        return _size("GSM", [2 if c in _EXTENDED else 1 for c in text], alone=160, part=153)
    return _size("UCS-2", [2 if ord(c) > 0xFFFF else 1 for c in text], alone=70, part=67)


def _size(alphabet: str, widths: list[int], *, alone: int, part: int) -> Size:
    units = sum(widths)
    if units <= alone:
        return Size(alphabet, units, 1)
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return Size(alphabet, units, parts)
