"""What kinds of things stand in a town, from `data/kinds.csv`: OSM's tags, our kind, its pictogram, how well known it is,
and its words in three languages."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toguna.kernel import text


@dataclass(frozen=True)
class Kind:
    """weight: 0 to 100, how likely people are to name it as a landmark."""

    kind: str
    icon: str
    weight: int
    names: dict[str, str]

    @property
    def name(self) -> str:
        return text.pick(self.names)


@cache
def table() -> dict[tuple[str, str], Kind]:
    """{(OSM key, value or "*"): Kind}, in the order of the file: the first that fits counts."""
    with (Path(__file__).parent / "data" / "kinds.csv").open(encoding="utf-8", newline="") as file:
        return {
            (r["key"], r["value"]): Kind(r["kind"], r["icon"], int(r["weight"]), {c: r[c] for c in ("fr", "pt", "en")})
            for r in csv.DictReader(file)
        }


@cache
def kinds() -> dict[str, Kind]:
    """{kind: Kind}; where several tags share a kind, the first."""
    found: dict[str, Kind] = {}
    for kind in table().values():
        found.setdefault(kind.kind, kind)
    return found


def kind(name: str) -> Kind | None:
    return kinds().get(name)


_KEYS = frozenset(
    [
        "amenity",
        "healthcare",
        "man_made",
        "highway",
        "tourism",
        "historic",
        "leisure",
        "railway",
        "aeroway",
        "landuse",
        "power",
        "office",
        "shop",
        "craft",
    ]
)


def of_tags(tags: dict[str, str]) -> Kind | None:
    """The kind of a facility with these OSM tags, or None."""
    if _KEYS.isdisjoint(tags):
        return None
    known = table()
    for key in ("amenity", "healthcare", "man_made", "highway", "tourism", "historic", "leisure", "railway", "aeroway",
                "landuse", "power", "office", "shop", "craft"):  # fmt: skip
        if (value := tags.get(key)) and (found := known.get((key, value))):
            return found
    for key in ("office", "shop", "craft", "healthcare", "amenity", "tourism"):
        if key in tags and (found := known.get((key, "*"))):
            return found
    return None
