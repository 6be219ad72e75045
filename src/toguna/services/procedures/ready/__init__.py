"""The procedures that a town of French-speaking West Africa starts with, as data."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def procedures() -> list[dict[str, Any]]:
    """What `procedures.toml` says, in its order."""
    with (HERE / "procedures.toml").open("rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)["procedure"]
    return found


def papers() -> dict[str, dict[str, Any]]:
    """{template's name: {"prefix", "title", "words", "fields"}} (see `documents.save_template`)."""
    with (HERE / "papers.toml").open("rb") as file:
        return tomllib.load(file)
