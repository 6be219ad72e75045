"""MQTT: what devices publish at `t/CODE/up`. The broker knows who they are; each message is acknowledged once it is on our disk."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path

from django.db import DatabaseError, InterfaceError, close_old_connections

from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors import broker, wire
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.intake import taking
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Device

log = logging.getLogger(__name__)
AGAIN = 1.0  # seconds until a broker that went away is tried again
REGISTER = 5.0  # seconds between two looks at the register


async def subscribe(collector: Collector, *, at: tuple[str, int] | None = None) -> None:
    """Takes what the broker has, until cancelled; a broker that goes away is waited for."""
    while True:
        try:
            await _session(collector, *(at or broker.address()))
        except OSError as error:
            log.warning("the MQTT broker: %s", error)
        await asyncio.sleep(AGAIN)


async def _session(collector: Collector, host: str, port: int) -> None:
    """Until the broker goes away. What came before that is kept: it told the devices that it has it, and may not remember it."""
    make = partial(wire.Subscriber, broker.SESSION, broker.COLLECTOR, keys.collector(), broker.TOPIC)
    _transport, session = await asyncio.get_running_loop().create_connection(make, host, port)
    try:
        await session.ready()
        log.info("taking what the broker has")
        while come := await session.come():
            await _kept(collector, session, _records(come))
            session.acknowledge(come)
    finally:
        session.close()
    raise wire.Refused("it went away")


async def _kept(collector: Collector, session: wire.Subscriber, records: list[Record]) -> None:
    """On the disk; raises OSError when that cannot be and the broker, which is there, keeps them."""
    while records:
        try:
            await collector.put(records)
            records = []
        except OSError:  # a full disk: the collector said so, and waits between two attempts
            if not session.ended:
                raise


def _records(come: list[wire.Publish]) -> list[Record]:
    now = time.time()
    return [
        taking.record(Device.Door.MQTT, one.topic.split("/")[1], one.body, proof="door", received=now)
        for one in come
        if not one.kept
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
