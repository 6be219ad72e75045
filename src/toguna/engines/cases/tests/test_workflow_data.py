"""Workflow as data: a building permit with four services, a certificate in one step; clocks, opinions, returns, fees."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases import clocks, conditions, opinions
from toguna.engines.cases.tests.workflows import CERTIFICATE, PERMIT, TEAMS, Building
from toguna.kernel import workdays
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.models import AuditEntry


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def building(db, monkeypatch):
    yield from Building.ready(monkeypatch)


def later(case, **columns):
    cases.Case.objects.filter(pk=case.pk).update(**columns)


def past(days=1):
    return timezone.now() - timedelta(days=days)


def say(case, team, says, words=""):
    one = cases.Opinion.objects.get(case=case, team__slug=team)
    return cases.give_opinion(one.pk, says, words, by=SYSTEM)


def whole(case):
    case.refresh_from_db()
    steps = cases.Step.objects.filter(case=case).order_by("id").values_list("from_state", "to_state")
    assert cases.replay(cases.workflow_of(case), steps) == case.state  # every path's history gives the same state
    return case.state


def asked(building):
    case = building.open("building")
    cases.record_payment(case.pk, "file", "R-12", by=building.agent)
    cases.move(case.pk, "examine", by=building.agent)
    return case


def test_the_two_examples_are_sound():
    assert cases.workflow_problems(PERMIT) == []
    assert cases.workflow_problems(CERTIFICATE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["states"].append({"name": "lost", "title": {"en": "Lost"}, "kind": "open"}), "nothing leads"),
        (lambda d: d["transitions"][0].pop("who"), "who may take it"),
        (lambda d: d["transitions"][0].update(who="role:king"), "no role"),
        (lambda d: d["transitions"][0].update(to="nowhere"), "unknown state"),
        (lambda d: d["transitions"][0].update(when=["a", "~", 1]), "no sign"),
        (lambda d: d["states"][1].update(silence={"days": 5, "take": "examine"}), "does not leave from there"),
        (lambda d: d.update(colour="red"), "not known"),
        (lambda d: d["states"][1].update(days=-1), "days is a number"),
        (lambda d: [t.update({"from": ["asked"]}) for t in d["transitions"]], "stuck"),
    ],
)
def test_what_is_wrong_is_said(change, told):
    import copy

    definition = copy.deepcopy(PERMIT)
    change(definition)
    assert any(told in problem for problem in cases.workflow_problems(definition)), told


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
@settings(max_examples=100)
def test_no_definition_breaks_the_reader(thing):
    assert cases.workflow_problems(thing)
    assert cases.workflow_problems({**CERTIFICATE, "states": thing})
    list(conditions.problems(thing))


@given(st.data())
@settings(max_examples=60)
def test_a_drawn_workflow_without_problems_has_neither_unreachable_nor_stuck_states(data):
    """An independent search agrees with `problems()`, whatever the graph."""
    names = [f"s{n}" for n in range(data.draw(st.integers(1, 5)))]
    kinds = {name: data.draw(st.sampled_from(["open", "done"])) for name in names}
    edges = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=8))
    definition = {
        "initial": names[0],
        "states": [{"name": n, "title": {"en": n}, "kind": kinds[n]} for n in names],
        "transitions": [
            {"name": f"t{n}", "verb": {"en": "go"}, "from": [a], "to": b, "who": "staff"}
            for n, (a, b) in enumerate(edges)
        ],
    }

    def reach(start):
        seen, todo = {start}, [start]
        while todo:
            at = todo.pop()
            for a, b in edges:
                if a == at and b not in seen:
                    seen.add(b)
                    todo.append(b)
        return seen

    sound = reach(names[0]) == set(names) and all(any(kinds[e] == "done" for e in reach(n)) for n in names)
    assert (cases.workflow_problems(definition) == []) == sound


def test_a_version_is_never_changed_and_cases_stay_on_theirs(building):
    first = building.publish("certificate", CERTIFICATE)
    case = building.open("certificate")
    assert building.publish("certificate", CERTIFICATE).pk == first.pk  # nothing new: no new version
    changed = {**CERTIFICATE, "states": [{**CERTIFICATE["states"][0], "name": "waiting"}, CERTIFICATE["states"][1]],
               "initial": "waiting", "transitions": [{**CERTIFICATE["transitions"][0], "from": ["waiting"]}]}  # fmt: skip
    assert building.publish("certificate", changed).version == 2
    assert building.open("certificate").state == "waiting"
    cases.move(case.pk, "issue", by=building.agent)
    assert whole(case) == "issued"
    with pytest.raises(DatabaseError), transaction.atomic():
        cases.Workflow.objects.filter(pk=first.pk).update(version=9)
    with pytest.raises(Denied):
        cases.publish_workflow("certificate", CERTIFICATE, by=NOBODY, type="permits")
    with pytest.raises(cases.Unsound, match="no team"):
        gone = {**CERTIFICATE, "states": [{**CERTIFICATE["states"][0], "escalate": "ghosts"}, CERTIFICATE["states"][1]]}
        building.publish("certificate", gone)


def test_the_fee_then_four_opinions_then_the_decision(building):
    case = building.open("building")
    with pytest.raises(cases.Refused, match="fee"):
        cases.move(case.pk, "examine", by=building.agent)
    assert cases.record_payment(case.pk, "file", "R-12", by=building.agent) is not None
    assert cases.record_payment(case.pk, "file", "R-12", by=building.agent) is None
    cases.move(case.pk, "examine", by=building.agent)
    assert cases.Opinion.objects.filter(case=case).count() == 4
    with pytest.raises(cases.Refused, match="Opinions"):
        cases.move(case.pk, "sign", by=building.agent)
    say(case, "roads", "favourable")
    say(case, "fire", "reserved", "A second door.")
    say(case, "health", "favourable")
    assert whole(case) == "examined"
    say(case, "land", "favourable")
    assert whole(case) == "decision"  # the law takes it there: all have answered
    with pytest.raises(Denied):
        cases.move(case.pk, "sign", by=building.reader)
    cases.move(case.pk, "sign", by=building.agent)
    assert whole(case) == "granted" and not case.open
    assert AuditEntry.objects.filter(action="permits.opinion").count() == 4


def test_one_that_refuses_decides_at_once(building):
    case = asked(building)
    with pytest.raises(cases.Refused, match="why"):
        say(case, "fire", "unfavourable")
    say(case, "fire", "unfavourable", "No way out.")
    assert whole(case) == "refused"
    with pytest.raises(cases.Conflict):
        say(case, "roads", "favourable")


def test_who_is_not_of_the_team_gives_no_opinion(building):
    case = asked(building)
    one = cases.Opinion.objects.get(case=case, team__slug="fire")
    with pytest.raises(Denied):
        cases.give_opinion(one.pk, "favourable", by=building.agent)
    once = uuid.uuid4()
    assert cases.give_opinion(one.pk, "favourable", by=building.firefighter, client_id=once).says == "favourable"
    assert (
        cases.give_opinion(one.pk, "unfavourable", "Twice", by=building.firefighter, client_id=once).says
        == "favourable"
    )
    with pytest.raises(cases.Conflict, match="already"):
        cases.give_opinion(one.pk, "reserved", "Me too", by=building.firefighter)


def test_opinions_lapse_and_the_clock_may_run_twice(building):
    case = asked(building)
    say(case, "roads", "favourable")
    cases.Opinion.objects.filter(case=case).update(due=past())
    clocks.run()
    clocks.run()
    assert whole(case) == "decision"
    assert cases.Step.objects.filter(case=case, action="opinions_lapsed").count() == 1


def test_the_silence_of_the_town_accepts(building):
    case = asked(building)
    for team in TEAMS:
        say(case, team, "favourable")
    clocks.run()
    assert whole(case) == "decision"
    later(case, silent=past())
    clocks.run()
    clocks.run()
    assert whole(case) == "granted"
    last = cases.Step.objects.filter(case=case, action="moved").last()
    assert last.data["law"] is True and last.data["silence"] == 20 and last.account is None


def test_a_late_step_is_said_once_and_goes_up(building):
    case = asked(building)
    later(case, step_due=past())
    clocks.run()
    clocks.run()
    case.refresh_from_db()
    assert cases.Step.objects.filter(case=case, action="late").count() == 1
    assert case.team.slug == "land"


def test_returned_to_the_applicant_the_clock_stops(building):
    case = asked(building)
    case.refresh_from_db()
    due = case.due
    with pytest.raises(cases.Refused):
        cases.move(case.pk, "return", by=building.agent)  # it must say why
    cases.move(case.pk, "return", by=building.agent, words="The plan is missing.", wanted=["plan", "secret"])
    case.refresh_from_db()
    assert case.stopped is not None and case.silent is None and cases.wanted_of(case) == ["plan"]
    later(case, stopped=past(30), silent=past(), step_due=past())
    clocks.run()
    assert whole(case) == "incomplete"  # no clock of the town runs
    with pytest.raises(Denied):
        cases.complete(case.pk, {"plan": "x.pdf"}, by=NOBODY, key="wrong")
    key = cases.key_of(case)
    with pytest.raises(cases.Refused, match="plan"):
        cases.complete(case.pk, {"floors": 9}, by=NOBODY, key=key)
    once = uuid.uuid4()
    for _twice in range(2):
        cases.complete(case.pk, {"plan": "x.pdf", "floors": 9}, by=NOBODY, key=key, client_id=once)
    assert whole(case) == "asked"
    assert case.answers == {"floors": 2, "plan": "x.pdf"}  # only what was asked for
    assert case.stopped is None and case.due > due


def test_a_step_that_issues_needs_who_makes_papers(building):
    definition = {**CERTIFICATE, "transitions": [{**CERTIFICATE["transitions"][0], "document": "residence"}]}
    building.publish("paper", definition)
    case = building.open("paper")
    with pytest.raises(cases.NoIssuer):
        cases.move(case.pk, "issue", by=building.agent)
    assert whole(case) == "asked"
    building.declare(cases.Issuer("permits", lambda case, name, by: f"{name}-{case.code}"))
    cases.move(case.pk, "issue", by=building.agent)
    assert cases.Step.objects.filter(case=case).last().data["document"] == f"residence-{case.code}"


def test_the_ledger_says_what_is_paid(building):
    answer = [False]
    building.declare(cases.FeePort("ledger", lambda case, fee, amount: answer[0] and (fee, amount) == ("file", 10000)))
    case = building.open("building")
    with pytest.raises(cases.Refused, match="fee"):
        cases.move(case.pk, "examine", by=building.agent)
    answer[0] = True
    cases.move(case.pk, "examine", by=building.agent)


def test_who_is_away_is_stood_in_for(building):
    today = timezone.localdate()
    one, other = building.agent.account, building.firefighter.account
    with pytest.raises(Denied):
        cases.set_absence(other, today, today, one, by=building.agent)
    with pytest.raises(cases.Refused):
        cases.set_absence(one, today, today, one, by=building.agent)
    cases.set_absence(one, today, today + timedelta(days=3), other, by=building.agent)
    case = building.open("building")
    cases.assign(case.pk, by=building.agent, assignee=one)
    case.refresh_from_db()
    assert case.assignee_id == other


@given(st.permutations(["favourable", "reserved", "unfavourable", ""]), st.lists(st.booleans(), min_size=4, max_size=4))
def test_opinions_join_in_any_order(says, required):
    said = [opinions.Said(s, r, False, True) for s, r in zip(says, required, strict=True)]
    assert opinions.joined(said) == opinions.joined(list(reversed(said)))
    late = [opinions.Said(one.says, one.required, True, True) for one in said]
    assert opinions.joined(late) != "waiting"


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=60)
def test_working_days_add_up(day, one, two):
    calendar = workdays.Calendar(easter=frozenset({1, 39}), once=frozenset({date(2026, 3, 20)}))
    end = calendar.after(day, one)
    assert calendar.after(end, two) == calendar.after(day, one + two)
    assert calendar.between(day, end) == one
    assert one == 0 or calendar.works(end)


def test_easter_and_the_change_of_clocks():
    assert [workdays.easter(y) for y in (2024, 2025, 2026, 2038)] == [
        date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2038, 4, 25),
    ]  # fmt: skip
    with timezone.override("Europe/Lisbon"):  # the clocks go forward on 2026-03-29
        due = timezone.localtime(workdays.deadline(datetime(2026, 3, 27, 23, 30, tzinfo=UTC), 1))
        assert (due.date(), due.hour, due.minute) == (date(2026, 3, 30), 23, 59)
    with pytest.raises(workdays.CalendarError, match="13-45x"):
        workdays.parse('holidays = ["13-45x"]')
    with pytest.raises(workdays.CalendarError):
        workdays.parse("weekend = [1, 2, 3, 4, 5, 6, 7]")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True), (["floors", ">", 1], True), (["floors", ">", "two"], False), (["floors", "=", "2"], True),
        (["none", ">", 0], False), (["none", "empty", None], True), ({"not": ["floors", "=", 3]}, True),
        ({"all": [["floors", "<", 3], {"any": [["use", "=", "shop"], ["use", "in", ["home"]]]}]}, True),
        (["pieces", "has", "plan"], True), (["day", "<", "2026-05-01"], True),
    ],
)  # fmt: skip
def test_conditions(condition, expected):
    assert list(conditions.problems(condition)) == []
    answers = {"floors": 2, "use": "home", "pieces": ["plan"], "day": "2026-04-30"}
    assert conditions.holds(condition, answers) is expected


def test_the_drawing_is_sound_and_says_everything():
    svg = cases.draw(PERMIT, title="<Building> & co")
    tree = ElementTree.fromstring(svg)
    words = " ".join(tree.itertext())
    assert "<Building> & co" in words and "Examined" in words and "opinions of roads, fire, health, land" in words
    assert float(tree.get("width")) < 420  # it fits a telephone
    assert len(cases.draw(CERTIFICATE)) < 3000


@pytest.mark.django_db(transaction=True)
def test_two_decide_at_once_one_wins_and_the_other_is_told(monkeypatch):
    for building in Building.ready(monkeypatch):
        case = asked(building)
        for team in TEAMS:
            say(case, team, "favourable")
        told, gate = [], threading.Barrier(2)

        def decide(name, case=case, building=building, told=told, gate=gate):
            gate.wait()
            try:
                with translation.override("en"):
                    cases.move(case.pk, name, by=building.agent, words="So be it.", seen="decision")
                told.append("done")
            except cases.Conflict as error:
                told.append(str(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=decide, args=[name]) for name in ("sign", "reject")]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert sorted(t == "done" for t in told) == [False, True]
        assert any("meanwhile" in t for t in told)
        assert whole(case) in ("granted", "refused")
