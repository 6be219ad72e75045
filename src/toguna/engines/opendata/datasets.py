"""What a service publishes: a dataset is a query, its columns in words, and a licence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

# Licences that may be declared: SPDX id -> (name, address). A dataset without one cannot be reused by anybody.
LICENCES = {
    "ODbL-1.0": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "CC-BY-4.0": ("Creative Commons Attribution 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    "CC0-1.0": ("Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "ODC-By-1.0": ("Open Data Commons Attribution 1.0", "https://opendatacommons.org/licenses/by/1-0/"),
}
Type = Literal["string", "integer", "number", "boolean", "date", "datetime"]


@dataclass(frozen=True)
class Column:
    """name: as in the query; type: as in Table Schema; title: lazy text for people."""

    name: str
    type: Type
    title: Any


@dataclass(frozen=True)
class Dataset(Declaration):
    """sql: a SELECT of the columns, in order, then (when `geometry`) a geometry in EPSG:4326 called geom; with its own
    ORDER BY. It must hold no personal data. params: values for its placeholders."""

    name: str
    title: Any
    description: Any
    licence: str
    columns: tuple[Column, ...]
    sql: str
    geometry: bool = False
    params: tuple[Any, ...] = ()
    keywords: tuple[str, ...] = field(default=())
    attribution: str = ""

    def problems(self) -> Iterator[str]:
        if self.licence not in LICENCES:
            yield f"the licence {self.licence!r} is none of {', '.join(LICENCES)}"
        if not self.columns:
            yield "it has no columns"
        for column in self.columns:
            if not column.title:
                yield f"column {column.name!r} has no title"
        if "order by" not in self.sql.lower():
            yield "its query has no ORDER BY: two downloads would differ"


@dataclass(frozen=True)
class DatasetSource(Declaration):
    """For datasets that are the town's data (a layer, say): `datasets()` gives those of the moment."""

    name: str
    datasets: Callable[[], Sequence[Dataset]]


def catalogue() -> list[Dataset]:
    """Every dataset, declared or from a source, by name."""
    found = [
        *registry.declared(Dataset),
        *(d for source in registry.declared(DatasetSource) for d in source.datasets()),
    ]
    return sorted(found, key=lambda d: d.name)


def dataset(name: str) -> Dataset | None:
    return next((d for d in catalogue() if d.name == name), None)
