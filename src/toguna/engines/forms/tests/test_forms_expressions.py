"""Expressions: what they are worth, what they refuse, and that nothing anybody writes breaks them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.forms import definition, expressions, plan, values
from toguna.engines.forms.scalars import string

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


def form(*items: dict[str, Any], **more: Any) -> definition.Definition:
    """A form of these items: {"name": ..., "kind": ...}, a text when the kind is not said."""
    return definition.read({"name": "f", "items": [{"kind": "text", **item} for item in items], **more})


def worth(expression: str, answers: dict[str, Any] | None = None, *items: dict[str, Any], **more: Any) -> str:
    made = form(*items, {"name": "result", "kind": "calculate", "calculation": expression}, **more)
    assert not list(plan.problems(made))
    return str(values.evaluate(made, answers or {}, now=NOW, language="fr").answers.get("result", ""))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("0.1 + 0.2", "0.3"),
        ("-2 + 5", "3"),
        ("2 - -3", "5"),
        ("7 div 2", "3.5"),
        ("-7 mod 3", "-1"),
        ("1 div 0", ""),
        ("'a' + 1", ""),
        ("1 < 2 and 2 < 1 or 3 >= 3", "true"),
        ("'b' = 'b'", "true"),
        ("1 = '1'", "true"),
        ("'' = 0", "false"),
        ("if(1 > 2, 'yes', 'no')", "no"),
        ("coalesce('', 'second')", "second"),
        ("concat('a', 1, 'b')", "a1b"),
        ("join('-', 'a', 'b')", "a-b"),
        ("string-length('été')", "3"),
        ("substr('abcdef', 1, 3)", "bc"),
        ("contains('mairie', 'air')", "true"),
        ("starts-with('mairie', 'mai')", "true"),
        ("ends-with('mairie', 'rie')", "true"),
        ("normalize-space('  a   b ')", "a b"),
        ("translate('2026', '0123456789', 'abcdefghij')", "cacg"),
        ("regex('226 70', '[0-9 ]+')", "true"),
        ("regex('226x', '[0-9]+')", "false"),
        ("round(2.5)", "3"),
        ("round(1.005, 2)", "1.01"),
        ("int(-2.7)", "-2"),
        ("pow(2, 10)", "1024"),
        ("selected('a b c', 'b')", "true"),
        ("selected-at('a b c', 1)", "b"),
        ("selected-at('a b c', 9)", ""),
        ("count-selected('a b c')", "3"),
        ("min(3, 1, 2)", "1"),
        ("max(3, '', 2)", "3"),
        ("today()", "2026-11-23"),
        ("today() - 1", "20779"),
        ("date(today() - 1)", "2026-11-22"),
        ("date('2026-11-23') - date('2026-02-28')", "268"),
        ("format-date('2026-11-03', '%e %b %Y')", "3 nov. 2026"),
        ("format-date-time(now(), '%H h %M')", "14 h 30"),
        ("decimal-time('06:00')", "0.25"),
        ("decimal-date-time('1970-01-02T12:00:00')", "1.5"),
        ("boolean-from-string('1')", "true"),
        ("digest('abc', 'MD5', 'hex')", "900150983cd24fb0d6963f7d28e17f72"),
        ("checklist(1, 2, true(), false(), true())", "true"),
        ("distance('0 0 0 0; 0 1 0 0')", "111195.08"),
        ("round(area('0 0 0 0; 0 1 0 0; 1 1 0 0; 1 0 0 0') div 1000000)", "12364"),
    ],
)
def test_an_expression_is_worth(expression: str, expected: str) -> None:
    assert worth(expression) == expected


def test_answers_are_read_by_name_and_what_is_missing_is_empty() -> None:
    asked = ({"name": "age", "kind": "integer"}, {"name": "price", "kind": "decimal"})
    assert worth("${age} + 1", {"age": 41}, *asked) == "42"
    assert worth("${age} > 18", {}, *asked) == "false"
    assert worth("${age} = ''", {}, *asked) == "true"
    assert worth("${price} * 3", {"price": "0.10"}, *asked) == "0.3"
    assert worth("${price} = 12.5", {"price": "12.50"}, *asked) == "true"


def test_repeats_are_summed_counted_and_read_by_rank() -> None:
    children = {"name": "children", "kind": "repeat", "items": [
        {"name": "name", "kind": "text"},
        {"name": "age", "kind": "integer"},
        {"name": "rank", "kind": "calculate", "calculation": "position(..)"},
        {"name": "older", "kind": "calculate", "calculation": "${age} + 1"},
        {"name": "before", "kind": "calculate", "calculation": "indexed-repeat(${name}, ${children}, position(..) - 1)"},
    ]}  # fmt: skip
    answers = {"children": [{"name": "Awa", "age": 3}, {"name": "Bio"}, {"name": "Cira", "age": 9}]}
    assert worth("sum(${age})", answers, children) == "12"
    assert worth("count(${children})", answers, children) == "3"
    assert worth("count(${children}[${age} > 5])", answers, children) == "1"
    assert worth("max(${older})", answers, children) == "10"
    assert worth("join(', ', ${name})", answers, children) == "Awa, Bio, Cira"
    assert worth("indexed-repeat(${name}, ${children}, 3)", answers, children) == "Cira"
    filled = values.evaluate(form(children), answers, now=NOW)
    assert [row["rank"] for row in filled.answers["children"]] == ["1", "2", "3"]
    assert [row.get("before", "") for row in filled.answers["children"]] == ["", "Awa", "Bio"]


def test_the_words_of_a_choice() -> None:
    lists = {"sexes": [{"name": "f", "label": {"fr": "Féminin", "en": "Female"}, "more": {"code": "2"}}]}
    asked = {"name": "sex", "kind": "select_one", "list": "sexes"}
    assert worth("jr:choice-name(${sex}, '${sex}')", {"sex": "f"}, asked, choices=lists) == "Féminin"
    assert worth("instance('sexes')/root/item[name = ${sex}]/code", {"sex": "f"}, asked, choices=lists) == "2"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("${nobody} > 1", "nobody"),
        ("age > 1", "${age}"),
        ("nothing(1)", "nothing"),
        ("pulldata('a', 'b', 'c', 'd')", "pulldata"),
        ("substr('a')", "too few"),
        ("(1 + 2", ")"),
        ("1 +", "too early"),
        ("1 2", "one too many"),
        ("regex(${age}, '(a+)+$')", "too long"),
        ("__import__('os')", "__import__"),
        ("#", "#"),
    ],
)
def test_what_is_wrong_is_said(expression: str, said: str) -> None:
    made = form({"name": "age", "kind": "integer"}, {"name": "q", "relevant": expression})
    (problem,) = plan.problems(made)
    assert said in problem
    assert "“q”" in problem


def test_a_circle_is_found() -> None:
    rows = [{"name": a, "kind": "calculate", "calculation": f"${{{b}}} + 1"} for a, b in ("ab", "bc", "ca")]
    (problem,) = plan.problems(form(*rows))
    assert "“a” → “b” → “c” → “a”" in problem


def test_the_order_of_the_questions_does_not_matter() -> None:
    made = form(
        {"name": "total", "kind": "calculate", "calculation": "${half} * 2"},
        {"name": "half", "kind": "calculate", "calculation": "${given} div 2"},
        {"name": "given", "kind": "integer"},
    )
    assert values.evaluate(made, {"given": 7}, now=NOW).answers["total"] == "7"


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        made = expressions.compile(text)
    except expressions.BadExpression:
        return
    filled = values.evaluate(form({"name": "q"}), {}, now=NOW)
    string(made(filled.at(("q",))))


PARTS = st.sampled_from(
    [
        "1",
        "0",
        "-1",
        "2.5",
        "''",
        "'a'",
        "'2026-11-23'",
        "${n}",
        "${t}",
        "${r}",
        "${inner}",
        ".",
        "..",
        "+",
        "-",
        "*",
        "div",
        "mod",
        "=",
        "<",
        ">=",
        "and",
        "or",
        "(",
        ")",
        ",",
        "not(",
        "sum(",
        "checklist(",
        "weighted-checklist(",
        "concat(",
        "round(",
        "date(",
        "selected(",
        "substr(",
        "if(",
        "position(",
        "count(",
        "min(",
        "pow(",
        "[",
        "]",
        "today()",
        "regex(",
        "indexed-repeat(",
    ]
)


@given(st.lists(PARTS, max_size=12))
@settings(max_examples=400)
def test_nothing_made_of_its_words_breaks(parts: list[str]) -> None:
    try:
        made = expressions.compile(" ".join(parts))
    except expressions.BadExpression:
        return
    row = {"name": "inner", "kind": "integer"}
    asked = form({"name": "n", "kind": "integer"}, {"name": "t"}, {"name": "r", "kind": "repeat", "items": [row]})
    filled = values.evaluate(asked, {"n": 3, "t": "x", "r": [{"inner": 1}, {}]}, now=NOW)
    string(made(filled.at(("n",))))
    string(made(filled.at(("r", 1, "inner"))))


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), st.integers(0, 6))
@settings(max_examples=150)
def test_sums_are_exact(a: int, b: int, places: int) -> None:
    x, y = Decimal(a).scaleb(-places), Decimal(b).scaleb(-places)
    assert Decimal(worth(f"{x:f} + {y:f}")) == x + y
    assert (worth(f"{x:f} < {y:f}") == "true") == (x < y)
