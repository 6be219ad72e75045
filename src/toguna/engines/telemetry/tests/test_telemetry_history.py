"""Days in partitions, then in files; hours that stay."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from toguna.engines.telemetry import api
from toguna.engines.telemetry.history import files, hours, partitions
from toguna.engines.telemetry.models import Archive, Hour, Policy
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
    before = api.readings(one.pk, "fuel", start, end), api.track(one.pk, start, end)
    assert len(before[0]) == 21
    day = datetime.fromtimestamp(old, UTC).date()
    assert day in partitions.existing("reading")
    done = files.put_away()
    assert {(row.table, row.rows) for row in done} == {("reading", 40), ("position", 40)}
    assert day not in partitions.existing("reading") and files.put_away() == []
    assert (api.readings(one.pk, "fuel", start, end), api.track(one.pk, start, end)) == before
    # What comes late for such a day is kept, and read with it; the same again is still the same once the day is in a file.
    say(one, {"at": old + 30, "seq": 30, "fuel": 1})
    assert len(api.readings(one.pk, "fuel", start, end)) == 22
    say(one, {"at": old + 3, "seq": 3, "fuel": 37})
    assert len(api.readings(one.pk, "fuel", start, end)) == 22
    assert [row.rows for row in files.put_away()] == [41]  # written anew, whole
    assert len(api.readings(one.pk, "fuel", start, end)) == 22
    Policy.objects.update(file_days=20)
    files.forget_old()
    assert not Archive.objects.exists() and not list((tmp_path / "archive").glob("*.parquet"))
    assert len(api.readings(one.pk, "fuel", start, end)) == 1


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
    # What comes late for a day that is in a file is not taken for the whole of its hour.
    Archive.objects.create(table="reading", day=noon.date(), file="x", rows=1, digest="x")
    say(one, {"at": base + 7, "level": 1})
    assert written(hours.sum_up) == 0 and api.hours(one.pk, "level", noon, noon + timedelta(hours=1))[0].n == 7


def test_the_length_of_a_way(device):
    one = device("truck", kind="tracker")
    say(one, [{"at": NOW - 600 + n * 60, "lat": 12.65 + n / 1000, "lon": -8.0} for n in range(6)])
    way = api.track(one.pk, datetime.fromtimestamp(NOW - 700, UTC), datetime.fromtimestamp(NOW, UTC))
    assert 550 < api.metres(way) < 560
