"""Trackers over TCP: their own frames, the answers that they wait for, and anything else that may come."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from toguna.engines.telemetry.doors import listening
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.doors.trackers import frames
from toguna.engines.telemetry.doors.trackers.frames import BadFrame
from toguna.engines.telemetry.doors.trackers.gps103 import Gps103
from toguna.engines.telemetry.doors.trackers.h02 import H02
from toguna.engines.telemetry.doors.trackers.teltonika import Teltonika, crc16
from toguna.engines.telemetry.doors.trackers.tk103 import Tk103
from toguna.engines.telemetry.intake import draining, spool
from toguna.engines.telemetry.models import Latest, Refused
from toguna.engines.telemetry.tests.conftest import NOW

# As their makers publish them.
TELTONIKA_LOGIN = b"\x00\x0f356307042441013"
TELTONIKA = bytes.fromhex(
    "000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E0000000000000000010000C7CF"
)
TELTONIKA_8E = bytes.fromhex(
    "000000000000004A8E010000016B412CEE000100000000000000000000000000000000010005000100010100010011001D00010010015E2C880002000B000000003544C87A000E000000001DD7E06A00000100002994"
)
GPS103 = b"imei:359587010124900,tracker,0809231929,13554900601,F,112909.397,A,2234.4669,N,11354.3287,E,0.11,321.53;"
H02_TEXT = (
    b"*HQ,123456789012345,V1,155850,A,5214.5346,N,2117.4683,E,10.00,270.90,131012,ffffffff,000000,000000,000000,000000#"
)
TK103 = b"(013612345678BP05000013612345678080524A2232.9806N11404.9355E000.1101241323.8700000000L000450AC)"
H02_BINARY = bytes.fromhex("2442091341332059572807175137358006000183640e000000fffffbfdff001f080000000000ea1e0000000021")


def moving(*records):
    """A Teltonika packet: (milliseconds, lat, lon, speed, {element: byte})."""
    body = b""
    for at, lat, lon, speed, elements in records:
        body += struct.pack(">QBiihHBH", at, 0, round(lon * 1e7), round(lat * 1e7), 340, 90, 9, speed)
        body += bytes([0, len(elements), len(elements)]) + b"".join(bytes(pair) for pair in elements.items()) + bytes(3)
    data = bytes([8, len(records)]) + body + bytes([len(records)])
    return struct.pack(">II", 0, len(data)) + data + struct.pack(">I", crc16(data))


def test_teltonika_codec_8_and_8_extended():
    talk = Teltonika()
    (login,) = talk.feed(TELTONIKA_LOGIN)
    assert (login.code, login.answer, login.refused, login.asks) == ("356307042441013", b"\x01", b"\x00", True)
    assert talk.feed(TELTONIKA[:20]) == []
    (one,) = talk.feed(TELTONIKA[20:])
    assert one.answer == b"\0\0\0\1" and datetime.fromtimestamp(one.observations[0].at, UTC) == datetime(
        2019, 6, 10, 10, 4, 46, tzinfo=UTC
    )
    assert one.observations[0].values == {"voltage": 24.079, "signal": -85.0} and one.observations[0].lat is None
    (wide,) = talk.feed(TELTONIKA_8E)
    assert wide.answer == b"\0\0\0\1" and wide.observations[0].values == {"odometer": pytest.approx(22949.0, abs=1)}
    wrong = bytearray(TELTONIKA)
    wrong[15] ^= 1
    (refused,) = talk.feed(bytes(wrong))
    assert refused.answer == b"\0\0\0\0" and refused.observations == []
    (two,) = talk.feed(moving((1790000000000, -12.5, -8.25, 40, {239: 1}), (1790000001000, 12.5, 8.25, 0, {})))
    assert [(o.lat, o.lon, o.speed, o.values) for o in two.observations] == [
        (-12.5, -8.25, 40.0, {"ignition": 1.0}),
        (12.5, 8.25, 0.0, {}),
    ]


def test_gps103():
    talk = Gps103()
    (login,) = talk.feed(b"##,imei:359586015829802,A;")
    assert (login.code, login.answer, login.asks) == ("359586015829802", b"LOAD", True)
    assert [h.answer for h in talk.feed(b"359586015829802;\r\n")] == [b"ON"]
    (one,) = talk.feed(GPS103)
    seen = one.observations[0]
    assert datetime.fromtimestamp(seen.at, UTC) == datetime(2008, 9, 23, 11, 29, 9, tzinfo=UTC)
    assert (seen.lat, seen.lon) == (pytest.approx(22.574448, abs=1e-6), pytest.approx(113.905478, abs=1e-6))
    assert seen.speed == pytest.approx(0.2037, abs=1e-3) and seen.course == 321.53
    (help_me,) = talk.feed(
        b"imei:359586015829802,help me,0809231429,13554900601,F,062947.294,A,2234.4026,N,11354.3277,W,0.00,;"
    )
    assert help_me.answer == b"**,imei:359586015829802,E;" and help_me.observations[0].values == {"alarm": 1.0}
    assert help_me.observations[0].lon < 0
    (lost,) = talk.feed(b"imei:353451040164707,tracker,1105182344,,L,,,1FB9,,12AB,,,;")
    assert lost.observations == []


def test_tk103_in_brackets():
    talk = Tk103()
    assert talk.feed(TK103[:40]) == []
    (one,) = talk.feed(TK103[40:] + b"(0123")
    assert (one.code, one.answer, one.asks) == ("013612345678", b"(013612345678AP05)", False)
    seen = one.observations[0]
    assert datetime.fromtimestamp(seen.at, UTC) == datetime(2008, 5, 24, 10, 12, 41, tzinfo=UTC)
    assert (seen.lat, seen.lon) == (pytest.approx(22.549677, abs=1e-6), pytest.approx(114.082258, abs=1e-6))
    assert (seen.speed, seen.course, seen.values) == (0.1, 323.87, {"ignition": 0.0})
    (south,) = talk.feed(b"45678901BR00130520A3439.9629S05826.3504W000.1175622323.8701000000L000450AC)")
    seen = south.observations[0]
    assert (seen.lat, seen.lon) == (pytest.approx(-34.666048, abs=1e-6), pytest.approx(-58.439173, abs=1e-6))
    assert (south.code, south.answer, seen.values) == ("012345678901", b"", {"ignition": 1.0})
    (alarm,) = talk.feed(b"(012345678901BO012110601V5955.9527N01047.4330E000.0231007034.6200000000L00000000)")
    assert alarm.answer == b"(012345678901AS012)" and alarm.observations[0].values == {"ignition": 0.0, "alarm": 1.0}
    assert alarm.observations[0].lat is None
    (asks,) = talk.feed(b"(090411121854BP000001234567890HSO)")
    assert (asks.code, asks.answer, asks.asks) == ("090411121854", b"(090411121854AP01HSO)", True)
    for wrong in (
        b"x)",
        b"(01234567890xBP05)",
        b"(012345678901BR00130520A3439.9629S)",
        b"(012345678901BR00139920A3439.9629S05826.3504W000.1175622323.8701000000L0)",
        b"(" * 2000,
    ):
        with pytest.raises(BadFrame):
            Tk103().feed(wrong)


def test_h02_in_text_and_in_binary_over_one_connection():
    talk = H02()
    text, binary = talk.feed(H02_TEXT + H02_BINARY)
    seen = text.observations[0]
    assert datetime.fromtimestamp(seen.at, UTC) == datetime(2012, 10, 13, 15, 58, 50, tzinfo=UTC)
    assert (seen.lat, seen.lon) == (pytest.approx(52.242243, abs=1e-6), pytest.approx(21.291138, abs=1e-6))
    assert seen.speed == pytest.approx(18.52) and text.answer.startswith(b"*HQ,123456789012345,V4,V1,2")
    seen = binary.observations[0]
    assert (binary.code, datetime.fromtimestamp(seen.at, UTC)) == (
        "4209134133",
        datetime(2017, 7, 28, 20, 59, 57, tzinfo=UTC),
    )
    assert (seen.lat, seen.lon) == (pytest.approx(51.622633, abs=1e-6), pytest.approx(0.306067, abs=1e-6))
    (lost,) = talk.feed(
        b"*HQ,353588020068342,V1,000000,V,0.0000,0,0.0000,0,0.00,0.00,000000,ffffffff,000106,000002,000203,004c87,16#"
    )
    assert lost.observations == []
    (alive,) = talk.feed(b"*HQ,353588020068342,HTBT,77#")
    assert alive.observations[0].values == {"battery": 77.0}


CRLF = st.sampled_from(
    [
        b"",
        b"*HQ,",
        b"$",
        b"#",
        b";",
        b"imei:",
        b"##,imei:",
        b"\0\0\0\0",
        b"\0\x0f",
        b"(013612345678BO012",
        GPS103,
        TK103,
        H02_TEXT,
        H02_BINARY,
        TELTONIKA_LOGIN,
        TELTONIKA,
    ]
)


@settings(max_examples=150)
@given(st.lists(st.one_of(st.binary(max_size=80), CRLF), max_size=6), st.integers(0, 400), st.integers(0, 255))
def test_whatever_comes_is_read_or_refused(parts, where, what):
    data = bytearray(b"".join(parts))
    if data:
        data[where % len(data)] = what
    for make in (Gps103, H02, Teltonika, Tk103):
        talk = make()
        try:
            for n in range(0, len(data), 7):
                talk.feed(bytes(data[n : n + 7]))
        except BadFrame:
            continue


FIGURES = st.sampled_from(
    ["", "0", "9" * 5, "9" * 400, "1.2.3", "-1", "nan", "inf", "1e400", "A", "V", "N", "S", "W", "²", "\x00"]
)
SENTENCES = [text.decode() for text in (GPS103, TK103, H02_TEXT)]


@settings(max_examples=100)
@given(st.sampled_from(SENTENCES), st.integers(0, 20), FIGURES)
@example(SENTENCES[2], 5, "9" * 400)
@example(SENTENCES[0], 7, "9" * 400)
def test_whatever_a_field_holds(sentence, field, what):
    parts = sentence.split(",")
    parts[field % len(parts)] = what
    for make in (Gps103, H02, Tk103):
        with contextlib.suppress(BadFrame):
            make().feed(",".join(parts).encode())


@pytest.mark.parametrize("text", ["9" * 400, "9" * 400 + ".1", "123456.7"])
def test_a_coordinate_that_is_too_long_is_none(text):
    with pytest.raises(BadFrame):
        frames.degrees(text, "N")


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_whatever_a_sealed_packet_holds(body):
    data = b"\x08" + body + b"\x01"
    talk = Teltonika()
    talk.feed(TELTONIKA_LOGIN)
    with contextlib.suppress(BadFrame):
        talk.feed(struct.pack(">II", 0, len(data)) + data + struct.pack(">I", crc16(data)))


async def _exchange(port, *messages):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for message in messages:
        writer.write(message)
        answers.append(await asyncio.wait_for(reader.read(200), 60))
    writer.close()
    return answers


def talk_to(*conversations):
    """[(protocol, messages...)] with the real listener; what is answered. Nothing is loaded meanwhile: the test's own
    transaction is not seen by other threads."""

    async def main():
        collector, ports = Collector(), {}
        collector._drain = lambda: None
        ready = asyncio.Event()

        def bound(found):
            ports.update(found)
            ready.set()

        at = dict.fromkeys(listening.PROTOCOLS, 0)
        work = asyncio.ensure_future(collector.run(lambda c: listening.listen(c, host="127.0.0.1", at=at, ready=bound)))
        await ready.wait()
        try:
            return [await _exchange(ports[protocol], *messages) for protocol, *messages in conversations]
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    return asyncio.run(main())


def test_over_tcp_answered_once_on_the_disk(device, monkeypatch):
    known = {
        "356307042441013": device("356307042441013", "tcp", kind="tracker"),
        "359587010124900": device("359587010124900", "tcp"),
        "123456789012345": device("123456789012345", "tcp"),
    }
    monkeypatch.setattr(listening, "_known", lambda code: code in known)
    place = moving((NOW * 1000, 12.65, -8.0, 30, {113: 80}))
    broken = bytearray(place)
    broken[20] ^= 255
    answers = talk_to(
        ("teltonika", TELTONIKA_LOGIN, bytes(broken), place),
        ("teltonika", b"\x00\x0f111111111111111"),
        ("gps103", b"##,imei:359587010124900,A;", b"359587010124900;"),
        ("h02", H02_TEXT),
        ("h02", b"GET / HTTP/1.1\r\n\r\n"),
    )
    assert answers[0] == [b"\x01", b"\0\0\0\0", b"\0\0\0\1"] and answers[1] == [b"\x00"]
    assert (
        answers[2] == [b"LOAD", b"ON"] and answers[3][0].startswith(b"*HQ,123456789012345,V4") and answers[4] == [b""]
    )
    assert spool.waiting()[0] > 0
    done = draining.drain()
    assert done.messages == 3 and spool.files() == []
    last = Latest.objects.get(pk=known["356307042441013"].pk)
    assert (last.lat, last.speed, last.battery) == (12.65, 30.0, 80.0)
    # Years old: its clock is not believed, its place is kept under our time.
    assert Refused.objects.get(device=known["123456789012345"]).reason == "clock"
    assert Refused.objects.get(device=None).code == "111111111111111"
