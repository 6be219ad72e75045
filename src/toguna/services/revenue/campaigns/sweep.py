"""Everything that is taxed for one thing, priced and shared among who pays, by one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import translation

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import text, town
from toguna.services.revenue.campaigns import markets

# What is taxed on a day; `after` and `most` cut it into pieces, in the order of their ids.
_THINGS = """
SELECT t.id AS thing, t.code, t.words AS said, t.measures || %(times)s::jsonb AS measures, t.zone_id AS zone, t.exemption
FROM revenue_taxed t
WHERE t.base_id = %(base)s AND t.since <= %(day)s AND (t.until IS NULL OR t.until >= %(day)s) AND t.state <> 'gone' AND t.id > %(after)s
    AND (%(zones)s::bigint[] IS NULL OR t.zone_id = ANY(%(zones)s)) AND (%(only)s::bigint[] IS NULL OR t.id = ANY(%(only)s))
ORDER BY t.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Sweep:
    """A statement with its values. select: a row for each who pays, or for each thing; stages: how many totals it has."""

    select: str
    values: dict[str, Any]
    stages: int


def language() -> str:
    """In which bills of a run are written."""
    return town.current().languages[0]


def percents(rule: Mapping[str, Any]) -> dict[int, int]:
    """{zone: percent} of every zone that has one by the rule: its own, else that of the narrowest around it."""
    rates = rule.get("zones") or {}
    found = {}
    for zone in territory.zones() if rates else ():
        rate = next((rates[str(one)] for one in territory.chain(zone.id) if str(one) in rates), None)
        if rate is not None:
            found[zone.id] = rate
    return found


def within(base: int, zone: int | None, market: int | None) -> dict[str, list[int] | None]:
    """The values of `_THINGS` that say where: in a zone and those in it, at a market, or in the whole town."""
    return {
        "zones": None if zone is None else sorted(territory.zone_tree_ids(zone)),
        "only": None if market is None else markets.things(market, base),
    }


def _priced(
    rule: Mapping[str, Any],
    words: str,
    base: int,
    day: date,
    times: str,
    after: int,
    most: int | None,
    zone: int | None,
    market: int | None,
) -> Sweep:
    with translation.override(language()):
        priced = ledger.setwise.sql(
            rule, _THINGS, town.current().currency, words=words, percents=percents(rule), language=language()
        )
    values = {
        **priced.values,
        "base": base,
        "day": day,
        "times": times,
        "after": after,
        "most": most,
        **within(base, zone, market),
    }
    return Sweep(priced.select, values, priced.stages)


def things(
    rule: Mapping[str, Any],
    *,
    words: str,
    base: int,
    day: date,
    times: str,
    after: int = 0,
    most: int | None = None,
    zone: int | None = None,
    market: int | None = None,
) -> Sweep:
    """A row for each taxed thing: thing, code, said, zone, total, lacking. times: JSON."""
    found = _priced(rule, words, base, day, times, after, most, zone, market)
    return Sweep(
        f"SELECT thing, code, said, zone, t{found.stages} AS total, lacking FROM ({found.select}) p",
        found.values,
        found.stages,
    )


def bills(
    tariff: ledger.Tariff, *, base: int, day: date, times: str, after: int, most: int, zone: int | None = None,
    market: int | None = None,
) -> Sweep:  # fmt: skip
    """A row for each who pays of a taxed thing: thing, code, said, lacking, number, payer (null: nobody), weight, weights, s1, w1,
    s2, w2...: what it comes to after each line, heirs' shares summing to the whole thing's."""
    found = _priced(tariff.rule, text.pick(tariff.titles, language()), base, day, times, after, most, zone, market)
    totals = "".join(
        f", CASE WHEN weights IS NULL OR lacking IS NOT NULL THEN NULL WHEN weight = weights THEN t{n}"
        f" ELSE {ledger.setwise.shared(f't{n}', rank='taxpayer')} END AS s{n}, w{n}"
        for n in range(1, found.stages + 1)
    )
    return Sweep(
        f"""
        SELECT thing, code, said, lacking, number, payer, weight, weights{totals} FROM (
            SELECT p.*, x.id AS taxpayer, x.number, x.payer_id AS payer, h.weight::bigint AS weight,
                sum(h.weight) OVER (PARTITION BY p.thing) AS weights
            FROM ({found.select}) p LEFT JOIN revenue_part h ON h.taxed_id = p.thing LEFT JOIN revenue_taxpayer x ON x.id = h.taxpayer_id
        ) owned
        """,
        found.values,
        found.stages,
    )
