"""The procedures that a town of French-speaking West Africa starts with, as data: what is told, asked, decided and written.

`forms.csv` has a row for each question, with XLSForm's types and a column for each language; a row `@NAME` puts in a block
that several forms share. `more` holds the rest, between semicolons: "optional", "relevant:...", "constraint:...",
"message:fr|pt|en", "calculation:...", "prefill:...", "appearance:...", "default:...".
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from toguna.kernel.text import Words

HERE = Path(__file__).parent
LANGUAGES = ("fr", "pt", "en")


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _words(row: dict[str, str]) -> Words:
    return {language: row[language] for language in LANGUAGES if row.get(language)}


def procedures() -> list[dict[str, Any]]:
    """What `procedures.toml` says, in its order."""
    with (HERE / "procedures.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["procedure"]
    return found


@cache
def workflows() -> dict[str, dict[str, Any]]:
    """The patterns by which a request is decided, by name: definitions of workflows with their "titles", in which the fee and
    the document are still to be named ("paper")."""
    found: dict[str, dict[str, Any]] = json.loads((HERE / "workflows.json").read_text(encoding="utf-8"))
    return found


def papers() -> dict[str, dict[str, Any]]:
    """{template's name: {"prefix", "title", "words", "fields"}} (see `documents.save_template`)."""
    with (HERE / "papers.toml").open("rb") as file:
        return tomllib.load(file)


def written() -> dict[str, dict[str, Any]]:
    """{procedure's slug: {"pattern", "facts", "register", "entry"}}: by which workflow, and what is written of the answers."""
    with (HERE / "written.toml").open("rb") as file:
        return tomllib.load(file)


def forms() -> dict[str, dict[str, Any]]:
    """{procedure's slug: the definition of its form}"""
    titles = {p["slug"]: p["names"] for p in procedures()}
    lists: dict[str, list[dict[str, Any]]] = {}
    for row in _rows("choices.csv"):
        lists.setdefault(row["list"], []).append({"name": row["name"], "label": _words(row)})
    rows: dict[str, list[dict[str, str]]] = {}
    for row in _rows("forms.csv"):
        rows.setdefault(row["form"], []).append(row)
    made = {}
    for slug, own in rows.items():
        if slug.startswith("@"):
            continue
        items: list[dict[str, Any]] = []
        open_blocks = [items]
        for row in own:
            for inner in rows[row["type"]] if row["type"].startswith("@") else [row]:
                kind = inner["type"]
                if kind.startswith("end_"):
                    open_blocks.pop()
                    continue
                item = _item(inner)
                open_blocks[-1].append(item)
                if kind.startswith("begin_"):
                    item["items"] = []
                    open_blocks.append(item["items"])
        used = {item["list"] for item in _walk(items) if "list" in item}
        made[slug] = {
            "name": slug, "titles": titles[slug], "languages": list(LANGUAGES), "items": items,
            "choices": {name: lists[name] for name in sorted(used)}, "settings": {},
        }  # fmt: skip
    return made


def _walk(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield item
        yield from _walk(item.get("items", []))


def _item(row: dict[str, str]) -> dict[str, Any]:
    kind, _space, of = row["type"].partition(" ")
    item: dict[str, Any] = {"name": row["name"], "kind": kind.removeprefix("begin_")}
    if words := _words(row):
        item["label"] = words
    if of:
        item["list"] = of
    for part in filter(None, row["more"].split(";")):
        key, _colon, value = part.partition(":")
        if key == "message":
            item["constraint_message"] = dict(zip(LANGUAGES, value.split("|"), strict=True))
        else:
            item[key] = value
    optional = item.pop("optional", None) is not None
    if not optional and item["kind"] not in ("group", "repeat", "note", "calculate"):
        item["required"] = True
    return item
