"""The questions of a category as a form without JavaScript: rows are added, moved and removed by buttons that send the whole
form; nothing is kept before "Save". A row is what `cases` keeps of a question, with all its languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from toguna.engines.cases import api as cases
from toguna.kernel import text
from toguna.services.reports.setup.forms import languages

Row = dict[str, Any]
MOST_VALUES = 20


def read(post: Mapping[str, str]) -> list[Row]:
    """Fields are q0-kind, q0-label-fr, q0-v2-name-fr..."""
    rows = []
    for n in range(_count(post, "q{}-kind", cases.MOST_QUESTIONS + 1)):
        start = f"q{n}-"
        row: Row = {
            "name": text.clean(post.get(f"{start}name", ""))[:40],
            "kind": post.get(f"{start}kind", ""),
            "label": _words(post, f"{start}label"),
            "help": _words(post, f"{start}help"),
            "required": f"{start}required" in post,
        }
        values = [
            {
                "key": text.clean(post.get(f"{start}v{m}-key", ""))[:40],
                "name": _words(post, f"{start}v{m}-name"),
                "stop": _words(post, f"{start}v{m}-stop"),
            }
            for m in range(_count(post, start + "v{}-key", MOST_VALUES + 1))
        ]
        if values:
            row["values"] = values
        rows.append(row)
    return rows


def _count(post: Mapping[str, str], pattern: str, most: int) -> int:
    return next((n for n in range(most) if pattern.format(n) not in post), most)


def _words(post: Mapping[str, str], start: str) -> dict[str, str]:
    given = {code: text.clean(post.get(f"{start}-{code}", ""))[:500] for code, _name in languages()}
    return {code: words for code, words in given.items() if words}


def press(rows: list[Row], button: str) -> list[Row]:
    """What a button does: add, remove-1, up-1, down-1, more-1 (a choice), less-1-2. One that is not there does nothing."""
    verb, *numbers = button.split("-")
    places = [int(n) for n in numbers if n.isdecimal() and len(n) < 4]
    if verb == "add" and len(rows) < cases.MOST_QUESTIONS:
        return [*rows, {"kind": "string"}]
    if not places or places[0] >= len(rows):
        return rows
    n = places[0]
    values: list[Row] = list(rows[n].get("values", []))
    match verb:
        case "remove":
            return rows[:n] + rows[n + 1 :]
        case "up" if n > 0:
            return [*rows[: n - 1], rows[n], rows[n - 1], *rows[n + 1 :]]
        case "down" if n + 1 < len(rows):
            return [*rows[:n], rows[n + 1], rows[n], *rows[n + 2 :]]
        case "more" if len(values) < MOST_VALUES:
            values.append({})
        case "less" if len(places) == 2 and places[1] < len(values):
            del values[places[1]]
    return [*rows[:n], {**rows[n], "values": values}, *rows[n + 1 :]]


def finished(rows: list[Row]) -> list[Row]:
    """As they are kept: with short names made of the words where none was given, and choices only where the kind has some."""
    done: list[Row] = []
    for row in rows:
        name = row["name"] or _free(
            text.pick(row["label"]), {r["name"] for r in rows} | {r["name"] for r in done}, "question"
        )
        kept = {key: value for key, value in {**row, "name": name}.items() if value not in ({}, [], False)}
        kept.pop("values", None)
        if row["kind"] in cases.QUESTION_LISTS:
            values: list[Row] = []
            for value in row.get("values", []):
                taken = {v["key"] for v in row["values"]} | {v["key"] for v in values}
                key = value["key"] or _free(text.pick(value["name"]), taken, "choice")
                values.append({k: v for k, v in {**value, "key": key}.items() if v})
            kept["values"] = values
        done.append(kept)
    return done


def _free(words: str, taken: set[str], otherwise: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", text.fold(words)).strip("_")[:30].strip("_")
    if not stem[:1].isalpha():
        stem = f"{otherwise}_{stem}".strip("_")
    return next(name for n in range(1, len(taken) + 2) if (name := stem if n == 1 else f"{stem}_{n}") not in taken)


def shown(rows: list[Row]) -> list[Row]:
    """For the template: each with its number and one field for each language."""

    def fields(name: str, words: Mapping[str, str] | None) -> list[tuple[str, str, str, str]]:
        return [(f"{name}-{code}", code, language, (words or {}).get(code, "")) for code, language in languages()]

    return [
        {
            "n": n,
            "name": row.get("name", ""),
            "kind": row.get("kind", ""),
            "required": row.get("required", False),
            "title": text.pick(row.get("label")),
            "labels": fields(f"q{n}-label", row.get("label")),
            "helps": fields(f"q{n}-help", row.get("help")),
            "list": row.get("kind") in cases.QUESTION_LISTS,
            "values": [
                {
                    "m": m,
                    "key": value.get("key", ""),
                    "names": fields(f"q{n}-v{m}-name", value.get("name")),
                    "stops": fields(f"q{n}-v{m}-stop", value.get("stop")),
                }
                for m, value in enumerate(row.get("values", []))
            ],
        }
        for n, row in enumerate(rows)
    ]
