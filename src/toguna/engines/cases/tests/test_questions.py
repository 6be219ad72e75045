"""The extra questions of a topic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.cases import questions
from toguna.engines.cases.questions import Wrong

ROWS = [
    {"name": "lamps", "kind": "number", "label": {"en": "How many lamps?"}, "required": True},
    {"name": "since", "kind": "datetime", "label": {"en": "Since when?"}},
    {"name": "danger", "kind": "boolean", "label": {"en": "Is it dangerous?"}},
    {
        "name": "whose", "kind": "singlevaluelist", "label": {"en": "Whose is it?"},
        "values": [{"key": "town", "name": {"en": "The town's"}},
                   {"key": "water", "name": {"en": "The water company's"}, "stop": {"en": "Call 8000."}}],
    },
    {"name": "seen", "kind": "multivaluelist", "label": {"en": "What do you see?"},
     "values": [{"key": "smoke", "name": {"en": "Smoke"}}, {"key": "fire", "name": {"en": "Fire"}}]},
]  # fmt: skip


def given_by(values):
    return lambda name: values.get(name, [])


def test_answers_are_kept_in_their_kind():
    typed = {"lamps": ["3"], "since": ["2026-11-01"], "danger": ["yes"], "whose": ["town"], "seen": ["fire", "fire"]}
    answers = questions.checked(ROWS, given_by(typed))
    assert answers == {"lamps": 3, "since": "2026-11-01", "danger": True, "whose": "town", "seen": ["fire"]}
    assert questions.shown(ROWS, answers)[3:] == [("Whose is it?", "The town's"), ("What do you see?", "Fire")]
    assert list(questions.problems(ROWS)) == []


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({}, {"lamps"}),
        ({"lamps": ["many"]}, {"lamps"}),
        ({"lamps": ["1e99"]}, {"lamps"}),
        ({"lamps": ["NaN"]}, {"lamps"}),
        ({"lamps": ["1"], "since": ["31/31/2026"]}, {"since"}),
        ({"lamps": ["1"], "danger": ["perhaps"]}, {"danger"}),
        ({"lamps": ["1"], "whose": ["mine"]}, {"whose"}),
        ({"lamps": ["1"], "whose": ["town", "water"]}, {"whose"}),
        ({"lamps": ["1"], "seen": ["ghosts"]}, {"seen"}),
    ],
)
def test_what_cannot_be_read_is_said_for_each_question(typed, wrong):
    with pytest.raises(Wrong) as error:
        questions.checked(ROWS, given_by(typed))
    assert set(error.value.errors) == wrong


def test_an_answer_may_say_that_it_is_not_for_the_town():
    with pytest.raises(Wrong) as error:
        questions.checked(ROWS, given_by({"lamps": ["1"], "whose": ["water"]}))
    assert error.value.stops == ["Call 8000."] and not error.value.errors


@given(st.dictionaries(st.sampled_from([r["name"] for r in ROWS]), st.lists(st.text(max_size=30), max_size=3)))
def test_anything_that_is_typed_is_answered(typed):
    try:
        answers = questions.checked(ROWS, given_by(typed))
    except Wrong as error:
        assert str(error)
    else:
        assert questions.checked(ROWS, given_by({k: _typed(v) for k, v in answers.items()})) == answers


def _typed(value):
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return value if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize(
    "rows",
    [
        [{"name": "Bad Name", "kind": "text", "label": {"en": "x"}}],
        [{"name": "a", "kind": "colour", "label": {"en": "x"}}],
        [{"name": "a", "kind": "text", "label": {}}],
        [{"name": "a", "kind": "text", "label": {"en": "x"}}] * 2,
        [{"name": "a", "kind": "singlevaluelist", "label": {"en": "x"}, "values": []}],
        [{"name": f"a{n}", "kind": "text", "label": {"en": "x"}} for n in range(13)],
    ],
)
def test_questions_that_make_no_sense_are_refused(rows):
    assert list(questions.problems(rows))
