"""Teltonika: codec 8 and 8 Extended over TCP. https://wiki.teltonika-gps.com/view/Teltonika_Data_Sending_Protocols

First two bytes of length and the IMEI: 01 is answered to one that is known, 00 to another. Then packets: four zeros, a length, the codec,
how many records, the records, how many again, CRC-16/ARC of all from the codec on. The answer is how many were taken: none when the
CRC is wrong, and the device sends them again.
"""

from __future__ import annotations

import struct

from toguna.engines.telemetry.doors.trackers.frames import BadFrame, Heard, imei
from toguna.engines.telemetry.intake.observation import Observation

MOST = 65536
CODEC_8, CODEC_8E = 0x08, 0x8E
# Element -> (quantity, scale). https://wiki.teltonika-gps.com/view/FMB_AVL_ID
ELEMENTS = {
    16: ("odometer", 0.001), 21: ("signal", 1.0), 66: ("voltage", 0.001), 72: ("temperature", 0.1), 84: ("fuel", 0.1),
    113: ("battery", 1.0), 239: ("ignition", 1.0), 236: ("alarm", 1.0),
}  # fmt: skip
SIGNED = frozenset([72])


def crc16(data: bytes) -> int:
    """CRC-16/ARC: polynomial 0xA001, from the lowest bit."""
    value = 0
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _entry(value: int) -> int:
    for _bit in range(8):
        value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = [_entry(n) for n in range(256)]


class Teltonika:
    def __init__(self) -> None:
        self._kept, self._code = b"", ""

    def feed(self, data: bytes) -> list[Heard]:
        self._kept += data
        found = []
        while True:
            one = self._packet() if self._code else self._login()
            if one is None:
                break
            found.append(one)
        return found

    def _login(self) -> Heard | None:
        if len(self._kept) < 2:
            return None
        size = int.from_bytes(self._kept[:2])
        if not 5 <= size <= 17:
            raise BadFrame("no IMEI")
        if len(self._kept) < 2 + size:
            return None
        try:
            self._code = imei(self._kept[2 : 2 + size].decode("ascii"))
        except UnicodeDecodeError as error:
            raise BadFrame("no IMEI") from error
        self._kept = self._kept[2 + size :]
        return Heard(self._code, answer=b"\x01", asks=True, refused=b"\x00")

    def _packet(self) -> Heard | None:
        if self._kept[:1] == b"\xff":  # a ping
            self._kept = self._kept[1:]
            return Heard(self._code)
        if len(self._kept) < 8:
            return None
        zeros, size = struct.unpack(">II", self._kept[:8])
        if zeros or not 3 <= size <= MOST:
            raise BadFrame("no packet")
        if len(self._kept) < size + 12:
            return None
        data, check = self._kept[8 : 8 + size], int.from_bytes(self._kept[8 + size : 12 + size])
        self._kept = self._kept[12 + size :]
        if crc16(data) != check:
            return Heard(self._code, answer=struct.pack(">I", 0))
        if data[0] not in (CODEC_8, CODEC_8E):
            raise BadFrame("another codec")
        try:
            seen = _records(data, wide=data[0] == CODEC_8E)
        except (struct.error, IndexError) as error:
            raise BadFrame("too short") from error
        return Heard(self._code, seen, struct.pack(">I", len(seen)))


def _records(data: bytes, *, wide: bool) -> list[Observation]:
    count, at = data[1], 2
    found = []
    for _number in range(count):
        milliseconds, _priority, lon, lat, altitude, angle, satellites, speed = struct.unpack_from(
            ">QBiihHBH", data, at
        )
        at += 24
        values, at = _elements(data, at, wide)
        seen = Observation(at=milliseconds / 1000, values=values)
        if satellites and (lat or lon) and -900000000 <= lat <= 900000000 and -1800000000 <= lon <= 1800000000:
            seen.lat, seen.lon = lat / 1e7, lon / 1e7
            seen.speed, seen.course, seen.altitude = float(speed), float(angle), float(altitude)
        found.append(seen)
    if at != len(data) - 1 or data[at] != count:
        raise BadFrame("counts differ")
    return found


def _elements(data: bytes, at: int, wide: bool) -> tuple[dict[str, float], int]:
    """Event and total, then groups of 1, 2, 4 and 8 bytes; in the extended codec, those of any length."""
    name = ">H" if wide else ">B"
    step = 2 if wide else 1
    values: dict[str, float] = {}
    at += 2 * step
    for size in (1, 2, 4, 8):
        (count,) = struct.unpack_from(name, data, at)
        at += step
        for _number in range(count):
            (element,) = struct.unpack_from(name, data, at)
            at += step
            raw = data[at : at + size]
            if len(raw) != size:
                raise BadFrame("too short")
            at += size
            if element in ELEMENTS:
                quantity, scale = ELEMENTS[element]
                values[quantity] = int.from_bytes(raw, signed=element in SIGNED) * scale
    if wide:
        (count,) = struct.unpack_from(">H", data, at)
        at += 2
        for _number in range(count):
            _element, length = struct.unpack_from(">HH", data, at)
            at += 4 + length
            if at > len(data):
                raise BadFrame("too short")
    if values.get("signal") is not None:
        values["signal"] = values["signal"] * 10 - 115  # bars from 0 to 5 as a rough level in dBm
    return values, at
