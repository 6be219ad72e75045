"""Rules: when they begin and cease to hold, what comes of it, and what they would have done."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.channels.models import Message
from toguna.engines.telemetry.history import reading
from toguna.engines.telemetry.models import Alarm, AlarmRule, Device, RuleState
from toguna.engines.telemetry.rules import actions, declared, trying, watching
from toguna.engines.telemetry.rules.conditions import (
    All,
    BadCondition,
    During,
    Geofence,
    Rate,
    Seen,
    Silence,
    Threshold,
    Window,
    parse,
)
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.kernel import places, registry
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.models import EventRow


def make(spec, name="full", on=True, **more):
    row = actions.save_rule(name, {"titles": {"en": "Bin full"}, "spec": spec, **more}, by=SYSTEM)
    return actions.switch(row.pk, on, by=SYSTEM)


def held(condition, *seen):
    """What a condition answers to (minutes, values), a number alone being a look at the clock."""
    state, answers = {}, []
    for one in seen:
        minutes, values = one if isinstance(one, tuple) else (one, None)
        now = NOW + minutes * 60
        what = None if values is None else Seen(now, values, values.get("lat"), values.get("lon"))
        answers.append(condition.step(state, now, what))
    return answers


def fill(*values):
    return [(n, {"fill": value}) for n, value in enumerate(values)]


def test_threshold_with_hysteresis_and_duration():
    assert held(Threshold("fill", above=85, clear=70), *fill(80, 86, 80, 71, 69, 84, 90)) == [
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    assert held(Threshold("fill", below=10, clear=15), *fill(12, 9, 12, 15, 16)) == [False, True, True, False, False]
    lasting = Threshold("fill", above=85, minutes=5)
    assert held(lasting, (0, {"fill": 90}), (3, {"fill": 91}), 6, (7, {"fill": 10}), 20) == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_silence_rate_geofence_combination_and_hours():
    assert held(Silence(60), 5, (10, {}), 60, 90, (95, {}), 100) == [False, False, False, True, False, False]
    fuel = Rate("fuel", below=-20)
    assert held(fuel, (0, {"fuel": 60}), (30, {"fuel": 58}), (60, {"fuel": 40}), (90, {"fuel": 40})) == [
        False,
        False,
        True,
        False,
    ]
    fence = Geofence(lat=12.65, lon=-8.0, metres=500)
    away = {"lat": 12.70, "lon": -8.0}
    assert held(
        fence, (0, {"lat": 12.651, "lon": -8.0}), (1, away), (2, {"fill": 3}), (3, {"lat": 12.65, "lon": -8.0})
    ) == [False, True, True, False]
    both = All((fence, Threshold("speed", above=50)))
    assert held(both, (0, away), (1, {"speed": 60}), (2, {"speed": 20})) == [False, True, False]
    local = timezone.localtime(datetime.fromtimestamp(NOW, UTC))
    later = f"{(local.hour + 2) % 24:02}:00"
    night = During(Threshold("speed", above=0), start=later, end=f"{(local.hour + 5) % 24:02}:00")
    assert held(night, (0, {"speed": 5}), (180, {"speed": 5}), 420) == [False, True, False]
    for condition in (both, night, fuel, Silence(5), Geofence((1, 2), when="inside")):
        assert parse(condition.spec()).spec() == condition.spec()


@pytest.mark.parametrize("spec", [
    None, [], {}, {"kind": "x"}, {"kind": "threshold", "quantity": "fill"}, {"kind": "threshold", "quantity": "fill", "above": "1"},
    {"kind": "threshold", "quantity": "fill", "above": 5, "clear": 6}, {"kind": "geofence"}, {"kind": "all", "of": []},
    {"kind": "geofence", "zones": ["1"]}, {"kind": "during", "days": [9], "of": {"kind": "silence", "minutes": 3}},
    {"kind": "during", "from": "8:00", "of": {"kind": "silence", "minutes": 3}}, {"kind": "rate", "quantity": "x"},
    {"kind": "during", "from": "23:60", "of": {"kind": "silence", "minutes": 3}},
    {"kind": "during", "from": "08:00", "to": "08:00", "of": {"kind": "silence", "minutes": 3}},
])  # fmt: skip
def test_what_is_no_condition(spec):
    with pytest.raises(BadCondition):
        parse(spec)


SILENT = {"kind": "silence", "minutes": 3}


@pytest.mark.parametrize("wrong", [
    None, {}, [], {"holiday": True}, {"holidays": False}, {"dates": []}, {"dates": "12-24"}, {"dates": ["24-12"]}, {"dates": ["02-30"]},
    {"dates": ["2026-12-24..12-26"]}, {"dates": ["2026-12-24..2026-12-01"]}, {"dates": ["2026-02-29"]}, {"dates": [1224]},
    {"dates": ["12-24"] * 41}, {"market": {"every": 5}}, {"market": {"every": 1, "since": "2026-01-03"}}, {"market": 5},
    {"market": {"every": 5, "since": "3/1"}}, {"market": {"every": True, "since": "2026-01-03"}},
])  # fmt: skip
@pytest.mark.parametrize("side", ["only", "not"])
def test_what_is_no_day_of_a_calendar(side, wrong):
    with pytest.raises(BadCondition, match=side):
        parse({"kind": "during", side: wrong, "of": SILENT})


def on(moment, **spec):
    """Whether a rule that watches at any time would watch at this moment of the town."""
    watch = parse({"kind": "during", "of": {"kind": "threshold", "quantity": "fill", "above": 0}, **spec})
    assert parse(watch.spec()) == watch
    at = timezone.make_aware(datetime.fromisoformat(moment), timezone.get_default_timezone()).timestamp()
    return watch.step({}, at, Seen(at, {"fill": 1}))


def test_the_calendar_of_a_rule(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "home", lambda: tmp_path)
    rain = {"dates": ["06-01..10-15", "2026-12-24"]}
    days = ["2026-05-31", "2026-06-01", "2027-10-15", "2026-10-16", "2026-12-24", "2027-12-24"]
    assert [on(f"{day} 12:00", only=rain) for day in days] == [False, True, True, False, True, False]
    assert [on(f"{day} 12:00", **{"not": rain}) for day in days] == [True, False, False, True, False, True]
    dry = {"dates": ["11-15..03-01"]}  # over the new year
    assert [on(f"2026-{day} 00:00", only=dry) for day in ("11-14", "11-15", "12-31", "01-01", "03-01", "03-02")] == [
        False, True, True, True, True, False,
    ]  # fmt: skip
    market = {"market": {"every": 5, "since": "2026-01-03"}}
    assert [day for day in range(1, 32) if on(f"2026-01-{day:02} 23:59", only=market)] == [3, 8, 13, 18, 23, 28]
    assert on("2025-12-29 12:00", only=market) and not on("2026-01-03 12:00", **{"not": market})
    # All of what `only` says, none of what `not` says; a night is of the day on which it begins.
    both = {
        "only": {**market, "dates": ["01-05..01-20"]},
        "not": {"dates": ["2026-01-13"]},
        "from": "19:00",
        "to": "05:00",
    }
    hours = ["01-03 20:00", "01-08 18:59", "01-08 19:00", "01-09 04:59", "01-09 05:00", "01-13 20:00", "01-18 20:00"]
    assert [on(f"2026-{one}", **both) for one in hours] == [False, False, True, True, False, False, True]
    feast = {"holidays": True}
    assert on("2026-12-25 12:00", only=feast) and not on("2026-12-25 12:00", **{"not": feast})
    (tmp_path / "calendar.toml").write_text('holidays = ["09-22"]\neaster = [1]\ndays = ["2026-03-20"]\nweekend = [5]')
    days = ["2026-09-22", "2026-04-06", "2026-03-20", "2026-12-25", "2026-11-27"]  # the last one: a weekend only
    assert [on(f"{day} 12:00", only=feast) for day in days] == [True, True, True, False, False]
    # What comes in goes on though somebody spoils the file.
    (tmp_path / "calendar.toml").write_text("holidays = [")
    assert on("2026-12-25 12:00", only=feast) and not on("2026-09-22 12:00", only=feast)


def test_a_rule_with_a_calendar_is_tried_on_past_data(device):
    bin_ = device()
    local = [timezone.localtime(datetime.fromtimestamp(NOW - days * 86400, UTC)) for days in (6, 4, 2)]
    say(bin_, [{"at": at.timestamp() + n, "fill": fill} for at in local for n, fill in enumerate((95, 5))])
    market = {"every": 4, "since": f"{local[0] - timedelta(days=4):%Y-%m-%d}"}
    spec = {"kind": "during", "of": {"kind": "threshold", "quantity": "fill", "above": 85}}
    for more, expected in (
        ({}, [0, 1, 2]), ({"only": {"market": market}}, [0, 2]), ({"not": {"market": market}}, [1]),
        ({"only": {"dates": [f"{local[1]:%m-%d}..{local[2]:%m-%d}"]}}, [1, 2]),
    ):  # fmt: skip
        tried = trying.attempt(parse(spec | more), Device.objects.all())
        assert [one.raised.timestamp() for one in tried.raised] == [local[n].timestamp() for n in expected]


def test_an_alarm_is_raised_acknowledged_and_cleared(device):
    # A service that declares no rules of its own.
    bin_ = device(service="gauges", ref="bin:1")
    other = device("elsewhere")
    rule = make(
        Threshold("fill", above=85, clear=70).spec(), service="gauges", notify=["+22370000009", "head@town.test"]
    )
    say(bin_, [{"at": NOW - 100, "fill": 90}, {"at": NOW - 90, "fill": 80}])
    say(other, {"at": NOW, "fill": 99})
    alarm = Alarm.objects.get()
    assert (alarm.device_id, alarm.value, alarm.level) == (bin_.pk, 90.0, 2)
    raised = EventRow.objects.get(name__endswith="AlarmRaised").payload
    assert (raised["rule"], raised["ref"], raised["value"]) == ("full", "bin:1", 90.0)
    assert sorted(Message.objects.values_list("medium", "address")) == [
        ("email", "head@town.test"),
        ("sms", "+22370000009"),
    ]
    with pytest.raises(Denied):
        actions.acknowledge(alarm.pk, by=NOBODY)
    actions.acknowledge(alarm.pk, "On the next round", by=SYSTEM)
    say(bin_, {"at": NOW, "fill": 5})
    alarm.refresh_from_db()
    assert alarm.cleared == datetime.fromtimestamp(NOW, UTC) and alarm.note == "On the next round"
    assert EventRow.objects.filter(name__endswith="AlarmCleared").count() == 1
    # A reading that comes late raises nothing: it is past.
    say(bin_, {"at": NOW - 50, "fill": 99})
    assert Alarm.objects.count() == 1
    actions.switch(rule.pk, False, by=SYSTEM)
    say(bin_, {"at": NOW + 1, "fill": 99})
    assert Alarm.objects.count() == 1


def test_nobody_acknowledges_it_goes_up(device):
    bin_ = device()
    make(Threshold("fill", above=85).spec(), level=1, escalate=10, notify=["+22370000009"])
    say(bin_, {"at": NOW, "fill": 90})
    assert actions.escalate() == 0
    Alarm.objects.update(made=timezone.now() - timedelta(minutes=11))
    assert actions.escalate() == 1 and actions.escalate() == 0
    assert Alarm.objects.get().level == 2 and Message.objects.count() == 2
    Alarm.objects.update(escalated=timezone.now() - timedelta(minutes=11))
    assert actions.escalate() == 1
    Alarm.objects.update(escalated=timezone.now() - timedelta(minutes=11))
    assert actions.escalate() == 0  # nothing is above an emergency


def test_silence_is_noticed_by_the_clock(device):
    meter = device("meter")
    make(Silence(60).spec(), name="silent")
    say(meter, {"at": NOW - 7000, "count": 1})
    assert actions.tick() == 1 and actions.tick() == 0
    assert Alarm.objects.get().cleared is None
    say(meter, {"at": NOW, "count": 2})
    assert Alarm.objects.get().cleared is not None and actions.tick() == 0


def test_a_rule_is_tried_on_past_data(device):
    bin_ = device()
    say(
        bin_, [{"at": NOW - 90000 + n * 600, "fill": value} for n, value in enumerate([10, 50, 90, 95, 60, 20, 88, 89])]
    )
    tried = trying.attempt(Threshold("fill", above=85, clear=70), Device.objects.all())
    assert [(one.value, one.cleared is None) for one in tried.raised] == [(90.0, False), (88.0, True)]
    assert (tried.readings, tried.of, tried.left) == (8, 1, 0)
    silent = trying.attempt(Silence(120), Device.objects.all())
    assert len(silent.raised) == 1 and silent.raised[0].cleared is None
    assert not Alarm.objects.exists() and not RuleState.objects.exists()


def test_services_bring_rules_once(db, monkeypatch):
    rule = declared.Rule(
        "moved", {"fr": "x", "pt": "x", "en": "Moved"}, Geofence(lat=1, lon=1, metres=5), service="waste", on=False
    )
    assert list(rule.problems()) == []
    monkeypatch.setattr(registry, "declared", lambda kind: (rule,))
    declared.bring()
    AlarmRule.objects.update(level=3)
    declared.bring()
    assert list(AlarmRule.objects.values_list("name", "level", "on", "declared")) == [("moved", 3, False, True)]
    assert watching.live() == []
    assert list(declared.Rule("bad", {"en": "x"}, Threshold("fill"), level=7).problems())
    assert reading.heard(1, timezone.now() - timedelta(days=1), timezone.now()) == []


_LEAVES = [
    {"kind": "threshold", "quantity": "fuel", "above": 5, "clear": 3},
    {"kind": "threshold", "quantity": "fuel", "below": 4, "minutes": 1},
    {"kind": "silence", "minutes": 10},
    {"kind": "rate", "quantity": "fuel", "below": -20},
    {"kind": "geofence", "lat": 12.65, "lon": -8.0, "metres": 300},
    {"kind": "geofence", "lat": 12.65, "lon": -8.0, "metres": 300, "when": "inside"},
]
_SPECS = [*_LEAVES, *({"kind": kind, "of": _LEAVES[start::2]} for kind in ("all", "any") for start in (0, 1))]
_TODAY = f"{datetime.fromtimestamp(1_790_000_000, UTC):%m-%d}"
_WHEN = [
    {}, {"only": {"dates": [_TODAY]}, "from": "00:00", "to": "23:59"}, {"not": {"dates": [_TODAY]}}, {"only": {"holidays": True}},
    {"not": {"market": {"every": 2, "since": "2026-09-20"}}, "from": "19:00", "to": "05:00"},
]  # fmt: skip
_READINGS = st.lists(
    st.tuples(st.integers(1, 400), st.none() | st.integers(0, 9), st.none() | st.integers(-4, 4)), min_size=1, max_size=4
)  # fmt: skip


@settings(max_examples=60)
@given(
    st.sampled_from([*_SPECS, *({"kind": "during", "of": spec, **when} for spec in _SPECS for when in _WHEN)]),
    st.lists(_READINGS, max_size=4),
)
def test_what_is_not_asked_would_have_said_no(spec, batches):
    condition, state, now = parse(spec), {}, 1_790_000_000
    for batch in batches:
        seen = []
        for later, fuel, away in batch:
            now += later
            place = (None, None) if away is None else (12.65 + away / 1000, -8.0)
            seen.append(Seen(now, {} if fuel is None else {"fuel": fuel}, *place))
        quiet, before = condition.quiet(state, Window(seen)), copy.deepcopy(state)
        followed = copy.deepcopy(condition.follow(state, Window(seen)))
        assert state == before
        said = [condition.step(state, one.at, one) for one in seen]
        assert not quiet or (not any(said) and state == before)
        assert followed is None or (not any(said) and state == followed)
