"""Acts named in a text: "l'arrêté municipal n° 2023-014 du 3 mars 2023", "deliberação n.º 14/2023", "by-law 2023-014"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from toguna.engines.documents.models.library import Kind


class Key(NamedTuple):
    """What an act is called: number as it is compared, no zeros in front."""

    kind: str
    year: int
    number: str


# How each kind is called in a text, in our three languages, with and without accents.
_NAMES = {
    Kind.BYLAW: r"arr[êe]t[ée]s?|by-?laws?|posturas?",
    Kind.DELIBERATION: r"d[ée]lib[ée]rations?|delibera[çc](?:[ãa]o|[õo]es)|resolutions?",
    Kind.DECISION: r"d[ée]cisions?|decis(?:[ãa]o|[õo]es)|despachos?",
    Kind.REGULATION: r"r[èe]glements?|regulamentos?|regulations?",
    Kind.DECREE: r"d[ée]crets?|decretos?|decrees?",
}
_KIND = "|".join(f"(?P<{kind.value}>{words})" for kind, words in _NAMES.items())
_SIGN = r"(?:n\s?[°ºo]\s?\.?|n\.\s?[°ºo]|nos?\.?|nr\.?|number)\s?"
_DIGITS = r"(?:(?P<year>(?:19|20)\d\d)\s?[-–/]\s?(?P<number>\d{1,5}(?:-(?:bis|ter))?)|(?P<number2>\d{1,5})\s?/\s?(?P<year2>(?:19|20)\d\d))"
_CITED = re.compile(rf"\b(?:{_KIND})(?:(?:\s+[^\W\d_]+){{0,3}}?\s+{_SIGN}|\s+){_DIGITS}(?![\w])", re.IGNORECASE)
_ASKED = re.compile(rf"^\s*(?:(?:{_KIND})\s*)?(?:[^\W\d_]+\s+){{0,2}}?(?:{_SIGN})?{_DIGITS}\s*$", re.IGNORECASE)

SERIAL = re.compile(r"\d{1,5}(?:-(?:bis|ter))?", re.IGNORECASE)  # a number without its year

# Words by which an act says that it changes another.
CHANGING = re.compile(
    r"\b(?:abrog|modifi|remplac|compl[ée]t|supprim|rapport[ée]|revog|alter|substitu|aditad|repeal|amend|replac|remov)",
    re.IGNORECASE,
)


def number(typed: str) -> str:
    """A number as it is kept and compared: "014" is "14"."""
    return typed.strip().lower().lstrip("0") or "0"


def _key(match: re.Match[str]) -> tuple[str, int, str]:
    kind = next((kind.value for kind in _NAMES if match[kind.value]), "")
    return kind, int(match["year"] or match["year2"]), number(match["number"] or match["number2"])


def cited(words: str) -> Iterator[tuple[int, int, Key]]:
    """Where in the words acts are named: (from, to, which)."""
    for match in _CITED.finditer(words):
        yield match.start(), match.end(), Key(*_key(match))


def asked(words: str) -> tuple[str, int, str] | None:
    """(kind or "", year, number) when the words are nothing but what an act is called: "arrêté n° 14/2023", "2023-014"."""
    match = _ASKED.match(words[:80])
    return _key(match) if match else None
