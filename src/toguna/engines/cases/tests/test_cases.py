"""The engine without any service of its own: workflow as a table, routing, history that cannot be changed."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import datetime, time

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases import routing, workflow
from toguna.engines.cases.routing import Routing
from toguna.engines.cases.workflow import CaseType, State, Transition
from toguna.kernel import registry
from toguna.kernel.access import AGENT, SYSTEM, Permission
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.models import AuditEntry, EventRow

PERMIT = CaseType(
    name="permit",
    title="Permit",
    states=(State("asked", "Asked", "open"), State("paid", "Paid", "waiting"), State("given", "Given", "done"), State("no", "No", "refused")),
    transitions=(
        Transition("pay", "Pay", frozenset({"asked"}), "paid", "permit.handle"),
        Transition("give", "Give", frozenset({"paid"}), "given", "permit.handle"),
        Transition("refuse", "Refuse", frozenset({"asked", "paid"}), "no", "permit.handle", "yes"),
        Transition("again", "Again", frozenset({"no"}), "asked", "permit.handle"),
    ),
    initial="asked",
    read="permit.read",
    assign="permit.handle",
    public_url="report",
    desk_url="desk-report",
    merged="no",
)  # fmt: skip


HANDLE = Permission("permit.handle", "Handle", frozenset({AGENT}))


@pytest.fixture
def permit(db, monkeypatch):
    monkeypatch.setitem(registry._services, "permit", Service("permit", provides=(PERMIT, HANDLE)))
    registry._declared.cache_clear()
    yield cases.Topic.objects.create(case_type="permit", slug="stall", names={"en": "Stall"})
    registry._declared.cache_clear()


def test_the_table_is_checked():
    assert list(PERMIT.problems()) == []
    lost = replace(PERMIT, states=(*PERMIT.states, State("lost", "Lost", "open")))
    assert list(lost.problems()) == ["nothing leads to the state 'lost'"]
    assert any("initial" in p for p in replace(PERMIT, initial="nope").problems())
    wrong = replace(
        PERMIT, transitions=(*PERMIT.transitions, Transition("pay", "", frozenset({"x"}), "y", "permit.handle"))
    )
    assert len(list(wrong.problems())) == 3
    assert any("twice" in p for p in replace(PERMIT, states=(*PERMIT.states, PERMIT.states[0])).problems())


def test_every_declared_case_type_is_sound():
    for kind in registry.declared(workflow.CaseType):
        assert list(kind.problems()) == []


def ask(topic) -> cases.Case:
    return cases.open_case(cases.Asked(type="permit", topic=topic, text="A stall"), by=SYSTEM)[0]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["pay", "give", "refuse", "again", "nope"]), max_size=8))
def test_any_sequence_of_transitions_keeps_the_history_true(permit, verbs):
    """The state is always the last step's, each step starts where the last one ended, and only the table's ways are open."""
    case = ask(permit)
    for verb in verbs:
        before = cases.Case.objects.get(pk=case.pk)
        rule = PERMIT.transition(verb)
        try:
            cases.move(case.pk, verb, by=SYSTEM, words="because")
        except cases.Refused:
            assert rule is None or before.state not in rule.sources
            assert cases.Case.objects.get(pk=case.pk).state == before.state
        else:
            assert rule is not None and before.state in rule.sources
    case.refresh_from_db()
    steps = [s for s in cases.timeline(case, whole=True) if s.to_state]
    assert steps[-1].to_state == case.state
    assert all(a.to_state == b.from_state for a, b in itertools.pairwise(steps))
    assert case.open == PERMIT.state(case.state).open and (case.closed is None) == case.open


def test_each_verb_leaves_its_step_its_audit_and_its_event(permit):
    case = ask(permit)
    cases.move(case.pk, "pay", by=SYSTEM)
    cases.reply(case.pk, "Come tomorrow", by=SYSTEM)
    cases.reply(case.pk, "He came", by=SYSTEM, public=False)
    cases.assign(case.pk, by=SYSTEM)
    assert [s.action for s in cases.timeline(case, whole=True)] == ["opened", "moved", "replied", "noted", "assigned"]
    assert [s.action for s in cases.timeline(case)] == ["opened", "moved", "replied"]
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["permit.open", "permit.moved", "permit.replied", "permit.noted", "permit.assigned"]
    names = [name.rsplit(".", 1)[-1] for name in EventRow.objects.order_by("id").values_list("name", flat=True)]
    assert names == ["CaseOpened", "CaseMoved", "CaseReplied", "CaseAssigned"]


def test_words_that_are_needed_are_asked_for(permit):
    case = ask(permit)
    with pytest.raises(cases.Refused):
        cases.move(case.pk, "refuse", by=SYSTEM, words="  \u202e ")
    with pytest.raises(cases.Refused):
        cases.reply(case.pk, " ", by=SYSTEM)


@pytest.mark.parametrize("sql", ["UPDATE cases_step SET text = 'x'", "DELETE FROM cases_step"])
def test_the_database_keeps_the_history(permit, sql):
    ask(permit)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert cases.Step.objects.count() == 1


def test_a_code_that_is_taken_is_drawn_again(permit, monkeypatch):
    first = ask(permit)
    drawn = iter([first.code, first.code, "ZZZZZZ"])
    monkeypatch.setattr("toguna.engines.cases.actions.codes.make", lambda n: next(drawn))
    assert ask(permit).code == "ZZZZZZ"


hours = st.none() | st.times().map(lambda t: t.replace(microsecond=0))
rules = st.lists(
    st.builds(
        Routing,
        id=st.integers(1, 10**6),
        topic=st.none() | st.integers(1, 5),
        zone=st.none() | st.integers(1, 5),
        team=st.integers(1, 9),
        weekdays=st.lists(st.integers(1, 7), unique=True, max_size=3),
        start=hours,
        end=hours,
    ),
    unique_by=lambda r: r.id,
    max_size=12,
)
chains = st.lists(st.integers(1, 5), unique=True, max_size=4)


@given(rules, chains, chains, st.datetimes(), st.randoms())
def test_routing(table, topics, zones, at, chance: random.Random):
    """The order of the rules says nothing; what is chosen fits, and no rule that fits is more specific."""
    rule = routing.best(table, topics, zones, at)
    mixed = list(table)
    chance.shuffle(mixed)
    assert routing.best(mixed, topics, zones, at) == rule
    fitting = [r for r in table if r.topic in (None, *topics) and r.zone in (None, *zones) and r.holds(at)]
    assert (rule is None) == (not fitting)
    if rule is None:
        return
    assert rule in fitting
    if any(r.topic is not None for r in fitting):
        assert rule.topic is not None
    same = [r for r in fitting if (r.topic, r.zone) == (rule.topic, rule.zone)]
    assert rule.timed or not any(r.timed for r in same)
    exact = [r for r in fitting if topics and zones and (r.topic, r.zone) == (topics[0], zones[0])]
    assert not exact or rule in exact


@given(st.times(), st.times(), st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_the_hours_of_a_rule_and_its_contrary_fill_the_day(start, end, at):
    """From one hour to another, then from the other back to the one: at any moment exactly one of the two holds."""
    if start == end:
        return
    one, other = (Routing(1, None, None, 1, (), a, b) for a, b in ((start, end), (end, start)))
    assert one.holds(at) != other.holds(at)


def test_a_night_belongs_to_the_day_on_which_it_began():
    night = Routing(1, None, None, 1, (5,), time(22), time(6))  # Fridays
    assert night.holds(datetime(2026, 11, 27, 23)) and night.holds(datetime(2026, 11, 28, 5, 59))
    assert not night.holds(datetime(2026, 11, 28, 6)) and not night.holds(datetime(2026, 11, 27, 5))
    assert not night.holds(datetime(2026, 11, 28, 23))


def test_erasing_a_person_leaves_their_cases_without_them(permit):
    from toguna.engines.cases.retention import forget_person as erase
    from toguna.engines.cases.service import export

    asked = cases.Asked(type="permit", topic=permit, text="x", name="Awa", phone="+22370000001")
    case, _ = cases.open_case(asked, by=SYSTEM)
    assert [row["code"] for row in export(case.reporter_id)] == [case.code]
    erase(case.reporter_id)
    case.refresh_from_db()
    assert case.reporter is None


def test_reactions_are_declared_for_the_events():
    assert {r.event.__name__ for r in registry.declared(Reaction)} >= {"CaseOpened", "CaseMoved", "CaseReplied"}
