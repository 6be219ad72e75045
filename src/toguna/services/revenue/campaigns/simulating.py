"""What a tariff brings from the register as it is, and what another would: nothing is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from toguna.services.revenue.campaigns import sweep
from toguna.services.revenue.models import Base

# How much more or less in percent, from (without) to (with): the classes of the histogram. None: without end.
CLASSES = ((None, -50), (-50, -25), (-25, -10), (-10, 0), (0, 0), (0, 10), (10, 25), (25, 50), (50, 100), (100, None))
MOST_SHOWN = 15


@dataclass
class Simulated:
    """things: how many are taxed; priced, free: how many of them have a price, and cost nothing; now, then: what all pay together, minor
    units; more, less: how many things would cost more, less. zones: [zone, things, now, then]; classes: how many things in each of
    CLASSES, those that cost nothing now and something then in the last; rises: [code, words, now, then], the largest first; lacking:
    [measure, how many] that cannot be priced by the second tariff ("": too much to be true)."""

    things: int = 0
    priced: int = 0
    free: int = 0
    now: int = 0
    then: int = 0
    more: int = 0
    less: int = 0
    zones: list[list[Any]] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    rises: list[list[Any]] = field(default_factory=list)
    lacking: list[list[Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def difference(self) -> int:
        return self.then - self.now


def scaled(rule: Mapping[str, Any], percent: int) -> dict[str, Any]:
    """The rule with every price at that percentage of what it is, to the smallest coin, half upwards."""

    def at(amount: Any) -> Any:
        if isinstance(amount, int):
            return (2 * amount * percent + 100) // 200
        return str(Decimal(str(amount)) * percent / 100)

    made = dict(rule)
    for name in ("amount", "least", "most"):
        if made.get(name) is not None:
            made[name] = at(made[name])
    if made.get("price") is not None:
        made["price"] = str(Decimal(str(made["price"])) * percent / 100)
    if made.get("bands"):
        made["bands"] = [[upto, at(each)] for upto, each in made["bands"]]
    return made


def count(base: Base, day: date, zone: int | None = None, market: int | None = None) -> int:
    """How many things are taxed for it on a day, in a zone, at a market or everywhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({sweep._THINGS}) t",
            {
                "times": "{}",
                "base": base.pk,
                "day": day,
                "after": 0,
                "most": None,
                **sweep.within(base.pk, zone, market),
            },
        )
        return int(cursor.fetchone()[0])


_CLASS = """CASE WHEN change < -50 THEN 0 WHEN change < -25 THEN 1 WHEN change < -10 THEN 2 WHEN change < 0 THEN 3 WHEN change = 0 THEN 4
    WHEN change <= 10 THEN 5 WHEN change <= 25 THEN 6 WHEN change <= 50 THEN 7 WHEN change <= 100 THEN 8 ELSE 9 END"""


@transaction.atomic
def simulate(
    base: Base,
    rule: Mapping[str, Any],
    other: Mapping[str, Any] | None,
    *,
    day: date,
    times: Mapping[str, str],
    zone: int | None = None,
    market: int | None = None,
) -> Simulated:
    """What one rule gives over the whole register, and another (the same, without one). Temporary tables only."""
    found = Simulated()
    where: dict[str, Any] = {
        "base": base.pk,
        "day": day,
        "times": json.dumps(dict(times)),
        "zone": zone,
        "market": market,
    }
    first = sweep.things(rule, words="", **where)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(f"CREATE TEMPORARY TABLE revenue_now ON COMMIT DROP AS {first.select}", first.values)
        if other is None:
            cursor.execute(
                "CREATE TEMPORARY TABLE revenue_trial ON COMMIT DROP AS SELECT thing, code, said, zone, total AS now, total AS later, lacking FROM revenue_now"
            )
        else:
            second = sweep.things(other, words="", **where)
            cursor.execute(f"CREATE TEMPORARY TABLE revenue_then ON COMMIT DROP AS {second.select}", second.values)
            cursor.execute(
                "CREATE TEMPORARY TABLE revenue_trial ON COMMIT DROP AS SELECT n.thing, n.code, n.said, n.zone, n.total AS now, t.total AS later, t.lacking"
                " FROM revenue_now n JOIN revenue_then t USING (thing)"
            )
            cursor.execute("DROP TABLE revenue_then")
        cursor.execute(
            "SELECT count(*), count(later), count(*) FILTER (WHERE later = 0), COALESCE(sum(now), 0)::bigint, COALESCE(sum(later), 0)::bigint,"
            " count(*) FILTER (WHERE later > now), count(*) FILTER (WHERE later < now) FROM revenue_trial"
        )
        found.things, found.priced, found.free, found.now, found.then, found.more, found.less = cursor.fetchone()
        cursor.execute(
            "SELECT zone, count(*), COALESCE(sum(now), 0)::bigint, COALESCE(sum(later), 0)::bigint FROM revenue_trial GROUP BY zone ORDER BY zone"
        )
        found.zones = [list(row) for row in cursor.fetchall()]
        cursor.execute(
            f"SELECT {_CLASS}, count(*) FROM (SELECT CASE WHEN now > 0 THEN 100.0 * (later - now) / now WHEN later > 0 THEN 1000 ELSE 0 END AS change"
            " FROM revenue_trial WHERE now IS NOT NULL AND later IS NOT NULL) c GROUP BY 1"
        )
        counted = dict(cursor.fetchall())
        found.classes = [counted.get(n, 0) for n in range(len(CLASSES))]
        cursor.execute(
            "SELECT code, said, now::bigint, later::bigint FROM revenue_trial WHERE later > now ORDER BY later - now DESC, code LIMIT %s",
            [MOST_SHOWN],
        )
        found.rises = [list(row) for row in cursor.fetchall()]
        cursor.execute(
            "SELECT lacking, count(*) FROM revenue_trial WHERE lacking IS NOT NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
        )
        found.lacking = [list(row) for row in cursor.fetchall()]
        cursor.execute("DROP TABLE revenue_now; DROP TABLE revenue_trial")
    return found
