"""The same prices as `pricing.quote`, of many things by one statement: a rule becomes SQL, with the words of each line.

What it gives is held equal to `pricing` by a property test: whoever changes one changes the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from toguna.engines.ledger.tariffs import pricing
from toguna.kernel import money, text

LARGE = 10**15  # minor units: above it a measure is wrong, not the price


@dataclass(frozen=True)
class Pricing:
    """select: SELECT everything of the source, then `lacking` (the measure that is missing or no number, "" when it is too large to be
    true, else null) and t1, w1, t2, w2...: the total after each line, in minor units, and its words. stages: how many lines; values:
    for the statement's placeholders. A line that changes nothing is left out, but the first."""

    select: str
    stages: int
    values: dict[str, Any]


class _Values:
    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def __call__(self, value: Any, cast: str) -> str:
        name = f"price{len(self.given)}"
        self.given[name] = value
        return f"%({name})s::{cast}"


def _number(source: str) -> str:
    """What people typed as a number, null where it is none: as `pricing.number`."""
    plain = f"btrim(translate({source}, ',' || U&'\\202F\\00A0' || ' ', '.'), E' \\t\\r\\n')"
    is_one = f"{plain} ~ '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{{1,2}})?$'"
    return f"CASE WHEN {is_one} THEN {plain}::numeric END"


def _plain(value: str) -> str:
    """As `pricing._plain`."""
    mark = pricing.point().replace("'", "''")
    return f"replace(trim_scale({value})::text, '.', '{mark}')"


def rounded(value: str, to: int = 1) -> str:
    """To a multiple, half upwards, exactly: no division is rounded before."""
    return f"(div(2 * ({value}) + {to}, {2 * to}) * {to})"


def sql(
    rule: Mapping[str, Any], source: str, currency: str, *, words: str, percents: Mapping[int, int] | None = None,
    language: str | None = None,
) -> Pricing:  # fmt: skip
    """source: a SELECT (or a name) with measures (jsonb), zone (bigint) and exemption (text). percents: {zone: percent}, of each zone
    that has one, its own or of a zone around it. Raises BadRule."""
    pricing.check(rule)
    put = _Values()
    by, times, to = str(rule.get("by") or ""), str(rule.get("times") or ""), int(rule.get("round") or 1) or 1
    asked = {"m_by": by, "m_times": times}
    read = [
        f"{_number('(s.measures->>' + put(name, 'text') + ')')} AS {column}" for column, name in asked.items() if name
    ]
    lacks = "".join(
        f" WHEN NOT coalesce({column} BETWEEN 0 AND {int(pricing.LARGEST)}, false) THEN {put(name, 'text')}"
        for column, name in asked.items()
        if name
    )
    value, said, beyond = _base(rule, by, currency, put)
    if beyond:
        lacks += f" WHEN {beyond} THEN {put(by, 'text')}"
    if times:
        value = f"({value}) * m_times"
        said = f"{said} || ' × ' || {_plain('m_times')} || {put(f' {pricing.unit(times)}', 'text')}"
    inner = f"SELECT s.*{''.join(f', {one}' for one in read)} FROM ({source}) s"
    inner = f"SELECT r.*, {f'CASE{lacks} END' if lacks else 'NULL::text'} AS bad FROM ({inner}) r"
    inner = f"SELECT r.*, CASE WHEN bad IS NULL THEN {value} END AS raw FROM ({inner}) r"
    inner = f"SELECT r.*, CASE WHEN raw > {LARGE} THEN '' ELSE bad END AS lacking FROM ({inner}) r"
    first = f"left({put(pricing.lead(words), 'text')} || {said}, 200)"
    inner = f"SELECT r.*, CASE WHEN lacking IS NULL THEN {rounded('raw', to)} END AS t1, CASE WHEN lacking IS NULL THEN {first} END AS w1 FROM ({inner}) r"
    stage = 1

    def then(total: str, line: str) -> None:
        nonlocal inner, stage
        stage += 1
        inner = f"SELECT r.*, {total.format(t=f't{stage - 1}')} AS t{stage}, {line} AS w{stage} FROM ({inner}) r"

    if rates := dict(percents or {}):
        lookup = f"({put(_json(rates), 'jsonb')} ->> zone::text)::int"
        inner = f"SELECT r.*, {lookup} AS rate FROM ({inner}) r"
        # As `rounded`, of a hundredth.
        changed = f"(div(2 * {{t}} * rate + {100 * to}, {200 * to}) * {to})"
        zone = put(_("zone: %(percent)d %%").replace("%(percent)d", "\x01").replace("%%", "%"), "text")
        then(
            f"CASE WHEN rate IS NULL OR rate = 100 THEN {{t}} ELSE {changed} END",
            f"replace({zone}, chr(1), rate::text)",
        )
    for name, kept in (("least", "greatest"), ("most", "least")):
        if rule.get(name) is not None:
            title = _("at least") if name == "least" else _("at most")
            bound = int(rule[name])
            then(
                f"CASE WHEN {{t}} IS NOT NULL THEN {kept}({{t}}, {bound}) END",
                put(f"{title} {money.shown(bound, currency)}", "text"),
            )
    for one in rule.get("exemptions") or []:
        percent = int(one["percent"])
        title = text.pick(one.get("words") or {"": one["code"]}, language)
        cut = f"least({{t}}, div(2 * {{t}} * {percent} + 100, 200))"
        then(
            f"CASE WHEN exemption = {put(str(one['code']), 'text')} THEN {{t}} - {cut} ELSE {{t}} END",
            put(f"{title} (−{percent} %)"[:200], "text"),
        )
    return Pricing(inner, stage, put.given)


