"""Prices of many things by one statement are those of one thing by `pricing`: amounts, words, and what cannot be priced."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from toguna.engines.ledger.apportioning import shares
from toguna.engines.ledger.tariffs import pricing, setwise

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
PERCENTS = {3: 150, 4: 33, 5: 0}


@st.composite
def rules(draw):
    kind = draw(st.sampled_from(pricing.TYPES))
    uptos = sorted(draw(st.sets(st.decimals(0, 400, places=1), min_size=1, max_size=4)))
    prices = [
        draw(st.integers(0, 90_000)) if kind == "band" else str(draw(st.decimals(0, 900, places=2))) for _ in range(5)
    ]
    bands = [[str(upto), each] for upto, each in zip(uptos, prices, strict=False)]
    if draw(st.booleans()):
        bands.append([None, prices[-1]])
    rule = {
        "type": kind,
        "amount": draw(st.integers(0, 90_000)),
        "by": "m2",
        "price": str(draw(st.decimals(0, 900, places=2))),
        "bands": bands,
    }
    for name, top in (("least", 4000), ("round", 500)):
        if draw(st.booleans()):
            rule[name] = draw(st.integers(0, top))
    if draw(st.booleans()):
        rule["most"] = draw(st.integers(4000, 90_000))
    if draw(st.booleans()):
        rule["times"] = "mois"
    if draw(st.booleans()):
        rule["zones"] = {str(zone): percent for zone, percent in PERCENTS.items()}
    if draw(st.booleans()):
        rule["exemptions"] = [
            {"code": "veuve", "words": {"fr": "Veuve 100 %"}, "percent": draw(st.integers(1, 100))},
            {"code": "ecole", "percent": 100},
        ]
    return rule


MEASURES = st.one_of(
    st.decimals(0, 500, places=2).map(str), st.integers(0, 2000), st.floats(0, 500), st.just("12,5"), st.just(" 1\u202f200 "), st.just("7e1"),
    st.sampled_from(["", "abc", "-1", "NaN", "1e99", "12;5", "-0", ".5", "5.", True, None, "1e10", "1.2.3", "Infinity"]),
)  # fmt: skip
THINGS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["m2", "mois"]), MEASURES), st.sampled_from([None, 3, 4, 5, 9]), st.sampled_from(["", "veuve", "ecole", "x"])
    ),
    min_size=1,
    max_size=25,
)  # fmt: skip


@FEW
@given(rules(), THINGS, st.sampled_from(["XOF", "GHS"]), st.sampled_from(["fr", "en"]))
@example({"type": "flat", "amount": 500, "times": "mois"}, [({"mois": "-0"}, None, "")], "XOF", "fr")
def test_the_statement_and_the_program_never_differ(db, rule, things, currency, language):
    with translation.override(language):
        _never_differ(rule, things, currency)


def test_a_measure_is_written_as_people_write_it(db):
    with translation.override("fr"):
        (line,) = pricing.quote({"type": "unit", "by": "m2", "price": 750}, {"m2": "4.5"}, "XOF", words="Étal").lines
    assert line.words.replace("\xa0", " ") == "Étal : 4,5 m² × 750 FCFA"


def _never_differ(rule, things, currency):
    priced = setwise.sql(
        rule, "SELECT * FROM jsonb_to_recordset(%(things)s::jsonb) AS t(n int, measures jsonb, zone bigint, exemption text)", currency,
        words="Étal 100 %", percents=PERCENTS if rule.get("zones") else {},
    )  # fmt: skip
    sent = [{"n": n, "measures": m, "zone": zone, "exemption": one} for n, (m, zone, one) in enumerate(things)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({priced.select}) p ORDER BY n", {**priced.values, "things": json.dumps(sent)})
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row, (measures, zone, exemption) in zip(rows, things, strict=True):
        try:
            quote = pricing.quote(
                rule, measures, currency, words="Étal 100 %", zones=[zone] if zone else [], exemptions=[exemption]
            )
        except pricing.Missing as missing:
            assert row["lacking"] == missing.name, (rule, measures)
            continue
        assert row["lacking"] is None, (rule, measures)
        totals = [int(row[f"t{n}"]) for n in range(1, priced.stages + 1)]
        lines = [(row["w1"], totals[0])]
        for n in range(1, priced.stages):
            if totals[n] != totals[n - 1]:
                lines.append((row[f"w{n + 1}"], totals[n] - totals[n - 1]))
        assert lines == [(line.words, line.amount) for line in quote.lines]


def test_what_is_too_large_to_be_true_is_not_priced(db):
    priced = setwise.sql(
        {"type": "unit", "by": "m2", "price": 10**12},
        """SELECT '{"m2": "900000000"}'::jsonb AS measures, 1 AS zone, '' AS exemption""",
        "XOF",
        words="x",
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT lacking, t1 FROM ({priced.select}) p", priced.values)
        assert cursor.fetchone() == ("", None)


@FEW
@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.lists(st.integers(1, 9), min_size=1, max_size=6)), min_size=1, max_size=20
    )
)
def test_heirs_get_what_the_program_gives_them_and_it_sums_to_the_franc(db, things):
    sent = [
        {"thing": n, "total": total, "weight": weight, "weights": sum(weights), "number": number}
        for n, (total, weights) in enumerate(things)
        for number, weight in enumerate(weights)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT thing, number, {setwise.shared('total')} FROM jsonb_to_recordset(%s::jsonb)"
            " AS t(thing int, total numeric, weight bigint, weights bigint, number int) ORDER BY thing, number",
            [json.dumps(sent)],
        )
        rows = cursor.fetchall()
    for n, (total, weights) in enumerate(things):
        parts = [int(part) for thing, _number, part in rows if thing == n]
        assert parts == shares(total, [Fraction(weight) for weight in weights]) and sum(parts) == total


def test_a_rule_that_is_none_is_refused():
    with pytest.raises(pricing.BadRule):
        setwise.sql({"type": "magic"}, "x", "XOF", words="")
