"""What a service counts: a measure is a query by zone and month, and the words that say what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db import connection

from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Measure(Declaration):
    """sql: SELECT zone_id, month (date, its first day), numerator, denominator ... for `month >= %(since)s`, grouped by
    zone and month; zone_id may be null; days are those of the town's time zone. kind: "count" shows the numerator;
    "ratio" shows numerator / denominator in percent; "mean" shows numerator / denominator in `unit`. Zones add up by
    numerator and denominator, so a district's ratio is right and so is the town's.

    better: which way is good. settles: for how many full months a month's figure still moves (a report of last month is
    solved today); such months are drawn pale and left out of the trend. permission: "" for everyone.
    """

    name: str
    title: Any
    method: Any
    sql: str
    kind: Literal["count", "ratio", "mean"] = "count"
    unit: Any = ""
    better: Literal["up", "down", ""] = ""
    permission: str = ""
    order: int = 100
    icon: str = "figures"
    settles: int = 0

    def problems(self) -> Iterator[str]:
        if "%(since)s" not in self.sql:
            yield "its query does not read %(since)s: each refresh would read everything"
        if not self.method:
            yield "it does not say how it is counted"

    def value(self, numerator: float, denominator: float) -> float | None:
        """What is shown; None when there is nothing to divide by."""
        if self.kind == "count":
            return numerator
        if not denominator:
            return None
        return numerator / denominator * (100 if self.kind == "ratio" else 1)

    @property
    def shown_unit(self) -> str:
        return "%" if self.kind == "ratio" else str(self.unit)

    def trial(self) -> None:
        """Counts everything and keeps nothing: fails where the query does not give what it must."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT zone_id, month, numerator, denominator FROM ({self.sql}) q", {"since": date(1970, 1, 1)}
            )
            for _zone, month, _numerator, denominator in cursor:
                assert month.day == 1, f"{self.name}: {month} is not the first day of a month"
                assert self.kind == "count" or denominator is not None, f"{self.name}: no denominator"
