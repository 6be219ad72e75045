"""What a service publishes: a dataset is a query, its columns in words, and a licence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection

from toguna.kernel import access, registry
from toguna.kernel.manifest import Declaration

# Licences that may be declared: SPDX id -> (name, address). A dataset without one cannot be reused by anybody.
LICENCES = {
    "ODbL-1.0": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "CC-BY-4.0": ("Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODC-By-1.0": ("Open Data Commons Attribution 1.0", "https://opendatacommons.org/licenses/by/1-0/"),
}
Type = Literal["string", "integer", "number", "boolean", "date", "datetime"]
# Words in a column's name that mean a person; such a column must say how it is masked.
PERSONAL = re.compile(
    r"(^|_)(person|people|reporter|account|contact|phone|msisdn|mobile|e?mail|firstname|lastname|surname|birth|ip|device)(_|$)"
)


@dataclass(frozen=True)
class Column:
    """name: as in the query; type: as in Table Schema; title: lazy text for people; masked: how what is personal in it
    was taken out ("last four digits left out"), required where the name says that it is about a person."""

    name: str
    type: Type
    title: Any
    masked: Any = ""


@dataclass(frozen=True)
class Dataset(Declaration):
    """sql: a SELECT of the columns, in order, then (when `geometry`) a geometry in EPSG:4326 called geom; with its own
    ORDER BY. It must hold no personal data. params: values for its placeholders. version: a cheap SELECT (same
    params) of a value that moves with every change, removals too, so that nobody downloads twice what did not change;
    where it is a moment, it is shown. permission: "" for everyone."""

    name: str
    title: Any
    description: Any
    licence: str
    columns: tuple[Column, ...]
    sql: str
    geometry: bool = False
    params: tuple[Any, ...] = ()
    keywords: tuple[str, ...] = ()
    attribution: str = ""
    version: str = ""
    permission: str = ""

    def problems(self) -> Iterator[str]:
        if not re.fullmatch(r"[a-z0-9_-]+", self.name):
            yield "its name is not of a-z, 0-9, - and _"
        if self.licence not in LICENCES:
            yield f"the licence {self.licence!r} is none of {', '.join(LICENCES)}"
        if not self.columns:
            yield "it has no columns"
        if not self.description:
            yield "it has no description"
        for column in self.columns:
            if not column.title:
                yield f"column {column.name!r} has no title"
            if PERSONAL.search(column.name) and not column.masked:
                yield f"column {column.name!r} looks personal: leave it out, or say in `masked` how it was masked"
        if "order by" not in self.sql.lower():
            yield "its query has no ORDER BY: two downloads would differ"

    def moves(self) -> Any:
        """The value of `version` now; None where none is declared."""
        if not self.version:
            return None
        with connection.cursor() as cursor:
            cursor.execute(self.version, list(self.params) or None)
            row = cursor.fetchone()
        return row[0] if row else None

    def trial(self) -> None:
        """Reads a few rows: fails where the query does not give its columns, or a value is not of the column's type."""
        names = ", ".join(f'"{c.name}"' for c in self.columns)
        extra = ", ST_SRID(geom)" if self.geometry else ""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {names}{extra} FROM ({self.sql}) q LIMIT 20", list(self.params) or None)
            for row in cursor:
                for column, value in zip(self.columns, row, strict=False):
                    assert value is None or isinstance(value, PYTHON[column.type]), (self.name, column.name, value)
                assert not self.geometry or row[-1] in (None, 4326), f"{self.name}: its geometry is not in EPSG:4326"
        assert not self.version or self.moves() is not None, f"{self.name}: its version is nothing"


PYTHON: dict[str, Any] = {
    "string": object,  # anything is written as text: a UUID, a JSON object
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "date": object,
    "datetime": datetime,
}


@dataclass(frozen=True)
class DatasetSource(Declaration):
    """For datasets that are the town's data (a layer, say): `datasets()` gives those of the moment."""

    name: str
    datasets: Callable[[], Sequence[Dataset]]

    def trial(self) -> None:
        for found in self.datasets():
            assert not list(found.problems()), (found.name, list(found.problems()))
            found.trial()


def catalogue(actor: access.Actor) -> list[Dataset]:
    """Every dataset that the actor may have, declared or from a source, by name."""
    found = [
        *registry.declared(Dataset),
        *(d for source in registry.declared(DatasetSource) for d in source.datasets()),
    ]
    # Asking who the actor is costs queries: only where a dataset is not for everyone.
    return sorted(
        (d for d in found if not d.permission or access.can(actor, d.permission, anywhere=True)), key=lambda d: d.name
    )
