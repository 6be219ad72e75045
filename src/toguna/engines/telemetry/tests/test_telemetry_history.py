"""Days in partitions, then in files; hours that stay."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from toguna.engines.telemetry import api
from toguna.engines.telemetry.history import drifting, files, hours, partitions
from toguna.engines.telemetry.models import Archive, Device, Hour, Policy, Quantity
from toguna.engines.telemetry.rules import trying
from toguna.engines.telemetry.rules.conditions import Silence, Threshold
from toguna.engines.telemetry.tests.conftest import NOW, say


def test_a_day_goes_into_a_file_and_is_read_with_the_others(device, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    one, other = device("truck-1"), device("truck-2")
    old = NOW - 50 * 86400
    for who in (one, other):
        said = [
            {"at": old + n, "seq": n, "fuel": 40 - n, "lat": 12.65, "lon": -8 + n / 1000, "speed": None if n else 30}
            for n in range(20)
        ]
        say(who, [*said, {"at": NOW, "seq": 99, "fuel": 5, "lat": 12.65, "lon": -8.0}])
    start, end = datetime.fromtimestamp(old - 5, UTC), datetime.fromtimestamp(NOW + 5, UTC)
    for seq in range(5, 0, -1):  # of one second
        say(one, {"at": old + 19, "seq": 19 + seq, "fuel": 20 - seq, "lat": 12.65, "lon": -7.981 + seq / 1e6})
    before = api.readings(one.pk, "fuel", start, end), api.track(one.pk, start, end)
    assert len(before[0]) == 26 and [p.lon for p in before[1][:-1]] == sorted(p.lon for p in before[1][:-1])
    day = datetime.fromtimestamp(old, UTC).date()
    assert day in partitions.existing("reading")
    done = files.put_away()
    assert {(row.table, row.rows) for row in done} == {("reading", 45), ("position", 45)}
    assert day not in partitions.existing("reading") and files.put_away() == []
    assert (api.readings(one.pk, "fuel", start, end), api.track(one.pk, start, end)) == before
    # What comes late for such a day is kept, and read with it; the same again is still the same once the day is in a file.
    say(one, {"at": old + 30, "seq": 30, "fuel": 1})
    assert len(api.readings(one.pk, "fuel", start, end)) == 27
    say(one, {"at": old + 3, "seq": 3, "fuel": 37})
    assert len(api.readings(one.pk, "fuel", start, end)) == 27
    assert [row.rows for row in files.put_away()] == [46]  # written anew, whole
    assert len(api.readings(one.pk, "fuel", start, end)) == 27
    Policy.objects.update(file_days=20)
    files.forget_old()
    assert not Archive.objects.exists() and not list((tmp_path / "archive").glob("*.parquet"))
    assert len(api.readings(one.pk, "fuel", start, end)) == 1


def test_a_way_and_a_rule_go_on_over_the_day_that_left_the_database(device, hire, monkeypatch, tmp_path):
    """Replayed on its page, and tried: as before the days went into files."""
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    truck, gauge = device("truck-1", "tcp", kind="tracker"), device("gauge-1")
    noons = [NOW // 86400 * 86400 - days * 86400 + 43200 for days in (4, 2)]
    for noon in noons:
        say(truck, [{"at": noon + n * 30, "lat": 12.65 + n / 2000, "lon": -8.0} for n in range(20)], proof="door")
        say(gauge, {"at": noon, "level": 5})
    address, agent = f"/desk/devices/{truck.pk}/day", hire("agent")

    def seen():
        days = [f"{datetime.fromtimestamp(noon, UTC):%Y-%m-%d}" for noon in noons]
        pages = [agent.get(address, {"day": day}).content.decode() for day in days]
        tried = (
            trying.attempt(rule, Device.objects.filter(pk=gauge.pk))
            for rule in (Silence(24 * 60), Threshold("level", above=4))
        )
        return [re.findall(r'<script id="way"[^>]*>(.*?)</script>', page) for page in pages], [
            one.raised for one in tried
        ]

    before = seen()
    assert all(len(json.loads(way)) == 20 for (way,) in before[0]) and [len(one) for one in before[1]] == [2, 1]
    Policy.objects.update(raw_days=3)
    assert sorted((row.table, row.rows) for row in files.put_away()) == [("position", 20), ("reading", 1)]
    assert seen() == before


def test_a_move_that_is_cut_leaves_nothing_double_or_lost(device, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    one, other, old = device("truck-1"), device("truck-2"), NOW - 50 * 86400
    for who in (one, other):
        say(who, [{"at": old + n, "seq": n, "fuel": 40 - n} for n in range(20)])
    start, end = datetime.fromtimestamp(old - 5, UTC), datetime.fromtimestamp(NOW, UTC)
    before, of = (
        api.readings(one.pk, "fuel", start, end),
        partitions.name("reading", datetime.fromtimestamp(old, UTC).date()),
    )
    for place, name in ((files.partitions, "gone"), (files.os, "fsync"), (Archive, "save")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, lambda *_args, **_more: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                files.put_away()
        assert api.readings(one.pk, "fuel", start, end) == before
    assert Archive.objects.get().digest == "" and list(
        (tmp_path / "archive").glob("*.parquet")
    )  # a file that is not believed yet
    (tmp_path / "archive" / f".making-{Archive.objects.get().file}-cut").mkdir()
    # Meanwhile a person was forgotten: what was written before the cut does not bring the rows back.
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {of} WHERE device = %s", [other.pk])
    assert [row.rows for row in files.put_away()] == [20]
    assert api.readings(one.pk, "fuel", start, end) == before and api.readings(other.pk, "fuel", start, end) == []
    assert [path.suffix for path in (tmp_path / "archive").iterdir()] == [".parquet"]


@pytest.mark.django_db(transaction=True)
def test_readings_are_loaded_and_read_while_a_day_is_put_away_and_after_it_was_cut(device, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    Policy.objects.get_or_create(table="reading")
    one, old = device("truck-1"), NOW - 50 * 86400
    say(one, [{"at": old + n, "seq": n, "fuel": n} for n in range(9)])
    start, end = datetime.fromtimestamp(old - 5, UTC), datetime.fromtimestamp(NOW + 5, UTC)
    before = api.readings(one.pk, "fuel", start, end)
    seen = []

    def cut(*_how, **_more):
        with ThreadPoolExecutor(1) as others:  # of two days: into the table as a whole
            others.submit(loads).result(10)
        raise MemoryError

    def loads():
        connection.cursor().execute("SET lock_timeout = '1s'")
        seen.append(say(one, [{"at": NOW - 86400, "seq": 90, "fuel": 1}, {"at": NOW, "seq": 99, "fuel": 5}]).rows)
        seen.append(len(api.readings(one.pk, "fuel", start, end)))
        connection.close()

    with monkeypatch.context() as patch:
        patch.setattr(files.tempfile, "TemporaryDirectory", cut)
        with pytest.raises(MemoryError):
            files.put_away()
    assert seen == [2, 11]
    assert api.readings(one.pk, "fuel", start, end)[:9] == before
    assert [row.rows for row in files.put_away()] == [9] and files.put_away() == []
    assert api.readings(one.pk, "fuel", start, end)[:9] == before


def test_rows_put_aside_come_into_their_partition(device):
    one = device()
    day = datetime.fromtimestamp(NOW - 300 * 86400, UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_reading (device, quantity, at, value) VALUES (%s, 1, %s, 5)", [one.pk, day]
        )
        partitions.ensure([day.date()])
        cursor.execute(f"SELECT count(*) FROM {partitions.name('reading', day.date())}")
        assert cursor.fetchone()[0] == 1
    partitions.index_ended()
    partitions.index_ended()
    assert day.date() in partitions.existing("position")


def written(act) -> int:
    """Rows of hours that it makes or changes."""

    def rows() -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c) FROM (SELECT 'telemetry_hour'::regclass::oid c) _"
            )
            return cursor.fetchone()[0]

    before = rows()
    act()
    return rows() - before


def test_hours_are_what_stays(device):
    one = device()
    noon = datetime.fromtimestamp(NOW, UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    base = int(noon.timestamp())
    said = [{"at": base + n * 600, "level": n} for n in range(12)]
    say(one, json.dumps(said).encode())
    hours.sum_up()
    with connection.cursor() as cursor:  # as after a power cut: the same hours once more
        cursor.execute("INSERT INTO telemetry_touched (hour) SELECT DISTINCT hour FROM telemetry_hour")
    assert written(hours.sum_up) == 0
    found = api.hours(one.pk, "level", noon, noon + timedelta(days=1))
    assert [(h.n, h.mean, h.low, h.high) for h in found] == [(6, 2.5, 0, 5), (6, 8.5, 6, 11)]
    assert Hour.objects.count() == 2
    # One that comes late counts in its hour, also of long ago; the hours of others are not touched.
    other = device("bin-2")
    say(other, [{"at": base + 60, "level": 9}, {"at": NOW, "level": 9}])
    hours.sum_up()
    Hour.objects.filter(device=other).update(n=77)
    say(one, [{"at": base + 5, "level": 30}, {"at": base - 20 * 86400, "level": 4}])
    assert written(hours.sum_up) == 2
    found = api.hours(one.pk, "level", noon - timedelta(days=30), noon + timedelta(hours=1))
    assert [(h.n, h.high) for h in found] == [(1, 4), (7, 30)]
    assert set(Hour.objects.filter(device=other).values_list("n", flat=True)) == {77}


def test_the_last_of_an_hour_is_the_last_that_was_sent_in_its_second(device):
    one, second = device(), NOW // 3600 * 3600 - 3600
    for seq in (2, 4, 1, 3):
        say(one, {"at": second, "seq": seq, "level": 10 * seq})
    hours.sum_up()
    assert Hour.objects.get().last == 40


def test_a_device_that_was_away_long_is_counted_right_in_the_days_that_left_for_files(device, monkeypatch, tmp_path):
    """By the hour and by the reading, from which charts are drawn; before its days are put away again, and after."""
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    bin_, other = device("bin-1"), device("bin-2")
    first = NOW // 86400 * 86400 - 20 * 86400
    start, end = datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(first + 5 * 86400, UTC)
    every = [{"at": first + n * 1200, "seq": n, "level": n % 7} for n in range(5 * 72)]
    # Of each hour one reading came, with those of a neighbour; the days are put away before the hours are summed up.
    for who in (bin_, other):
        say(who, [*every[::3], {"at": NOW, "seq": 5000, "level": 1}])
    Policy.objects.update(raw_days=3)
    assert len(files.put_away()) == 5
    hours.sum_up()
    before = api.hours(other.pk, "level", start, end)
    assert [one.n for one in before] == [1] * 120 and api.hours(bin_.pk, "level", start, end) == before
    say(bin_, every)
    want = [(3, sum(said) / 3, min(said), max(said)) for said in (
        [one["level"] for one in every[n : n + 3]] for n in range(0, len(every), 3)
    )]  # fmt: skip

    def counted() -> list[tuple[int, float, float, float]]:
        return [(one.n, one.mean, one.low, one.high) for one in api.hours(bin_.pk, "level", start, end)]

    def again() -> int:
        """As after a power cut: the same hours once more."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO telemetry_touched (hour, device) SELECT DISTINCT hour, %s FROM telemetry_hour", [bin_.pk]
            )
        return written(hours.sum_up)

    assert written(hours.sum_up) == 120 and counted() == [pytest.approx(one) for one in want]
    assert again() == 0
    say(bin_, every[:200])
    assert written(hours.sum_up) == 0, "what comes again is the same"
    files.put_away()
    say(bin_, every[200:])
    assert written(hours.sum_up) == 0 and again() == 0 and counted() == [pytest.approx(one) for one in want]
    files.put_away()
    assert [(one.seq, one.value) for one in api.readings(bin_.pk, "level", start, end)] == [
        (one["seq"], one["level"]) for one in every
    ]
    assert api.hours(other.pk, "level", start, end) == before
    # A day whose file is gone keeps its hours: what comes late is not taken for the whole of them.
    for row in Archive.objects.all():
        (tmp_path / "archive" / row.file).unlink()
    say(bin_, {"at": first + 5, "seq": 6000, "level": 9})
    assert written(hours.sum_up) == 0
    Archive.objects.all().delete()
    say(bin_, {"at": first + 6, "seq": 6001, "level": 9})
    assert written(hours.sum_up) == 0 and counted() == [pytest.approx(one) for one in want]


