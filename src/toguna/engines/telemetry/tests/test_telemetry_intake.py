"""One way in: who speaks, what is believed, what comes twice, late, or from two places."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.people import api as people
from toguna.engines.telemetry import api
from toguna.engines.telemetry.devices import changes, forgetting, keys, register
from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.intake import columns, judging, loading, refusals, taking
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Alarm, AlarmRule, Device, Latest, Policy, Refused, RuleState
from toguna.engines.telemetry.rules import actions
from toguna.engines.telemetry.rules.conditions import Threshold
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.models import EventRow


def values(device, quantity):
    start = datetime.fromtimestamp(NOW, UTC) - timedelta(days=500)
    return [one.value for one in api.readings(device.pk, quantity, start, start + timedelta(days=510))]


def refused(device=None):
    found = Refused.objects.all() if device is None else Refused.objects.filter(device=device)
    return dict(found.values_list("reason", "count"))


def test_what_a_device_says_is_there_at_once(device):
    one = device(every=600)
    done = say(
        one, {"at": NOW, "seq": 1, "fill": 71, "battery": 88, "lat": 12.65, "lon": -8.0, "speed": 3.5, "colour": "red"}
    )
    assert (done.messages, done.rows, done.refused) == (1, 3, 0)
    last = api.latest([one.pk])[one.pk]
    assert last.values["fill"] == (71.0, datetime.fromtimestamp(NOW, UTC)) and last.battery == 88
    assert (last.lat, last.lon, last.speed) == (12.65, -8.0, 3.5)
    assert values(one, "fill") == [71.0]
    assert [
        (p.lat, p.lon)
        for p in api.track(one.pk, datetime.fromtimestamp(NOW - 1, UTC), datetime.fromtimestamp(NOW + 1, UTC))
    ] == [(12.65, -8.0)]


def test_the_same_again_changes_nothing_and_late_ones_find_their_place(device):
    one = device()
    first = {"at": NOW - 100, "seq": 5, "fill": 50}
    say(one, first)
    say(one, [{"at": NOW - 50, "seq": 6, "fill": 60}, first])
    say(one, [{"at": NOW - 200, "seq": 4, "fill": 40}, first])
    say(one, {"at": NOW - 200, "seq": 4, "fill": 40})
    assert values(one, "fill") == [40, 50, 60]
    assert api.latest([one.pk])[one.pk].values["fill"][0] == 60
    assert Latest.objects.get().twice == 3
    # One second may hold two, when they have numbers of their own.
    say(one, [{"at": NOW - 50, "seq": 7, "fill": 61}])
    assert values(one, "fill") == [40, 50, 60, 61]


def test_who_is_not_believed(device):
    one = device()
    say(one, {"fill": 1}, proof="key:wrong")
    say(one, {"fill": 1}, proof="")
    say(one, {"fill": 1}, door="mqtt", proof="door")
    say(one, b"{fill")
    say(one, b"[1]")
    say(one, {"fill": 300})
    old_key = register.key_of(one)
    one = register.new_key(one.pk, by=SYSTEM)
    say(one, {"fill": 1}, proof=f"key:{old_key}")
    assert say(one, {"fill": 1}).rows == 1
    register.retire(one.pk, by=SYSTEM)
    say(one, {"fill": 2})
    assert refused(one) == {"key": 3, "door": 1, "unreadable": 2, "range": 1, "retired": 1}
    stranger = Device(code="0015678", door="http")
    for _n in range(3):
        say(stranger, {"fill": 1})
    assert [(row.code, row.count) for row in register.strangers()] == [("0015678", 3)]
    assert values(one, "fill") == [1.0]


def test_signed_readings_once_unaltered_in_time_and_in_place(device):
    scale = device(
        "scale-1", "mqtt", kind="scale", signed=True, lat=12.65, lon=-8.0, stays=200, service="waste", ref="scale:1"
    )
    key = register.key_of(scale)

    def signed(said, of=key):
        body = json.dumps(said).encode()
        return body + b"\n" + keys.sign(body, of).encode()

    good = signed({"at": NOW - 10, "seq": 1, "weight": 42.5, "lat": 12.6501, "lon": -8.0})
    assert say(scale, good, proof="door").rows == 2
    say(scale, good, proof="door")
    say(scale, good.replace(b"42.5", b"12.5"), proof="door")
    say(scale, json.dumps({"at": NOW, "weight": 1}).encode(), proof="door")
    say(scale, signed({"at": NOW, "seq": 2, "weight": 42}, of="other"), proof="door")
    say(scale, signed({"at": NOW, "seq": 3, "weight": 42, "lat": 12.7, "lon": -8.0}), proof="door")
    say(
        scale,
        signed({"at": NOW, "seq": 4, "weight": 999999, "temperature": 20, "lat": 12.65, "lon": -8.0}),
        proof="door",
    )
    say(scale, signed({"seq": 5, "weight": 42}), proof="door")
    say(scale, signed({"at": NOW - 40 * 86400, "seq": 6, "weight": 42}), proof="door")
    assert values(scale, "weight") == [42.5] and values(scale, "temperature") == []
    counted = sorted(Refused.objects.values_list("reason", "count"))
    assert counted == [
        ("clock", 1),
        ("clock", 1),
        ("moved", 1),
        ("range", 1),
        ("replay", 1),
        ("signature", 1),
        ("signature", 1),
        ("signature", 1),
    ]
    names = [row.name.rpartition(".")[2] for row in EventRow.objects.order_by("pk")]
    assert names.count("SignedReading") == 1 and names.count("ReadingRefused") == 8
    event = EventRow.objects.get(name__endswith="SignedReading").payload
    assert (event["ref"], event["quantity"], event["value"], event["seq"]) == ("scale:1", "weight", 42.5, 1)


_NOWHERE = [
    {}, {"lat": 12.65}, {"lon": -8.0}, {"lat": 0, "lon": 0}, {"lat": 91, "lon": -8.0}, {"lat": None, "lon": None}, {"lat": "12.65", "lon": "-8.0"},
    {"values": {"lat": 12.65, "lon": -8.0}}, {"lat": 12.66, "lon": -8.0},
]  # fmt: skip


@pytest.mark.parametrize("signed", [True, False])
def test_one_that_must_stay_is_not_believed_where_it_does_not_say_where_it_is(device, signed):
    scale = device("scale-1", signed=signed, lat=12.65, lon=-8.0, stays=200, service="waste", ref="scale:1")
    key = register.key_of(scale)

    def send(said):
        body = json.dumps(said).encode()
        return say(scale, body + b"\n" + keys.sign(body, key).encode() if signed else body)

    for seq, place in enumerate(_NOWHERE, 1):
        assert send({"at": NOW - 60 + seq, "seq": seq, "weight": 42.5, **place}).refused == 1
    assert send([{"bt": NOW, "n": "weight", "u": "kg", "v": 42.5}]).refused == 1, "in SenML neither"
    assert values(scale, "weight") == [] and not EventRow.objects.filter(name__endswith="SignedReading").exists()
    rows = Refused.objects.filter(device=scale)
    assert set(rows.values_list("reason", flat=True)) == {"moved"}
    assert sum(rows.values_list("count", flat=True)) == len(_NOWHERE) + 1
    if signed:
        assert rows.filter(body__startswith="no position: ").count() == len(_NOWHERE)
        assert rows.filter(body__startswith="1112 m away: ").count() == 1
    assert send({"at": NOW, "seq": 20, "weight": 42.5, "lat": 12.6501, "lon": -8.0}).refused == 0
    assert values(scale, "weight") == [42.5]


def test_one_that_must_stay_is_not_taken_by_whole_columns_with_the_others(device):
    """A batch that is plain but for it: the others come in columns, it is looked at."""
    plain = [device(f"bin-{n}") for n in range(1, 4)]
    scale = device("scale-1", lat=12.65, lon=-8.0, stays=200)
    records = [
        taking.record("http", one.code, json.dumps({"at": NOW, "seq": 1, "weight": 5}).encode(), proof=f"key:{register.key_of(one)}")
        for one in [*plain, scale]
    ]  # fmt: skip
    taking.take(records)
    assert [values(one, "weight") for one in [*plain, scale]] == [[5], [5], [5], []]
    assert refused(scale) == {"moved": 1}


def test_wrong_clocks(device):
    one = device()
    say(one, {"at": NOW + 90 * 86400, "fill": 10}, received=NOW)
    say(one, {"at": 3600, "fill": 20}, received=NOW + 1)
    for n in range(5):
        say(one, {"at": NOW + n * 60 - 240, "seq": n, "fill": 30 + n}, received=NOW + n * 60)
    assert sorted(values(one, "fill")) == [10, 20, 30, 31, 32, 33, 34]
    assert refused(one) == {"clock": 2}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM telemetry_reading WHERE flags & 1 = 1")
        assert cursor.fetchone()[0] == 2
        cursor.execute("SELECT count(*) FROM telemetry_reading_other")
        assert cursor.fetchone()[0] == 0


def test_a_position_that_jumps_is_kept_but_not_believed(device):
    truck = device("truck-1", "tcp", kind="tracker")
    here = [{"at": NOW - 600 + n * 10, "lat": 12.65 + n / 1000, "lon": -8.0} for n in range(4)]
    say(truck, here, proof="door")
    say(truck, {"at": NOW - 560, "lat": 14.0, "lon": -8.0}, proof="door")
    last = api.latest([truck.pk])[truck.pk]
    assert (last.lat, refused(truck)) == (12.653, {"jump": 1})
    start, end = datetime.fromtimestamp(NOW - 700, UTC), datetime.fromtimestamp(NOW, UTC)
    assert len(api.track(truck.pk, start, end)) == 4 and len(api.track(truck.pk, start, end, jumps=True)) == 5
    # It really is elsewhere now: the third in a row is believed.
    say(truck, [{"at": NOW - 550 + n, "lat": 14.0, "lon": -8.0} for n in range(2)], proof="door")
    assert api.latest([truck.pk])[truck.pk].lat == 14.0
    truck.refresh_from_db()
    assert truck.state == "active"


def test_two_devices_with_one_name_are_noticed(device):
    truck = device("truck-1", "tcp", kind="tracker", service="waste", ref="truck:1")
    for n in range(8):
        say(truck, {"at": NOW - 600 + n * 20, "lat": 12.65 if n % 2 else 12.95, "lon": -8.0}, proof="door")
    truck.refresh_from_db()
    assert (truck.state, truck.why) == ("waiting", "clone")
    assert EventRow.objects.filter(name__endswith="DeviceSuspected").count() == 1
    say(truck, {"at": NOW, "lat": 12.65, "lon": -8.0}, proof="door")
    assert refused(truck)["quarantine"] >= 1
    register.accept(truck.pk, by=SYSTEM)
    assert say(truck, {"at": NOW + 1, "lat": 12.65, "lon": -8.0}, proof="door").rows == 1


def test_two_counters_under_one_name_are_noticed_and_a_changed_battery_is_not(device):
    one, two = device("meter-1"), device("meter-2")
    for n in range(12):
        say(one, {"at": NOW - 600 + n, "seq": 100 + n if n % 2 else 5000 + n, "fill": n})
        say(two, {"at": NOW - 600 + n, "seq": n % 6, "fill": n})
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, one.why, two.state) == ("waiting", "sequence", "active")


def test_registering_is_checked_and_for_those_who_may(device):
    with pytest.raises(Denied):
        register.register_device("x-1", "http", by=NOBODY)
    for code, told in (("with space", {}), ("x-1", {"stays": 10}), ("x-1", {"kind": "boat"})):
        with pytest.raises(ValidationError):
            device(code, **told)
    one = device("x-1", name="Bin of the market")
    assert device("x-1", name="Bin").pk == one.pk and Device.objects.count() == 1


def test_senml_and_decoders(device):
    one = device("probe-1")
    say(
        one,
        [
            {"bn": "urn:dev:probe:", "bt": NOW - 60, "n": "level", "u": "m", "v": 1.5},
            {"n": "rain", "v": 2},
            {"n": "level", "t": 30, "v": 1.6},
        ],
    )
    assert values(one, "level") == [1.5, 1.6] and values(one, "rain") == [2.0]
    decoder = api.Decoder.objects.create(
        slug="d", name="d", fields=[{"field": "d.t.0", "quantity": "temperature", "scale": 0.1, "offset": -40}]
    )
    two = device("probe-2", decoder=decoder.pk)
    say(two, {"at": NOW, "d": {"t": [650]}, "rain": 5})
    assert values(two, "temperature") == [25.0] and values(two, "rain") == []


def test_a_batch_that_fails_is_loaded_one_by_one(device, monkeypatch):
    one = device()
    real = loading._load

    def fails(records, marks):
        if any(b"666" in record.body for record in records):
            raise ValueError("nobody foresaw it")
        return real(records, marks)

    monkeypatch.setattr(loading, "_load", fails)
    from toguna.engines.telemetry.intake import taking

    proof = f"key:{register.key_of(one)}"
    done = taking.take(
        [
            taking.record("http", one.code, json.dumps({"at": NOW + n, "count": v}).encode(), proof=proof)
            for n, v in enumerate((1, 666, 3))
        ]
    )
    assert (done.rows, done.refused) == (2, 1) and values(one, "count") == [1, 3]
    assert taking.take([]).messages == 0


def test_strangers_fill_no_table(device, monkeypatch):
    monkeypatch.setattr(refusals, "STRANGERS", 5)
    for n in range(9):
        say(Device(code=f"who-{n}", door="http"), {"fill": n})
        say(Device(code="who-0", door="http"), {"fill": n})
    found = dict(Refused.objects.values_list("code", "count"))
    assert found == {"who-0": 10, "who-1": 1, "who-2": 1, "who-3": 1, "who-4": 1, "*": 4}


_PLAIN = st.fixed_dictionaries(
    {
        "fill": st.integers(0, 100),
        "fuel": st.floats(0, 90, allow_nan=False),
        "away": st.integers(0, 40),
        "later": st.integers(1, 90),
    }
)
_ODD = st.sampled_from(
    [
        {"fill": 999}, {"fill": "full"}, {"fill": True}, {"fill": None}, {"at": "2020-01-01T00:00:00Z"}, {"at": NOW + 9e6}, {"at": None}, {"seq": 0},
        {"seq": None}, {"lat": 0, "lon": 0}, {"lat": 50.0}, {"lat": None}, {"lat": "north"}, {"speed": 1e39}, {"fuel": 1e301}, {"seq": 2**63}, {"more": 1},
        {"values": {"fill": 3}},
    ]
)  # fmt: skip


def test_whole_columns_are_kept_as_one_by_one_would_be(device):
    """The same messages of four devices by both ways, twice over: what is kept of them, of the devices, and of rules is the same."""
    AlarmRule.objects.all().delete()
    for number, spec in enumerate(
        [{"kind": "threshold", "quantity": "fill", "above": 60, "clear": 40}, {"kind": "rate", "quantity": "fuel", "below": -500},
         {"kind": "silence", "minutes": 1}, {"kind": "geofence", "lat": 12.65, "lon": -8.0, "metres": 900, "when": "inside"},
         {"kind": "threshold", "quantity": "speed", "above": 30}]
    ):  # fmt: skip
        rule = actions.save_rule(f"both-{number}", {"titles": {"en": "Rule"}, "spec": spec}, by=SYSTEM)
        actions.switch(rule.pk, True, by=SYSTEM)
    partitions.ahead()
    devices = {way: [device(f"{way}-{n}", "mqtt") for n in range(4)] for way in ("columns", "one")}

    @settings(max_examples=10)
    @given(
        st.lists(st.lists(_PLAIN, min_size=1, max_size=3), min_size=8, max_size=16),
        st.dictionaries(st.integers(0, 15), _ODD, max_size=3),
    )
    def same(said, odd):
        found = [_kept(devices[way], said, odd, few) for way, few in (("columns", 1), ("one", 10**9))]
        (done, kept), (done_one, kept_one) = found
        assert done == done_one
        for rows, others in zip(kept, kept_one, strict=True):
            assert [row for row in rows if row not in others] == [row for row in others if row not in rows]
            assert len(rows) == len(others)

    same()


def _kept(ours, said, odd, few):
    """What is kept of these messages, and then nothing."""
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(columns, "FEW", few)
        partitions.forget()  # what the one before made is not there any more
        records, at = [], NOW - 7200
        for number, rows in enumerate(said):
            body = []
            for n, one in enumerate(rows):
                at += one["later"]
                body.append(
                    {"at": at, "seq": number * 10 + n, "lat": 12.65 + one["away"] / 2000, "lon": -8.0, "speed": one["away"], "fill": one["fill"],
                     "fuel": one["fuel"], "battery": 50}
                )  # fmt: skip
            body[-1] |= odd.get(number, {})
            records.append(Record(NOW, "mqtt", ours[number % 4].code, "json", "door", json.dumps(body).encode()))
        done = [loading.load(records[:6]), loading.load(records[6:]), loading.load(records[:6])]
        names = {one.pk: n for n, one in enumerate(ours)}
        kept = []
        with connection.cursor() as cursor:
            for what in ("reading", "position"):
                cursor.execute(f"SELECT * FROM telemetry_{what} WHERE device = ANY(%s)", [list(names)])
                at_column = [column.name for column in cursor.description].index("device")
                kept.append(
                    sorted(
                        ([*row[:at_column], names[row[at_column]], *row[at_column + 1 :]] for row in cursor.fetchall()),
                        key=repr,
                    )
                )
        for model, how in (
            (Latest, "device_id"),
            (Refused, "device_id"),
            (RuleState, "device_id"),
            (Alarm, "device_id"),
        ):
            rows = model.objects.filter(**{f"{how}__in": list(names)}).values()
            kept.append(
                sorted(
                    (
                        {name: value for name, value in row.items() if name not in ("id", "rule_id", "code", "made", how)}
                        | {"whose": names[row[how]]}
                        for row in rows
                    ),
                    key=repr,
                )
            )  # fmt: skip
        transaction.set_rollback(True)
    return done, kept


def test_what_is_plain_is_not_looked_at_one_by_one(device, monkeypatch):
    ones = [device(f"truck-{n}", "mqtt") for n in range(3)]
    monkeypatch.setattr(judging, "take", lambda *_given: pytest.fail("one by one"))
    body = [
        {"at": NOW - 900 + n, "seq": n, "lat": 12.65, "lon": -8.0, "speed": 20, "fuel": 40 - n / 10} for n in range(20)
    ]
    records = [Record(NOW, "mqtt", one.code, "json", "door", json.dumps(body).encode()) for one in ones]
    assert loading.load(records).rows == 120
    assert values(ones[2], "fuel") == [40 - n / 10 for n in range(20)]
    assert api.latest([ones[0].pk])[ones[0].pk].speed == 20


def test_a_telephone_that_was_a_tracker_is_forgotten_with_its_owner(device):
    one = device("phone-1", "sms", kind="phone", phone="+22370000041")
    person = people.person_for(name="Moussa", phone="+22370000041")
    say(one, b"lat=12.65 lon=-8.0 battery=50", proof="phone:+22370000041", form="words")
    say(one, b"battery=999 at the well of Moussa", proof="phone:+22370000041", form="words")
    rule = AlarmRule.objects.create(name="low", spec=Threshold("battery", below=60).spec())
    Alarm.objects.create(rule=rule, device=one, level=1, lat=12.65, lon=-8.0, raised=datetime.fromtimestamp(NOW, UTC))
    (told,) = forgetting.export(person.pk)
    assert (told["code"], told["lat"], told["lon"]) == ("phone-1", 12.65, -8.0)
    forgetting.erase(person.pk)
    kept = Device.objects.get()
    assert (kept.state, kept.phone, kept.name) == ("retired", "", "phone-1") and forgetting.export(person.pk) == []
    assert Latest.objects.get().geom is None and values(one, "battery") == []
    for table in ("deviceevent", "refused", "alarm", "rule_state", "latest", "device"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM telemetry_{table} t")
            said = " ".join(row[0] for row in cursor.fetchall())
        assert "70000041" not in said and "Moussa" not in said and "12.65" not in said, table
    assert api.track(one.pk, datetime.fromtimestamp(NOW - 900, UTC), datetime.fromtimestamp(NOW + 900, UTC)) == []


def test_a_clock_that_is_wrong_is_noticed_and_a_buffer_emptied_is_none(device, hire):
    slow, fast, buffered, right = (device(code) for code in ("slow", "fast", "buffered", "right"))
    for n in range(3):
        say(slow, {"at": NOW + n * 60 - 400, "fill": n}, received=NOW + n * 60)
        say(fast, {"at": NOW + n * 60 + 300, "fill": n}, received=NOW + n * 60)
        say(right, {"at": NOW + n * 60 - 2, "fill": n}, received=NOW + n * 60)
    drift = dict(Latest.objects.values_list("device__code", "drift"))
    assert drift == {
        "slow": pytest.approx(400),
        "fast": pytest.approx(-300),
        "right": pytest.approx(2),
        "buffered": None,
    }
    # It was set right: believed little by little, one message being no proof.
    say(slow, {"at": NOW + 200, "fill": 9}, received=NOW + 200)
    assert Latest.objects.get(device=slow).drift == pytest.approx(360)
    # What was kept for two days and comes at once is late; its clock says nothing wrong.
    say(buffered, [{"at": NOW - 2 * 86400 + n, "fill": n} for n in range(3)], received=NOW)
    assert Latest.objects.get(device=buffered).drift is None
    say(buffered, [{"at": NOW - 2 * 86400 + 60, "fill": 5}, {"at": NOW + 60, "fill": 6}], received=NOW + 61)
    assert Latest.objects.get(device=buffered).drift == pytest.approx(1)
    head = hire("manager")
    assert head.get("/desk/devices/").content.decode().count("its clock is wrong") == 2
    page = head.get(f"/desk/devices/{slow.pk}").content.decode()
    assert "its clock is 360\u00a0s behind ours" in page
    assert "its clock is 300\u00a0s ahead of ours" in head.get(f"/desk/devices/{fast.pk}").content.decode()
    Latest.objects.filter(device=slow).update(drift=17_972)
    assert "its clock is 5\u00a0h behind ours" in head.get(f"/desk/devices/{slow.pk}").content.decode()
    assert "behind ours" not in head.get(f"/desk/devices/{right.pk}").content.decode()


@pytest.fixture
def elsewhere():
    """Another session of the database, whose transaction ends when the test says so."""
    other = connection.copy()
    other.set_autocommit(False)
    yield other
    other.close()


@pytest.mark.django_db(transaction=True)
def test_what_two_transactions_change_is_seen_whichever_ends_first(device, elsewhere):
    one, other = device("bin-1"), device("bin-2")
    key = register.key_of(one)
    say(one, {"at": NOW - 9, "fill": 1})
    with elsewhere.cursor() as cursor:  # retires it, and takes its time
        cursor.execute(
            "UPDATE telemetry_device SET state = 'retired', changed = now() - interval '1 s' WHERE id = %s", [one.pk]
        )
    register.new_key(other.pk, by=SYSTEM)  # begins later, ends first, and is read
    assert say(other, {"at": NOW - 8, "fill": 1}).rows == 0 and say(one, {"at": NOW - 8, "fill": 1}).rows == 1
    elsewhere.commit()
    assert say(one, {"at": NOW - 7, "fill": 2}, proof=f"key:{key}").rows == 0
    with elsewhere.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_latest; DELETE FROM telemetry_refused")
        cursor.execute("DELETE FROM telemetry_device WHERE id = %s", [other.pk])
    elsewhere.commit()
    assert say(other, {"at": NOW - 7, "fill": 2}).refused == 1 and Refused.objects.get().reason == "unknown"


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_seen_though_its_transaction_ends_late(device, elsewhere):
    one = device("bin-1")
    full = AlarmRule.objects.create(name="full", spec=Threshold("fill", above=80).spec())
    with elsewhere.cursor() as cursor:
        cursor.execute(
            "UPDATE telemetry_rule SET \"on\" = true, changed = now() - interval '1 s' WHERE id = %s", [full.pk]
        )
    AlarmRule.objects.create(name="empty", spec=Threshold("fill", below=2).spec(), on=True)
    say(one, {"at": NOW - 9, "fill": 90})
    assert not Alarm.objects.exists()
    elsewhere.commit()
    say(one, {"at": NOW - 8, "fill": 95})
    assert Alarm.objects.get().rule == full


def test_what_did_not_change_is_not_read_again(device):
    ones = [device(f"bin-{n}") for n in range(4)]
    say(ones[0], {"at": NOW - 9, "fill": 1})
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_change")  # those of this very transaction are read each time
    say(ones[0], {"at": NOW - 8, "fill": 1})
    with CaptureQueriesContext(connection) as asked:
        say(ones[0], {"at": NOW - 7, "fill": 1})
    said = [one["sql"] for one in asked]
    assert sum("telemetry_change" in one for one in said) == 2 and not any(
        'FROM "telemetry_device"' in one for one in said
    )
    register.retire(ones[1].pk, by=SYSTEM)
    with CaptureQueriesContext(connection) as asked:
        say(ones[0], {"at": NOW - 6, "fill": 1})
    (read,) = [one["sql"] for one in asked if 'FROM "telemetry_device"' in one["sql"]]
    assert f"IN ({ones[1].pk})" in read
    changes.forget_old()


def test_a_signed_repeat_is_refused_where_little_is_kept(device):
    one = device("scale-1", signed=True)
    Policy.objects.filter(table="reading").update(raw_days=3)

    def weighs(days: float):
        body = json.dumps({"at": NOW - days * 86400, "seq": 1, "weight": 5}).encode()
        return say(one, body, proof=f"sig:{keys.sign(body, register.key_of(one))}")

    assert weighs(1.9).rows == 1 and weighs(1.9).refused == 1
    assert weighs(2.1).rows == 0
    Policy.objects.filter(table="reading").update(raw_days=90)
    assert weighs(29).rows == 1 and weighs(31).rows == 0