def _json(rates: Mapping[int, int]) -> str:
    return "{" + ", ".join(f'"{zone}": {percent}' for zone, percent in rates.items()) + "}"


def _base(rule: Mapping[str, Any], by: str, currency: str, put: _Values) -> tuple[str, str, str]:
    """(minor units, how it is made, what is beyond the act), as expressions of m_by."""
    kind, bands = rule["type"], rule.get("bands") or []
    if kind == "flat":
        amount = int(rule["amount"])
        return f"{amount}::numeric", put(money.shown(amount, currency), "text"), ""
    unit = put(f" {pricing.unit(by)}", "text")
    if kind == "unit":
        price = pricing._price(rule["price"])
        said = f"{_plain('m_by')} || {unit} || {put(f' × {pricing._shown(price, currency)}', 'text')}"
        return f"m_by * {put(price, 'numeric')}", said, ""
    last = None if bands[-1][0] is None else pricing._price(bands[-1][0])
    beyond = "" if last is None else f"m_by > {put(last, 'numeric')}"
    if kind == "band":
        cases, words = "", ""
        for upto, amount in bands:
            when = "true" if upto is None else f"m_by <= {put(pricing._price(upto), 'numeric')}"
            cases += f" WHEN {when} THEN {int(amount)}::numeric"
            words += f" WHEN {when} THEN {put(f' → {money.shown(int(amount), currency)}', 'text')}"
        return f"CASE{cases} END", f"{_plain('m_by')} || {unit} || CASE{words} END", beyond
    sums, parts, before = ["0::numeric"], [], Decimal(0)
    for upto, each in bands:
        end = None if upto is None else pricing._price(upto)
        if end is not None and end <= before:
            continue
        price, start = pricing._price(each), put(before, "numeric")
        here = f"(m_by - {start})" if end is None else f"(least(m_by, {put(end, 'numeric')}) - {start})"
        sums.append(f"CASE WHEN m_by > {start} THEN {here} * {put(price, 'numeric')} ELSE 0 END")
        shown = put(f" × {pricing._shown(price, currency)}", "text")
        parts.append(f"CASE WHEN m_by > {start} THEN {_plain(here)} || {unit} || {shown} END")
        before = before if end is None else end
    said = (
        f"coalesce(nullif(concat_ws(' + ', {', '.join(parts)}), ''), {put(f'0 {pricing.unit(by)}', 'text')})"
        if parts
        else put(f"0 {pricing.unit(by)}", "text")
    )
    return " + ".join(sums), said, beyond


def shared(total: str, weight: str = "weight", of: str = "weights", rank: str = "number") -> str:
    """A total (0 or more) divided exactly, as `apportioning.shares`: an expression over rows of a partition by `thing` with whole
    weights, `weights` their sum and `number` their order, all of which must be there."""
    low = f"div(({total}) * {weight}, {of})"
    rest = f"mod(({total}) * {weight}, {of})"
    left = f"(({total}) - sum({low}) OVER (PARTITION BY thing))"
    place = f"row_number() OVER (PARTITION BY thing ORDER BY {rest} DESC, {rank})"
    return f"({low} + CASE WHEN {place} <= {left} THEN 1 ELSE 0 END)"
