"""Whatever comes in at the doors, torn, wrong or malicious: it is read or refused, and what others say goes on."""

from __future__ import annotations

import asyncio
import json
from itertools import count

from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from toguna.engines.telemetry.devices import keys, register
from toguna.engines.telemetry.doors import wire
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.engines.telemetry.tests.test_telemetry_doors import Line, post

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ODD = st.one_of(
    st.sampled_from(["", "nan", "inf", "-inf", "1e400", "9" * 400, "\0", "é\0", "١٢", "0x1", "null", "12.65", "-8", str(NOW), "1e18", "0001-01-01", "9999-12-31T23:59:59Z"]),
    st.text(max_size=12),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=6,
)  # fmt: skip


def speaks(data: list[bytes]):
    """What a subscriber makes of what the broker sends: (messages, whether it was ended)."""

    async def read():
        session, line = wire.Subscriber("me", "me", "secret", "t/+/up"), Line()
        session.connection_made(line)
        for part in data:
            session.data_received(part)
            if line.aborted:
                break
        session._timer.cancel()
        if session._ready.done():
            session._ready.exception()
        come = await session.come() if session._come else []
        return [(one.topic, one.body, one.number) for one in come], bool(getattr(line, "aborted", False))

    return asyncio.run(read())


def message(number: int, body: bytes) -> bytes:
    return wire.packet(wire.PUBLISH | 2, b"\x00\x04t/up" + number.to_bytes(2) + body)


LET_IN = wire.packet(wire.CONNACK, b"\x00\x00")


def test_packets_that_are_torn_at_any_byte_give_the_same_messages():
    data = LET_IN + message(1, b"one") + message(2, bytes(130)) + message(3, b"")
    whole = speaks([data])
    assert [number for _topic, _body, number in whole[0]] == [1, 2, 3] and not whole[1]
    for at in range(1, len(data)):
        assert speaks([data[:at], data[at:]]) == whole
    assert speaks([data[n : n + 1] for n in range(len(data))]) == whole


@FEW
@given(st.binary(max_size=80))
def test_a_wrong_packet_ends_its_connection_and_nothing_else(rest):
    come, _ended = speaks([LET_IN + message(1, b"one"), rest])
    assert come[0] == ("t/up", b"one", 1)  # what was whole before is kept
    assert speaks([LET_IN + message(1, b"one"), b"\x30\xff\xff\xff\xff\xff" + rest]) == ([("t/up", b"one", 1)], True)
    assert speaks([LET_IN + message(2, b"two")]) == ([("t/up", b"two", 2)], False)  # another connection


@FEW
@given(
    st.dictionaries(
        st.sampled_from(["id", "lat", "lon", "timestamp", "speed", "bearing", "altitude", "batt", "location", "key"]),
        ODD,
    )
)
@example({"id": "awa-1", "lat": "12.65", "lon": "-8", "timestamp": "1e18"})
@example({"id": "a\0b", "lat": "12.65", "lon": "-8"})
def test_whatever_a_phone_sends_is_taken_or_refused(device, said):
    phone = (
        device("awa-1", "phone", kind="phone")
        if not register.Device.objects.exists()
        else register.Device.objects.get()
    )
    web, key = Client(), register.key_of(phone)
    assert web.get(f"/telemetry/osmand/{key}", said).status_code in (202, 400, 401)
    assert web.post("/telemetry/osmand", said).status_code in (202, 400, 401)


@FEW
@given(st.sampled_from(["/Things", "/Datastreams", "/Observations", "/Locations", "/ObservedProperties", "/HistoricalLocations", "/FeaturesOfInterest"]),
       st.sampled_from(["name", "id", "@iot.id", "phenomenonTime", "resultTime", "result", "Datastream/name", "Datastreams/id", "Thing/name"]),
       st.sampled_from(["eq", "gt", "le"]), ODD, st.booleans())  # fmt: skip
@example("/Observations", "result", "gt", "inf", False)
@example("/Observations", "phenomenonTime", "gt", "9999-12-31T23:59:59Z", False)
@example("/Observations", "phenomenonTime", "gt", "0001-01-01", False)
@example("/Things", "name", "eq", "\0", True)
@example("/Things", "id", "eq", "1e18", False)
def test_whatever_a_filter_asks_is_answered_or_refused(device, path, name, op, value, quoted):
    if not register.Device.objects.exists():
        say(device("gauge-1", public=True), {"at": NOW, "level": 1, "lat": 12.65, "lon": -8.0})
    written = "'" + value.replace("'", "''") + "'" if quoted else value
    answer = Client().get(f"/sensorthings/v1.1{path}", {"$filter": f"{name} {op} {written}", "$count": "true"})
    assert answer.status_code in (200, 400, 404)


@FEW
@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries(
            {"result": JSON, "phenomenonTime": JSON | ODD, "Datastream": st.just({"@iot.id": "1-1"}) | JSON}
        ),
    )
)
def test_whatever_is_posted_as_an_observation_is_taken_or_refused(device, said):
    gauge = register.Device.objects.first() or device("gauge-1")
    stream = {"Datastream": {"@iot.id": f"{gauge.pk}-1"}}
    for body in (said, {**said, **stream} if isinstance(said, dict) else said):
        data = json.dumps(body).encode()
        answer = post(Client(), "/sensorthings/v1.1/Observations", data, register.key_of(gauge))
        assert answer.status_code in (201, 202, 400, 401, 404, 405)


NUMBERS = count(1)
LATIN = st.characters(min_codepoint=32, max_codepoint=255)


@FEW
@given(
    st.binary(max_size=70) | st.sampled_from([b"\n" + b"0" * 64, b"\n" + b"f" * 16, b"\n" + "é".encode() * 8]),
    st.text(LATIN, max_size=16) | st.text(LATIN, min_size=16, max_size=16) | st.just("é" * 64),
)
@example(b"", "é" * 16)  # as long as a signature
def test_the_tail_of_a_signed_message_fits_or_is_refused(device, tail, header):
    scale = register.Device.objects.first() or device("scale-1", signed=True)
    text = json.dumps({"at": NOW, "seq": next(NUMBERS), "weight": 5}).encode()
    signed, given_ = keys.split(text + tail)
    assert not given_ or not keys.signature_fits(signed, given_, scale.code, scale.key_number)
    answer = post(Client(), f"/telemetry/in/{scale.code}", text + tail, **{"X-Signature": header})
    assert answer.status_code in (202, 401)
    assert answer.status_code == 401 or answer.json()["rows"] == 0
    # The right one is taken, whatever came before it.
    good = text + b"\n" + keys.sign(text, register.key_of(scale)).encode()
    said = post(Client(), f"/telemetry/in/{scale.code}", good).json()
    assert said["rows"] == 1 and not said["refused"]
