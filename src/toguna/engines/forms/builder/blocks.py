"""Ready pages (identity, contact, place...): put into a form as plain questions, under names that are free there."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from functools import cache
from pathlib import Path as File
from typing import Any

from toguna.engines.forms.builder import editing
from toguna.engines.forms.builder.editing import Data, Path


@cache
def _read() -> dict[str, Any]:
    with (File(__file__).parent / "blocks.toml").open("rb") as file:
        return tomllib.load(file)


def offered() -> list[tuple[str, Any]]:
    """(name, {language: title}) of each."""
    return [(block["name"], block["title"]) for block in _read()["block"]]


def insert(data: Data, name: str) -> Path:
    """Puts a ready block at the end of the form, as a page. Raises Missing for one that we do not have."""
    block = next((one for one in _read()["block"] if one["name"] == name), None)
    if block is None:
        raise editing.Missing(name)
    page: Data = {"name": editing.free_name(data, name), "kind": "group", "label": dict(block["title"]), "items": []}
    path = editing.add(data, (), page)
    names: dict[str, str] = {}
    for source in block["items"]:
        row: Data = {"name": editing.free_name(data, source["name"].replace("_", " ")), "kind": source["kind"]}
        names[source["name"]] = row["name"]
        row["label"] = dict(source["label"])
        row |= {key: source[key] for key in ("prefill", "appearance") if key in source}
        if not source.get("optional"):
            row["required"] = True
        if source.get("past"):
            row["constraint"] = ". <= today()"
        if unless := source.get("unless"):
            row["relevant"] = f"${{{names[unless[0]]}}} != '{unless[1]}'"
        if of := source.get("list"):
            row["list"] = _list(data, of)
        editing.add(data, path, row)
    return path


def _list(data: Data, name: str) -> str:
    """The name of that list in the form, put there when it is not: a list of the same name and other choices stays."""
    rows = deepcopy(_read()["lists"][name])
    made, number = name, 2
    while made in data["choices"] and data["choices"][made] != rows:
        made, number = f"{name}_{number}", number + 1
    data["choices"][made] = rows
    return made
