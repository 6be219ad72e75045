"""Answers: what is asked, what is wrong, what is kept, and what people type read as they mean it."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.forms import definition, plan, values
from toguna.engines.forms.definition import Item

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)

HOUSEHOLD: dict[str, Any] = {
    "name": "household",
    "titles": {"fr": "Ménage"},
    "languages": ["fr", "en"],
    "choices": {
        "yesno": [{"name": "yes", "label": {"fr": "Oui"}}, {"name": "no", "label": {"fr": "Non"}}],
        "towns": [
            {"name": "ouaga", "label": {"fr": "Ouagadougou"}, "more": {"land": "bf"}},
            {"name": "bobo", "label": {"fr": "Bobo-Dioulasso"}, "more": {"land": "bf"}},
            {"name": "praia", "label": {"fr": "Praia"}, "more": {"land": "cv"}},
        ],
    },
    "items": [
        {"name": "who", "kind": "text", "label": {"fr": "Nom"}, "required": True, "prefill": "person.name"},
        {"name": "land", "kind": "text", "default": "bf"},
        {"name": "town", "kind": "select_one", "list": "towns", "choice_filter": "land = ${land}"},
        {"name": "on", "kind": "date", "default": "today()", "constraint": ". <= today()",
         "constraint_message": {"fr": "Pas dans le futur."}},
        {"name": "married", "kind": "select_one", "list": "yesno", "required": "${who} != ''"},
        {"name": "spouse", "kind": "group", "relevant": "${married} = 'yes'", "items": [
            {"name": "name", "kind": "text", "required": True, "required_message": {"fr": "Le nom de l’époux ?"}},
            {"name": "age", "kind": "integer", "constraint": ". >= 18"},
        ]},
        {"name": "how_many", "kind": "integer"},
        {"name": "children", "kind": "repeat", "count": "${how_many}", "items": [
            {"name": "name", "kind": "text", "required": True},
            {"name": "small", "kind": "calculate", "calculation": "string-length(${name}) < 4", "relevant": "${name} != ''"},
        ]},
        {"name": "spouse_age", "kind": "calculate", "calculation": "${age} + 1"},
    ],
}  # fmt: skip


@pytest.fixture
def form() -> definition.Definition:
    made = definition.read(HOUSEHOLD)
    assert not list(plan.problems(made))
    return made


def filled(form: definition.Definition, answers: dict[str, Any], **more: Any) -> values.Filled:
    return values.evaluate(form, answers, now=NOW, language="fr", **more)


def test_defaults_and_what_the_town_knows_come_first(form: definition.Definition) -> None:
    fresh = filled(form, {}, fresh=True, facts={"person.name": "Awa Sanou"}).answers
    assert (fresh["who"], fresh["land"], fresh["on"]) == ("Awa Sanou", "bf", "2026-11-23")
    assert filled(form, {"who": "Bio"}, fresh=True, facts={"person.name": "Awa"}).answers["who"] == "Bio"
    assert filled(form, {}).answers == {}


def test_what_is_not_relevant_is_kept_while_typing_and_left_out_at_the_end(form: definition.Definition) -> None:
    answers = {"who": "Awa", "married": "no", "spouse": {"name": "Bio", "age": 12}}
    now = filled(form, answers)
    assert now.answers["spouse"] == {"name": "Bio", "age": 12}
    assert now.final() == {"who": "Awa", "married": "no"}
    assert values.check(form, now) == {}
    assert "spouse_age" not in now.answers
    again = filled(form, {**answers, "married": "yes"})
    assert again.answers["spouse_age"] == "13"
    assert values.check(form, again, language="fr") == {"spouse.age": "This answer is not possible here."}


def test_each_mistake_is_said_where_it_is(form: definition.Definition) -> None:
    answers = {"on": "2027-01-01", "land": "cv", "town": "bobo", "married": "yes", "how_many": 2,
               "children": [{"name": "Awa"}, {}]}  # fmt: skip
    with translation.override("en"):
        said = values.check(form, filled(form, answers), language="fr")
    assert said == {
        "who": "Answer this question.",
        "on": "Pas dans le futur.",
        "town": "Choose among what is offered.",
        "spouse.name": "Le nom de l’époux ?",
        "children.1.name": "Answer this question.",
    }
    page = [form.by_path["who",]]
    assert list(values.check(form, filled(form, answers), only=page)) == ["who"]


def test_a_count_makes_instances_and_hides_those_too_many(form: definition.Definition) -> None:
    three = filled(form, {"how_many": 3, "children": [{"name": "Awa"}]})
    assert three.answers["children"] == [{"name": "Awa", "small": "true"}, {}, {}]
    one = filled(form, {**three.answers, "how_many": 1, "children": [{"name": "Awa"}, {"name": "Bintou"}]})
    assert one.final()["children"] == [{"name": "Awa", "small": "true"}]
    assert one.answers["children"][1]["name"] == "Bintou"


def test_choices_follow_the_answers(form: definition.Definition) -> None:
    def offered(land: str) -> list[str]:
        return [c.name for c in filled(form, {"land": land}).choices(form.by_path["town",], ("town",))]

    assert offered("bf") == ["ouaga", "bobo"]
    assert offered("cv") == ["praia"]
    assert offered("") == []


@pytest.mark.parametrize(
    "answers",
    [
        {"nobody": 1},
        {"who": 3},
        {"how_many": "3"},
        {"how_many": True},
        {"spouse": []},
        {"children": {}},
        {"children": [3]},
        {"children": [{}] * 201},
        {"on": "2026-02-30"},
        {"who": "x" * 10_001},
        [],
    ],
)
def test_what_the_form_does_not_have_is_refused(form: definition.Definition, answers: Any) -> None:
    assert list(values.unknown(form, answers))


def question(kind: str, **more: Any) -> Item:
    return Item(name="q", kind=kind, path=("q",), **more)


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("date", "23/11/2026", "2026-11-23"),
        ("date", "3.1.2026", "2026-01-03"),
        ("date", "2026-11-23", "2026-11-23"),
        ("time", "14h30", "14:30"),
        ("time", "7 h", "07:00"),
        ("dateTime", "23/11/2026 14:30", "2026-11-23T14:30:00"),
        ("integer", "12 500", 12500),
        ("decimal", "1 234,50", "1234.50"),
        ("decimal", "12.5", "12.5"),
        ("decimal", "٣,٥", "3.5"),
        ("geopoint", "12,3714 -1,5197", [-1.5197, 12.3714]),
        ("geopoint", "12.3714, -1.5197", [-1.5197, 12.3714]),
        ("text", "  Ça va \u202e ", "Ça va"),
        ("select_multiple", "a b", ["a", "b"]),
        ("acknowledge", "on", True),
        ("text", "   ", None),
    ],
)
def test_what_people_type_is_read(kind: str, typed: str, value: Any) -> None:
    assert values.clean(question(kind), [typed]) == value


@pytest.mark.parametrize(
    ("kind", "typed"),
    [("date", "31/02/2026"), ("date", "demain"), ("integer", "douze"), ("integer", "9" * 19), ("time", "25:00"),
     ("geopoint", "95 10"), ("geopoint", "1"), ("decimal", "1e5"), ("geoshape", "0 0;1 1")],
)  # fmt: skip
def test_what_is_no_answer_is_refused_in_words(kind: str, typed: str) -> None:
    with pytest.raises(values.Wrong) as wrong:
        values.clean(question(kind), [typed])
    assert str(wrong.value).endswith(".")


@given(st.dates(min_value=date(1000, 1, 1)))
def test_a_date_is_the_same_however_it_is_written(day: date) -> None:
    assert values.clean(question("date"), [f"{day.day}/{day.month}/{day.year:04}"]) == day.isoformat()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4))
def test_a_decimal_loses_nothing(value: Decimal) -> None:
    assert Decimal(values.clean(question("decimal"), [f"{value:f}".replace(".", ",")])) == value


@given(st.sampled_from(sorted(definition.ASKED)), st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_is_an_answer_or_refused(kind: str, typed: str) -> None:
    try:
        value = values.clean(question(kind, list="l"), [typed])
    except values.Wrong:
        return
    made = definition.read({"name": "f", "items": [{"name": "q", "kind": kind}]})
    assert value is None or not list(values.unknown(made, {"q": value}))


ANSWERS = st.fixed_dictionaries({}, optional={
    "who": st.sampled_from(["", "Awa"]),
    "married": st.sampled_from(["yes", "no"]),
    "spouse": st.fixed_dictionaries({}, optional={"name": st.just("Bio"), "age": st.integers(0, 99)}),
    "how_many": st.integers(-2, 5),
    "children": st.lists(st.fixed_dictionaries({}, optional={"name": st.sampled_from(["Awa", "Bintou"])}), max_size=6),
})  # fmt: skip


@given(ANSWERS)
@settings(max_examples=150)
def test_to_evaluate_again_changes_nothing(answers: dict[str, Any]) -> None:
    form = definition.read(HOUSEHOLD)
    once = filled(form, answers)
    assert filled(form, once.answers).answers == once.answers
    final = once.final()
    assert filled(form, final).final() == final
    assert ("spouse" in final) <= (answers.get("married") == "yes")


def test_a_step_of_200_fields_costs_little() -> None:
    rows = []
    for i in range(50):
        rows += [
            {"name": f"t{i}", "kind": "text", "required": True, "constraint": "string-length(.) < 50"},
            {"name": f"n{i}", "kind": "integer", "constraint": ". >= 0 and . < 1000", "relevant": f"${{t{i}}} != ''"},
            {"name": f"s{i}", "kind": "select_one", "list": "l"},
            {"name": f"c{i}", "kind": "calculate", "calculation": f"${{n{i}}} * 2 + coalesce(${{c{max(i - 1, 0)}}}, 0)"
             if i else "${n0}"},
        ]  # fmt: skip
    made = definition.read({"name": "f", "items": rows, "choices": {"l": [{"name": "a"}, {"name": "b"}]}})
    assert not list(plan.problems(made))
    answers = {f"{k}{i}": v for i in range(50) for k, v in (("t", "x"), ("n", i), ("s", "a"))}
    values.evaluate(made, answers, now=NOW)
    began = time.process_time()
    for _i in range(10):
        now = values.evaluate(made, answers, now=NOW)
        assert values.check(made, now) == {}
    assert (time.process_time() - began) / 10 < 0.02
    assert now.answers["c49"] == str(2 * sum(range(50)))
