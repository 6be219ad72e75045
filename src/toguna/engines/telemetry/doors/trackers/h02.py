"""H02 (Sinotrack and many others): text that ends with "#", and binary frames that begin with "$", over one connection.

    *HQ,4109179024,V1,103732,A,2234.9273,N,11354.3980,E,000.06,000,050314,FFFFFBFF#

Time in UTC, speed in knots; bits of the status that are 0 are what rings. The binary frame holds the same in BCD.
"""

from __future__ import annotations

from datetime import UTC, datetime

from toguna.engines.telemetry.doors.trackers.frames import KNOT, BadFrame, Heard, degrees, imei, moment, number
from toguna.engines.telemetry.intake.observation import Observation

MOST = 1024
SHORT, LONG, WIDE = 32, 45, 43  # bytes of a binary frame; of one whose number has 15 figures
RINGS = 1 << 1  # SOS, 0 when it is pressed
IGNITION = 1 << 10  # 0 when it is off


class H02:
    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[Heard]:
        self._kept += data
        found = []
        while self._kept:
            first = self._kept[:1]
            if first == b"*":
                end = self._kept.find(b"#")
                if end < 0:
                    break
                frame, self._kept = self._kept[1:end], self._kept[end + 1 :]
                found.append(_text(frame))
            elif first == b"$":
                size = self._size()
                if len(self._kept) < size:
                    break
                frame, self._kept = self._kept[:size], self._kept[size:]
                found.append(_binary(frame))
            elif first in b"\r\n ":
                self._kept = self._kept[1:]
            else:
                raise BadFrame("neither * nor $")
        if len(self._kept) > MOST:
            raise BadFrame("no end")
        return found

    def _size(self) -> int:
        """Nothing in a frame says how long it is: that size at which it ends, or at which another one begins."""
        for size in (LONG, WIDE):
            if len(self._kept) == size or self._kept[size : size + 1] in (b"$", b"*"):
                return size
        return SHORT


def _text(frame: bytes) -> Heard:
    try:
        fields = [field.strip() for field in frame.decode("ascii").split(",")]
    except UnicodeDecodeError as error:
        raise BadFrame("no text") from error
    if len(fields) < 3:
        raise BadFrame("too short")
    maker, code, kind = fields[0], imei(fields[1]), fields[2]
    now = datetime.now(UTC)
    if kind in ("V1", "V6") and len(fields) >= 13:
        answer = f"*{maker},{code},V4,{kind},{now:%Y%m%d%H%M%S}#".encode()
        return Heard(code, [_seen(fields)] if fields[4] == "A" else [], answer)
    if kind in ("HTBT", "XT", "LINK"):
        level = number(fields[3]) if kind == "HTBT" and len(fields) > 3 else None
        values = {"battery": level} if level is not None and 0 <= level <= 100 else {}
        answer = f"*{maker},{code},V4,{kind},{now:%Y%m%d%H%M%S}#".encode()
        return Heard(code, [Observation(values=values)] if values else [], answer)
    return Heard(code)


def _seen(fields: list[str]) -> Observation:
    clock, day = fields[3], fields[11]
    if not all(len(text) == 6 and text.isascii() and text.isdecimal() for text in (clock, day)):
        raise BadFrame("no time")
    at = moment(int(day[4:]), int(day[2:4]), int(day[:2]), int(clock[:2]), int(clock[2:4]), int(clock[4:]))
    speed = number(fields[9])
    return Observation(
        at=at.timestamp(), lat=degrees(fields[5], fields[6]), lon=degrees(fields[7], fields[8]),
        speed=None if speed is None else speed * KNOT, course=number(fields[10]), values=_status(fields[12]),
    )  # fmt: skip


def _status(text: str) -> dict[str, float]:
    try:
        bits = int(text, 16)
    except ValueError:
        return {}
    values = {"ignition": float(bool(bits & IGNITION))}
    if not bits & RINGS:
        values["alarm"] = 1.0
    return values


def _figures(part: bytes) -> str:
    text = part.hex()
    if not text.isdecimal():
        raise BadFrame("no BCD")
    return text


def _binary(frame: bytes) -> Heard:
    if len(frame) == WIDE:
        code, rest = _figures(frame[1:9])[:15], frame[9:]
    else:
        code, rest = _figures(frame[1:6]), frame[6:]
    time = _figures(rest[:6])
    hour, minute, second, day, month, year = (int(time[n : n + 2]) for n in range(0, 12, 2))
    at = moment(year, month, day, hour, minute, second)
    lat = _figures(rest[6:10])
    place = rest[11:16].hex()
    if not place[:9].isdecimal():
        raise BadFrame("no BCD")
    flags = int(place[9], 16)
    motion = rest[16:19].hex()
    if not motion.isdecimal():
        raise BadFrame("no BCD")
    status = f"{int.from_bytes(rest[19:23]):08x}"
    if not flags & 2:
        return Heard(code, [Observation(at=at.timestamp(), values=_status(status))])
    return Heard(
        code,
        [Observation(
            at=at.timestamp(), lat=degrees(f"{lat[:4]}.{lat[4:]}", "N" if flags & 4 else "S"),
            lon=degrees(f"{place[:5]}.{place[5:9]}", "E" if flags & 8 else "W"),
            speed=int(motion[:3]) * KNOT, course=float(motion[3:]), values=_status(status),
        )],
    )  # fmt: skip
