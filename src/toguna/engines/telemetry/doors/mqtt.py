"""MQTT: what devices publish at `t/CODE/up`. The broker knows who they are; each message is acknowledged once it is on our disk."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import aiomqtt
from django.db import DatabaseError, InterfaceError, close_old_connections
from paho.mqtt.enums import MQTTErrorCode

from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors import broker
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.intake import taking
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Device

log = logging.getLogger(__name__)
AGAIN = 1.0  # seconds until a broker that went away is tried again
REGISTER = 5.0  # seconds between two looks at the register
TOGETHER = 500  # messages written and acknowledged in one go


async def subscribe(collector: Collector, *, at: tuple[str, int] | None = None) -> None:
    """Takes what the broker has, until cancelled; a broker that goes away is waited for."""
    while True:
        try:
            await _session(collector, *(at or broker.address()))
        except (aiomqtt.MqttError, OSError) as error:
            log.warning("the MQTT broker: %s", error)
        await asyncio.sleep(AGAIN)


async def _session(collector: Collector, host: str, port: int) -> None:
    client = aiomqtt.Client(
        host, port, username=broker.COLLECTOR, password=keys.collector(), identifier=broker.SESSION,
        clean_session=False, max_inflight_messages=65535, keepalive=30,
    )  # fmt: skip
    # Acknowledged by us, once it is on the disk: not by the library, when it has come.
    client._client.manual_ack_set(True)
    _to_the_end(client)
    try:
        async with client:
            await client.subscribe(broker.TOPIC, qos=1)
            log.info("taking what the broker has")
            async for message in client.messages:
                batch = [message, *_come(client, TOGETHER - 1)]
                await collector.put(_records(batch))
                for one in batch:
                    if one.qos:
                        client._client.ack(one.mid, one.qos)
    except aiomqtt.MqttError:
        # What came before the broker went away is kept: it told the devices that it has it, and may not remember it.
        rest = _records(_come(client))
        while rest:
            try:
                await collector.put(rest)
                rest = []
            except OSError:  # a full disk: the collector said so, and waits between two attempts
                continue
        raise


def _to_the_end(client: aiomqtt.Client) -> None:
    """Mosquitto hands us a message before it acknowledges it to the device. So when it dies, what it wrote is read to its end: an
    acknowledgement that cannot be written any more must not close the connection, as the library would, before all is read."""
    paho: Any = client._client
    write, read = paho._packet_write, paho.loop_read

    def written() -> Any:
        code = write()
        if code == MQTTErrorCode.MQTT_ERR_CONN_LOST:
            paho._out_packet.clear()
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return code

    def all_there_is() -> None:
        for _packet in range(TOGETHER):
            before = client._queue.qsize()
            if read() or client._queue.qsize() == before:
                break

    paho._packet_write, paho.loop_read = written, all_there_is


def _come(client: aiomqtt.Client, most: int | None = None) -> list[Any]:
    count = client._queue.qsize()
    return [client._queue.get_nowait() for _one in range(count if most is None else min(count, most))]


def _records(messages: list[Any]) -> list[Record]:
    return [
        taking.record(Device.Door.MQTT, message.topic.value.split("/")[1], bytes(message.payload), proof="door")
        for message in messages
        if isinstance(message.payload, bytes | bytearray) and not message.retain
    ]


async def passwords(collector: Collector, *, where: Path | None = None) -> None:
    """Brings the register's keys to the broker whenever they change, until cancelled."""
    known = broker.Passwords()
    while True:
        try:
            await asyncio.to_thread(_bring, known, where or broker.folder())
        except (DatabaseError, InterfaceError) as error:
            log.info("the register is not read: %s", error)
        await asyncio.sleep(REGISTER)


def _bring(known: broker.Passwords, where: Path) -> None:
    close_old_connections()
    known.bring(where)
