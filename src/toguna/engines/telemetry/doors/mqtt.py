"""MQTT: what devices publish at `t/CODE/up`. The broker knows who they are; each message is acknowledged once it is on our disk."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import aiomqtt
from django.db import DatabaseError, InterfaceError, close_old_connections

from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors import broker
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.intake import taking
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
        except* (aiomqtt.MqttError, OSError) as several:  # alone, or from one of the session's two tasks
            log.warning("the MQTT broker: %s", several.exceptions[0])
        await asyncio.sleep(AGAIN)


async def _session(collector: Collector, host: str, port: int) -> None:
    client = aiomqtt.Client(
        host, port, username=broker.COLLECTOR, password=keys.collector(), identifier="toguna-collector",
        clean_session=False, max_inflight_messages=65535, keepalive=30,
    )  # fmt: skip
    # Acknowledged by us, once it is on the disk: not by the library, when it has come.
    client._client.manual_ack_set(True)
    async with client:
        await client.subscribe("t/+/up", qos=1)
        log.info("taking what the broker has")
        waiting: asyncio.Queue[Any] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            keeping = both.create_task(_keep(collector, client, waiting))
            async for message in client.messages:
                waiting.put_nowait(message)
                if waiting.qsize() > 10_000:
                    await collector.room()
                    await asyncio.sleep(0)
            keeping.cancel()


async def _keep(collector: Collector, client: aiomqtt.Client, waiting: asyncio.Queue[Any]) -> None:
    while True:
        batch = [await waiting.get()]
        while len(batch) < TOGETHER and not waiting.empty():
            batch.append(waiting.get_nowait())
        records = []
        for message in batch:
            payload = message.payload
            if isinstance(payload, bytes | bytearray) and not message.retain:
                code = message.topic.value.split("/")[1]
                records.append(taking.record(Device.Door.MQTT, code, bytes(payload), proof="door"))
        await collector.put(records)
        for message in batch:
            if message.qos:
                client._client.ack(message.mid, message.qos)


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
