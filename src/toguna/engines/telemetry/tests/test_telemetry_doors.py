"""The doors over HTTP and SMS: what each tongue says becomes the same readings."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from toguna.engines.channels.incoming import receive
from toguna.engines.telemetry import api
from toguna.engines.telemetry.devices import decoding, keys, register
from toguna.engines.telemetry.doors import wire
from toguna.engines.telemetry.intake import draining, lorawan, observation, spool, words
from toguna.engines.telemetry.models import Decoder, Latest, Refused
from toguna.engines.telemetry.tests.conftest import NOW
from toguna.kernel.testing import run_jobs

CHIRPSTACK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d", "time": datetime.fromtimestamp(NOW, UTC).isoformat()[:19] + ".123456789+00:00",
    "deviceInfo": {"tenantName": "ChirpStack", "deviceName": "bin", "devEui": "0101010101010101"},
    "devAddr": "00189440", "dr": 1, "fPort": 1, "fCnt": 12, "data": "ASIAyA==",
    "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -48, "snr": 9}, {"gatewayId": "0016c001f153a14d", "rssi": -90}],
}  # fmt: skip
THINGS = {
    "end_device_ids": {"device_id": "dev1", "application_ids": {"application_id": "app1"}, "dev_eui": "0004A30B001C0530", "dev_addr": "00BCB929"},
    "received_at": datetime.fromtimestamp(NOW, UTC).isoformat()[:19] + ".040752Z",
    "uplink_message": {"f_cnt": 42, "f_port": 2, "frm_payload": "Aio=", "decoded_payload": {"temperature": 21.5, "note": "x"},
        "rx_metadata": [{"gateway_ids": {"gateway_id": "gtw1"}, "rssi": -35}], "last_battery_percentage": {"value": 66.5}},
}  # fmt: skip


@pytest.fixture
def web() -> Client:
    return Client(headers={"accept-language": "en"})


def post(web, path, said, key="", **headers):
    given = {"Authorization": f"Bearer {key}", **headers} if key else headers
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return web.post(path, body, content_type="application/json", headers=given)


def last(device):
    return {name: value for name, (value, _at) in api.latest([device.pk])[device.pk].values.items()}


def test_a_device_over_http_with_its_key_or_a_signature(device, web):
    one = device("bin-1", "http")
    key = register.key_of(one)
    assert post(web, "/telemetry/in/bin-1", {"fill": 1}).status_code == 401
    assert post(web, "/telemetry/in/bin-1", {"fill": 1}, "wrong").status_code == 401
    answer = post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 70}, key)
    assert answer.status_code == 202 and answer.json() == {"taken": 1, "rows": 1, "twice": 0, "refused": 0}
    basic = base64.b64encode(f"bin-1:{key}".encode()).decode()
    assert (
        post(web, "/telemetry/in/bin-1", {"at": NOW + 1, "fill": 71}, Authorization=f"Basic {basic}").status_code == 202
    )
    body = json.dumps({"at": NOW + 2, "fill": 72}).encode()
    assert (
        post(web, "/telemetry/in/bin-1", body, **{"X-Signature": f"sha256={keys.sign(body, key)}"}).json()["rows"] == 1
    )
    assert post(web, "/telemetry/in/bin-1", body + b"\n" + keys.sign(body, key).encode()).json()["twice"] == 1
    assert post(web, "/telemetry/in/bin-1", body, **{"X-Signature": "sha256=00"}).json()["refused"] == 1
    assert last(one) == {"fill": 72}
    assert post(web, "/telemetry/in/nobody", {"fill": 1}, "x").status_code == 202
    assert [row.code for row in register.strangers()] == ["nobody"]
    assert web.get("/telemetry/in/bin-1").status_code == 405


def test_lorawan_network_servers(device, web):
    decoder = Decoder.objects.create(slug="lid", name="Lid", fields=[
        {"byte": 1, "quantity": "temperature", "signed": True}, {"byte": 2, "size": 2, "quantity": "fill", "scale": 0.1, "port": 1},
        {"byte": 0, "bit": 0, "quantity": "alarm"}, {"byte": 9, "quantity": "level"},
    ])  # fmt: skip
    chirp = device("0101010101010101", "lorawan", decoder=decoder.pk)
    things = device("0004a30b001c0530", "lorawan")
    key = keys.network(0)
    assert post(web, "/telemetry/lorawan/chirpstack?event=up", CHIRPSTACK, "wrong").status_code == 401
    assert post(web, "/telemetry/lorawan/chirpstack?event=join", {}, key).status_code == 204
    assert post(web, "/telemetry/lorawan/chirpstack?event=up", CHIRPSTACK, key).json()["rows"] == 4
    assert post(web, "/telemetry/lorawan/chirpstack?event=up", CHIRPSTACK, key).json() == {
        "taken": 1,
        "rows": 0,
        "twice": 4,
        "refused": 0,
    }
    assert last(chirp) == {"temperature": 34.0, "fill": 20.0, "alarm": 1.0, "signal": -48.0}
    assert post(web, "/telemetry/lorawan/things-stack", THINGS, key).json()["rows"] == 3
    assert last(things) == {"temperature": 21.5, "signal": -35.0, "battery": 66.5}
    assert Latest.objects.get(pk=things.pk).seq == 42
    assert post(web, "/telemetry/lorawan/things-stack", {"uplink_message": {}}, key).status_code == 400


def test_what_network_servers_send_besides_uplinks(device, web):
    """As their manuals show it: what is none of ours is no error, or the network server would try again for ever."""
    chirp, things = device("0101010101010101", "lorawan"), device("0004a30b001c0530", "lorawan")
    key, here = keys.network(0), {name: CHIRPSTACK[name] for name in ("deduplicationId", "time", "deviceInfo")}
    status = {
        **here,
        "margin": 10,
        "externalPowerSource": False,
        "batteryLevelUnavailable": False,
        "batteryLevel": 74.8,
    }
    assert post(web, "/telemetry/lorawan/chirpstack?event=up", CHIRPSTACK, key).json()["rows"] == 1
    assert post(web, "/telemetry/lorawan/chirpstack?event=status", status, key).json()["rows"] == 1
    assert last(chirp) == {"signal": -48.0, "battery": 74.8} and Latest.objects.get(pk=chirp.pk).seq == 12
    none = {**here, "margin": 10, "externalPowerSource": True, "batteryLevelUnavailable": True}
    for event, said in (
        ("status", none), ("status", {**status, "batteryLevelUnavailable": True}), ("join", {**here, "devAddr": "00189440"}),
        ("ack", {**here, "queueItemId": "x", "acknowledged": True, "fCntDown": 4}), ("txack", {**here, "downlinkId": 4, "gatewayId": "0016c001f153a14c"}),
        ("log", {**here, "level": "ERROR", "code": "UPLINK_CODEC", "description": "x"}), ("location", {**here, "location": {"latitude": 1.0}}),
    ):  # fmt: skip
        assert post(web, f"/telemetry/lorawan/chirpstack?event={event}", said, key).status_code == 204, event
    ids = {name: THINGS[name] for name in ("end_device_ids", "received_at")}
    for name in (
        "join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "downlink_queued", "downlink_queue_invalidated",
        "location_solved", "service_data", "uplink_normalized",
    ):  # fmt: skip
        assert post(web, "/telemetry/lorawan/things-stack", {**ids, name: {}}, key).status_code == 204, name
    assert post(web, "/telemetry/lorawan/things-stack", {**ids, "join_accept": {}}, "wrong").status_code == 401
    # The uplink's own time, else that of the application server.
    assert post(web, "/telemetry/lorawan/things-stack", THINGS, key).json()["rows"] == 3
    assert api.latest([things.pk])[things.pk].values["signal"][1] == datetime.fromtimestamp(NOW + 0.040752, UTC)
    assert not Refused.objects.exists()


def test_phones_as_osmand_and_the_traccar_client_say_it(device, web):
    phone = device("awa-1", "phone", kind="phone")
    key = register.key_of(phone)
    said = f"id=awa-1&lat=12.65&lon=-8.0&timestamp={NOW}&speed=10&bearing=90&altitude=340&batt=81"
    assert web.get(f"/telemetry/osmand?{said}&key=wrong").status_code == 401
    assert web.get(f"/telemetry/osmand/{key}?{said}").json()["rows"] == 2
    seen = api.latest([phone.pk])[phone.pk]
    assert (seen.lat, round(seen.speed, 2), seen.course, seen.battery) == (12.65, 18.52, 90, 81)
    newer = {
        "location": {
            "timestamp": datetime.fromtimestamp(NOW + 60, UTC).isoformat().replace("+00:00", "Z"),
            "coords": {"latitude": 12.651, "longitude": -8.0, "speed": 5, "heading": -1},
            "battery": {"level": 0.5},
        },
        "device_id": "awa-1",
    }
    assert post(web, f"/telemetry/osmand/{key}", newer).json()["rows"] == 2
    assert api.latest([phone.pk])[phone.pk].battery == 50
    assert web.get(f"/telemetry/osmand/{key}?id=awa-1&lat=x").status_code == 400
    assert post(web, f"/telemetry/osmand/{key}", {"device_id": "awa-1", "location": {"coords": 5}}).status_code == 400
    # The town's own page sends a list; a list that is sent again changes nothing.
    places = [{"at": (NOW + 100 + n) * 1000, "seq": n + 1, "lat": 12.651, "lon": -8.0} for n in range(3)]
    assert post(web, "/telemetry/phone/in/awa-1", places, key).json()["rows"] == 3
    assert post(web, "/telemetry/phone/in/awa-1", places, key).json()["twice"] == 3
    page = web.get("/telemetry/phone/")
    assert page.status_code == 200 and len(page.content) < 30_000 and key not in page.content.decode()
    assert web.get("/telemetry/phone/worker.js")["Service-Worker-Allowed"] == "/telemetry/phone/"


def test_the_database_is_away_and_nothing_is_lost(device, web, monkeypatch):
    one = device("bin-1", "http")
    key = register.key_of(one)

    def away(*_args, **_more):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(register.Device.objects, "filter", away)
        patch.setattr(draining, "_drain", away)
        for n in range(3):
            assert post(web, "/telemetry/in/bin-1", {"at": NOW + n, "fill": n}, key).json() == {"taken": 1}
        assert post(web, "/telemetry/in/bin-1", {"at": NOW + 9, "fill": 9}, "wrong").status_code == 202
    assert spool.waiting()[0] > 0 and last(one) == {}
    done = draining.drain()
    assert (done.rows, done.refused) == (3, 1) and last(one) == {"fill": 2} and Refused.objects.get().reason == "key"


def test_the_spool_leaves_the_database_room_to_come_back(device, web, monkeypatch):
    one = device("bin-1", "http")
    key = register.key_of(one)
    with monkeypatch.context() as patch:
        patch.setattr(spool, "SPARED", 10**18)  # as if the disk were full
        answer = post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 1}, key)
        assert answer.status_code == 507 and spool.waiting() == (0, None)
    assert post(web, "/telemetry/in/bin-1", {"at": NOW, "fill": 1}, key).json()["rows"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_device_that_reports_by_sms(device):
    one = device("gauge-1", "sms", phone="+22370001122")
    receive("sms", "+22370001122", "level=1.5 bat:80 seq=3", reference="a")
    receive("sms", "+22370001122", "READING level=1.75 seq=4", reference="b")
    receive("sms", "+22370009999", "READING level=9", reference="c")
    run_jobs()
    assert last(one) == {"level": 1.75, "battery": 80.0}
    assert not register.strangers()


def test_what_is_in_words():
    (seen,) = words.read(b"lat:12.65012 long:-8.00123 speed:0.00 T:26/11/29 08:00 bat:98%")
    assert (seen.lat, seen.lon, seen.speed, seen.values) == (12.65012, -8.00123, 0.0, {"battery": 98.0})


def test_the_spool_survives_what_the_power_cut(tmp_path):
    writer = spool.Writer(tmp_path)
    records = [spool.Record(NOW + n, "http", "bin-1", "json", "door", b"x" * n) for n in range(5)]
    writer.put(records)
    path = spool.files(tmp_path)[0]
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(records[4].packed()[:-2])  # the power goes here
    read = list(spool.Reader(path, 0).records())
    assert [record for record, _end in read] == records and read[-1][1] == whole
    assert [record for record, _end in spool.Reader(path, read[2][1]).records()] == records[3:]
    assert not spool.clear(path, whole)  # its writer still holds it
    writer.close()
    assert spool.clear(path, whole) and spool.files(tmp_path) == []


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers(-(10**20), 10**20) | st.text(max_size=12), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["at", "seq", "lat", "values", "n", "bn", "bt", "v", "t", "time", "deviceInfo", "devEui", "uplink_message", "data", "object", "rxInfo", "f_cnt", "fill"]), inner, max_size=4), max_leaves=10)  # fmt: skip
ROW = st.fixed_dictionaries({"quantity": st.just("fill")}, optional={"byte": st.integers(0, 255), "field": st.text(max_size=5), "size": st.integers(0, 9), "bit": st.integers(0, 8), "bits": st.integers(0, 9), "scale": st.floats() | st.integers(), "signed": st.booleans(), "little": st.booleans(), "port": st.integers(0, 300)})  # fmt: skip


@settings(max_examples=200)
@given(JSON, st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(said, raw):
    for body in (json.dumps(said).encode(), raw):
        for read in (observation.read, lorawan.chirpstack, lorawan.things_stack, words.read):
            try:
                read(body)
            except observation.Unreadable:
                continue


@settings(max_examples=100)
@given(st.lists(ROW, max_size=4), JSON, st.binary(max_size=20))
def test_a_decoder_that_is_accepted_never_fails(rows, said, raw):
    try:
        fields = decoding.check(rows)
    except decoding.BadDecoder:
        return
    decoding.from_json(fields, said)
    decoding.from_bytes(fields, raw)


class Line(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.reading, self.aborted = b"", True, False

    def write(self, data: bytes) -> None:
        self.said += data

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.aborted = True


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(1, 65535), st.binary(max_size=300)), min_size=1, max_size=8),
    st.lists(st.integers(1, 400), max_size=12),
)  # fmt: skip
def test_what_the_broker_says_is_cut_into_messages_wherever_it_was_torn(said, torn):
    """A session that was kept: messages come before the answer to the subscription."""
    packets = [wire.packet(wire.CONNACK, b"\x01\x00")]
    for qos, number, body in said:
        packets.append(
            wire.packet(wire.PUBLISH | qos << 1, b"\x00\x07t/a/\xc3\xa9x" + (number.to_bytes(2) if qos else b"") + body)
        )
    packets.append(wire.packet(wire.SUBACK, b"\x00\x01\x01"))
    data = b"".join(packets)

    async def read():
        session, line = wire.Subscriber("me", "me", "secret", "t/+/up"), Line()
        session.connection_made(line)
        at = 0
        for length in [*torn, len(data)]:
            session.data_received(data[at : at + length])
            at += length
        await session.ready()
        come = await session.come()
        session.acknowledge(come)
        session._timer.cancel()
        return come, line

    come, line = asyncio.run(read())
    assert [(one.topic, one.number, one.body) for one in come] == [
        ("t/a/éx", number if qos else 0, body) for qos, number, body in said
    ]
    asked = [number for qos, number, _body in said if qos]
    assert line.said.endswith(b"".join(b"\x40\x02" + number.to_bytes(2) for number in asked)) and not line.aborted
    assert line.said.startswith(b"\x10") and line.reading


def test_more_than_fits_comes_before_the_broker_has_answered(monkeypatch):
    monkeypatch.setattr(wire, "PAUSED", 1000)

    async def read(answer: bytes):
        session, line = wire.Subscriber("me", "me", "secret", "t/+/up"), Line()
        session.connection_made(line)
        session.data_received(answer + wire.packet(wire.PUBLISH | 2, b"\x00\x04t/up\x00\x01" + bytes(2000)))
        paused = not line.reading
        session._timer.cancel()
        await session.ready()
        return paused, len(await session.come()), line.reading

    assert asyncio.run(read(wire.packet(wire.CONNACK, b"\x00\x00"))) == (True, 1, True)
    with pytest.raises(OSError, match="refused, 5"):
        asyncio.run(read(wire.packet(wire.CONNACK, b"\x00\x05")))
    with pytest.raises(OSError, match="no length"):
        asyncio.run(read(b"\x30\xff\xff\xff\xff\xff"))