def test_hours_of_a_day_wait_until_it_is_in_its_file(device, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    one, old = device(), NOW // 3600 * 3600 - 50 * 86400
    say(one, [{"at": old + n, "seq": n, "level": n} for n in range(10)])
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", lambda *_args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            files.put_away()
    hours.sum_up()
    assert not Hour.objects.exists()
    files.put_away()
    hours.sum_up()
    assert Hour.objects.get().n == 10


def test_a_sensor_that_drifts_is_said_on_its_page(device, hire):
    """The hot season comes to all; one of them moves away from the others."""
    ones = [device(f"air-{n}", name=f"Air {n}") for n in range(6)]
    for n, one in enumerate(ones):
        say(one, {"at": NOW, "temperature": 30, "count": 5, "lat": 12.65 + n / 100, "lon": -8.0})
    codes = dict(Quantity.objects.values_list("code", "pk"))
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = []
    for n, one in enumerate(ones):
        for days in (*range(1, 7), *range(29, 35)):
            season = 0 if days > 7 else 6
            own = 2.5 if n == 3 and days < 7 else 0
            for code, value in (
                ("temperature", 25 + n / 2 + n * season / 60 + season + own + days % 3),
                ("count", days * n**3),
            ):
                rows.append(
                    Hour(
                        device=one, quantity_id=codes[code], hour=now - timedelta(days=days), n=1, mean=value, low=value, high=value, last=value
                    )
                )  # fmt: skip
    Hour.objects.bulk_create(rows)
    assert [drifting.drift(one.pk, "temperature") is not None for one in ones] == [n == 3 for n in range(6)]
    found = drifting.drift(ones[3].pk, "temperature")
    assert found.by == pytest.approx(2.5, abs=0.3) and found.others == 5 and drifting.drift(ones[5].pk, "count") is None
    head = hire("manager")
    assert "It drifts: in four weeks it moved by 2.6 °C" in head.get(f"/desk/devices/{ones[3].pk}").content.decode()
    assert "It drifts" not in head.get(f"/desk/devices/{ones[2].pk}").content.decode()
    # With too few others, nothing is proven.
    Hour.objects.filter(device__in=ones[:2]).delete()
    assert drifting.drift(ones[3].pk, "temperature") is None


def test_the_length_of_a_way(device):
    one = device("truck", kind="tracker")
    say(one, [{"at": NOW - 600 + n * 60, "lat": 12.65 + n / 1000, "lon": -8.0} for n in range(6)])
    way = api.track(one.pk, datetime.fromtimestamp(NOW - 700, UTC), datetime.fromtimestamp(NOW, UTC))
    assert 550 < api.metres(way) < 560
