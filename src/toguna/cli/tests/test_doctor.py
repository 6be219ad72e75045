"""What the doctor says of the calendar and of what waits for the database."""

from __future__ import annotations

import time

from toguna.cli import doctor
from toguna.engines.telemetry.intake import spool, taking
from toguna.engines.telemetry.testing import loaded, own_spool
from toguna.kernel import places


def test_a_calendar_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "home", lambda: tmp_path)
    assert (doctor.calendar().state, doctor.calendar().text) == ("ok", "holidays: 3")
    (tmp_path / "calendar.toml").write_text('holidays = ["1 May"]')
    assert doctor.calendar().state == "fail" and "1 May" in doctor.calendar().text


def test_what_waits_for_the_database(db, tmp_path, monkeypatch):
    with own_spool(tmp_path / "spool"):
        assert doctor.devices().state == "ok" and "nothing waits" in doctor.devices().text
        old = time.time() - 86400
        taking.WRITER.put(
            [taking.record("http", "bin-1", b"x" * 100_000, proof="door", received=old + n) for n in range(20)]
        )
        found = doctor.devices()
        assert found.state == "warn" and "2.0 MB wait for the database since" in found.text and "room for" in found.text
        assert time.strftime("%Y-%m-%d %H:%M", time.gmtime(old)) in found.text
        # Half of it is loaded, then all of it, though its file is still written to.
        (path,) = spool.files()
        ends = [end for _record, end in spool.Reader(path, 0).records()]
        loaded(path, ends[9])
        assert "1.0 MB wait" in doctor.devices().text
        loaded(path, ends[-1])
        assert doctor.devices().state == "ok" and "nothing waits" in doctor.devices().text
        monkeypatch.setattr(spool, "SPARED", 10**18)
        assert doctor.devices().state == "fail"
