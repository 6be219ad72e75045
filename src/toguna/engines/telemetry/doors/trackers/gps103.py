"""GPS103, TK103 (Xexun, Coban): text over TCP, messages that end with a semicolon.

    ##,imei:359586015829802,A;         it begins: LOAD
    359586015829802;                   it lives: ON
    imei:359587010124900,tracker,0809231929,13554900601,F,112909.397,A,2234.4669,N,11354.3287,E,0.11,321.53;

The third field is the device's own local time to the minute, the sixth the time in UTC without the day; speed in knots.
"""

from __future__ import annotations

from datetime import timedelta

from toguna.engines.telemetry.doors.trackers.frames import KNOT, BadFrame, Heard, degrees, imei, moment, number
from toguna.engines.telemetry.intake.observation import Observation

MOST = 1024


class Gps103:
    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[Heard]:
        self._kept += data
        *whole, self._kept = self._kept.replace(b"\r", b"").replace(b"\n", b"").split(b";")
        if len(self._kept) > MOST:
            raise BadFrame("no end")
        return [self._one(part) for part in whole if part.strip()]

    def _one(self, part: bytes) -> Heard:
        try:
            text = part.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise BadFrame("no text") from error
        if text.startswith("##"):
            fields = text.split(",")
            return Heard(imei(fields[1].removeprefix("imei:") if len(fields) > 1 else ""), answer=b"LOAD", asks=True)
        if text.isdecimal():
            return Heard(imei(text), answer=b"ON")
        if not text.startswith("imei:"):
            raise BadFrame("no message")
        fields = [field.strip() for field in text.split(",")]
        code = imei(fields[0].removeprefix("imei:"))
        what = fields[1].lower() if len(fields) > 1 else ""
        answer = f"**,imei:{code},E;".encode() if what == "help me" else b""
        seen = _position(fields, what)
        return Heard(code, [seen] if seen else [], answer)


def _position(fields: list[str], what: str) -> Observation | None:
    if len(fields) < 12:
        raise BadFrame("too short")
    values: dict[str, float] = {}
    if what in ("help me", "sensor alarm", "door alarm", "low battery"):
        values["alarm"] = 1.0
    if what in ("acc on", "acc alarm", "acc off"):
        values["ignition"] = 0.0 if what == "acc off" else 1.0
    at = _time(fields[2], fields[5])
    if fields[4] != "F" or fields[6] != "A":
        return Observation(at=at, values=values) if values else None
    speed = number(fields[11])
    return Observation(
        at=at, lat=degrees(fields[7], fields[8]), lon=degrees(fields[9], fields[10]),
        speed=None if speed is None else speed * KNOT, course=number(fields[12]) if len(fields) > 12 else None,
        altitude=number(fields[13]) if len(fields) > 13 else None, values=values,
    )  # fmt: skip


def _time(local: str, utc: str) -> float | None:
    """The day of the local time, the hour in UTC: whichever day makes them lie less than half a day apart."""
    if not (local.isascii() and local.isdecimal() and len(local) in (10, 12)):
        return None
    here = moment(*(int(local[n : n + 2]) for n in range(0, 10, 2)))
    clock = utc.partition(".")[0]
    if not (clock.isascii() and clock.isdecimal() and len(clock) == 6):
        return here.timestamp()
    there = moment(here.year - 2000, here.month, here.day, int(clock[:2]), int(clock[2:4]), int(clock[4:]))
    if there - here > timedelta(hours=12):
        there -= timedelta(days=1)
    elif here - there > timedelta(hours=12):
        there += timedelta(days=1)
    return there.timestamp()
