"""Which town this is: `town.toml` in the home folder, a file that the IT person can read and edit."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from toguna.kernel import places

LANGUAGES = ("fr", "pt", "en")


class TownFileError(ValueError):
    """town.toml cannot be read; str() names the file and the line."""


@dataclass(frozen=True)
class Town:
    """name: for people; country: ISO 3166-1 alpha-2; languages: codes, the first is the default; currency: ISO 4217;
    time_zone: IANA; accent: CSS colour #rrggbb; demo: a fictional town, said on every page; foreign_prefixes: "+225"...,
    numbers of other countries to which log-in codes are sent too; codes_an_hour: how many in all, at most."""

    name: str
    country: str = ""
    languages: tuple[str, ...] = LANGUAGES
    currency: str = "XOF"
    time_zone: str = "UTC"
    accent: str = "#c8501e"
    demo: bool = False
    foreign_prefixes: tuple[str, ...] = ()
    codes_an_hour: int = 500


def path() -> Path:
    return places.home() / "town.toml"


@cache
def load() -> Town | None:
    """The town, or None before `toguna init` or `toguna demo`. Raises TownFileError when the file is broken."""
    try:
        raw = path().read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        values = tomllib.loads(raw)["town"]
        lists = {
            "languages": tuple(values.get("languages", LANGUAGES)),
            "foreign_prefixes": tuple(values.get("foreign_prefixes", ())),
        }
        town = Town(**{**values, **lists})
        if not re.fullmatch("#[0-9a-fA-F]{6}", town.accent):
            raise ValueError(f"accent = {town.accent!r} is no colour such as #c8501e")
        for prefix in town.foreign_prefixes:
            if not re.fullmatch(r"\+[1-9][0-9]*", str(prefix)):
                raise ValueError(f"foreign_prefixes: {prefix!r} is no prefix such as +225")
        if not isinstance(town.codes_an_hour, int) or town.codes_an_hour < 1:
            raise ValueError(f"codes_an_hour = {town.codes_an_hour!r} is no number above 0")
        if not town.languages or not set(town.languages) <= set(LANGUAGES):
            raise ValueError(f"languages = {list(town.languages)} are not among {', '.join(LANGUAGES)}")
        return town
    except (ValueError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise TownFileError(f"{path()}: {error}") from error


def current() -> Town:
    """The town, or a nameless one before it is set up, so that pages can say how to set it up."""
    return load() or Town(name="Toguna")


def write(town: Town) -> None:
    """Writes town.toml in one rename, so that a power cut leaves the old or the new file, never half of one."""
    # A JSON string, list, number or boolean is a TOML value too.
    lines = ["[town]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in asdict(town).items())]
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    load.cache_clear()
