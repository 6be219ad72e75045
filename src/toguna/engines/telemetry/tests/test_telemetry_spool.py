"""The spool on a bad day: heads that are too long, a file that cannot be read, a full disk, a backlog."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client

from toguna.cli import doctor
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.intake import draining, spool, taking
from toguna.engines.telemetry.models import Latest, Refused, SpoolMark
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.engines.telemetry.tests.test_telemetry_doors import post


@pytest.fixture
def web() -> Client:
    return Client(headers={"accept-language": "en"})


def reading(n: int, key: str) -> spool.Record:
    return taking.record("http", "bin-1", json.dumps({"at": NOW + n, "fill": n}).encode(), proof=f"key:{key}")


def test_a_stranger_with_a_long_name_destroys_nothing_of_others(device, web):
    one = device("bin-1", "http")
    key = register.key_of(one)
    odd = "\N{WASTEBASKET}" * 64
    assert web.post(f"/telemetry/in/{odd}?key={odd * 3}", b"x" * spool.MOST, content_type="a/b").status_code == 202
    for n in range(3):
        assert post(web, "/telemetry/in/bin-1", {"at": NOW + n, "fill": n}, key).status_code == 202
    taking.WRITER.close()
    draining.drain()
    assert Latest.objects.get(device=one).taken == 3 and Refused.objects.get().reason == "unknown"
    assert spool.files() == spool.bad() == []


@pytest.mark.parametrize(
    "torn", [b"", b"\0" * 5000, b"\x09\0\0\0", reading(9, "k").packed()[:-2]], ids=["none", "zeros", "length", "record"]
)
def test_the_end_of_a_write_that_was_cut_goes_and_says_nothing(tmp_path, torn):
    where = tmp_path / "spool"
    writer = spool.Writer(where)
    writer.put([reading(1, "k")])
    writer.close()
    (path,) = spool.files(where)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(torn)
    assert len(list(spool.Reader(path, 0).records())) == 1
    assert spool.clear(path, whole) and spool.files(where) == spool.bad(where) == []


@pytest.mark.parametrize("wrong", [b"\xff" * 8, b"\x01\0\0\0" + b"\xff" * 4], ids=["length", "check"])
def test_a_file_that_cannot_be_read_to_its_end_is_kept_and_told(device, wrong):
    """A disk that fails: what stands behind it was answered."""
    one = device("bin-1", "http")
    key = register.key_of(one)
    taking.WRITER.put([reading(1, key)])
    taking.WRITER.close()
    (path,) = spool.files()
    with path.open("ab") as file:
        file.write(wrong + b"?" + reading(2, key).packed())
    before = path.read_bytes()
    draining.drain()
    assert Latest.objects.get(device=one).taken == 1
    assert spool.files() == [] and not SpoolMark.objects.exists()
    (kept,) = spool.bad()
    assert kept.read_bytes() == before
    found = doctor.devices()
    assert found.state == "warn" and str(kept) in found.advice
    kept.unlink()
    assert doctor.devices().state == "ok"


def test_a_disk_that_was_full_once_is_written_again(device, web, monkeypatch):
    one = device("bin-1", "http")
    key = register.key_of(one)
    assert post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 1}, key).status_code == 202
    file = taking.WRITER._file
    # A disk that is full: the buffer is taken, and cannot be written.
    taking.WRITER._file = Path("/dev/full").open("wb")  # noqa: SIM115 - the writer closes it
    with monkeypatch.context() as patch:
        patch.setattr(spool.os, "ftruncate", lambda *_where: None)
        assert post(web, "/telemetry/in/bin-1", {"at": NOW + 1, "fill": 2}, key).status_code == 507
    file.close()
    assert post(web, "/telemetry/in/bin-1", {"at": NOW + 1, "fill": 2}, key).status_code == 202
    assert Latest.objects.get(device=one).taken == 2


def test_a_backlog_is_not_loaded_in_a_request_of_a_visitor(device, web):
    one = device("bin-1", "http")
    key = register.key_of(one)
    stranger = taking.record("http", "nobody", b"x" * 400_000, proof="")
    taking.WRITER.put([stranger] * 4)  # a day without the database
    assert post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 1}, key).json() == {"taken": 1}
    assert not SpoolMark.objects.exists()
    assert draining.drain().messages == 5 and Latest.objects.get(device=one).taken == 1
    # What others sent is not counted in the answer.
    taking.WRITER.put([stranger])
    assert post(web, "/telemetry/in/bin-1", {"at": NOW + 1, "fill": 1}, key).json() == {"taken": 1}
    assert post(web, "/telemetry/in/bin-1", {"at": NOW + 2, "fill": 1}, key).json()["rows"] == 1


def test_nobody_waits_at_a_door_while_another_process_loads(device, web, monkeypatch):
    one = device("bin-1", "http")
    clock = [0.0]  # it goes on only while somebody waits

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with spool.draining(), monkeypatch.context() as patch:
        patch.setattr(spool, "time", SimpleNamespace(time_ns=time.time_ns, monotonic=lambda: clock[0], sleep=sleep))
        assert post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 1}, register.key_of(one)).json() == {"taken": 1}
    assert 0 < clock[0] < 0.5
    assert draining.drain().rows == 1


def test_a_database_that_cannot_write_now_is_no_fault_of_the_message(device):
    """Its disk is full: what came waits, whole."""
    one = device("bin-1", "http")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$; "
            "CREATE TRIGGER full_disk BEFORE INSERT ON telemetry_reading FOR EACH ROW EXECUTE FUNCTION pg_temp.full_disk()"
        )
        assert say(one, [{"at": NOW - 86400, "fill": 1}, {"at": NOW, "fill": 2}]).away
        cursor.execute("DROP TRIGGER full_disk ON telemetry_reading")
    assert not Refused.objects.exists() and draining.drain().rows == 2
