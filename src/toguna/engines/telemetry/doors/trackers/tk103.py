"""TK103 and its likes, in their own tongue: text over TCP, each message in round brackets, no commas.

    (013612345678BP00013612345678000HSO)                                  is somebody there: AP01HSO
    (013612345678BP05000013612345678080524A2232.9806N11404.9355E000.1101241323.8700000000L000450AC)     it begins, from where: AP05
    (013012345678BR00130515A4843.9703N01907.6211E000.019232800000000000000L00009239)    where it is; BR01, BR02, BP04: asked for
    (012345678901BO012130520A...)                                         an alarm (the figure after BO01 says which): AS01 and the figure

Twelve figures of the device, four of the command, then: year, month, day, A or V (no fix), latitude, longitude, speed in km/h, time in UTC,
course, eight switches of which the second is the ignition, L and the metres driven in hexadecimal.
"""

from __future__ import annotations

import re

from toguna.engines.telemetry.doors.trackers.frames import BadFrame, Heard, degrees, imei, moment, number
from toguna.engines.telemetry.intake.observation import Observation

MOST = 1024
_WHERE = re.compile(
    r"(\d{2})(\d{2})(\d{2})([AV])(\d{4}\.\d{4})([NS])(\d{5}\.\d{4})([EW])(\d{3}\.\d)(\d{2})(\d{2})(\d{2})([\d.]{6})([01]{8})L([0-9A-Fa-f]{0,8})", re.ASCII
)  # fmt: skip
_PLACES = ("BR00", "BR01", "BR02", "BP04")


class Tk103:
    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[Heard]:
        self._kept += data
        *whole, self._kept = self._kept.split(b")")
        if len(self._kept) > MOST:
            raise BadFrame("no end")
        return [self._one(part) for part in whole]

    def _one(self, part: bytes) -> Heard:
        try:
            text = part.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise BadFrame("no text") from error
        if not text.startswith("("):
            raise BadFrame("no message")
        number_, what, rest = text[1:13], text[13:17], text[17:]
        code = imei(number_)
        if what == "BP00":
            return Heard(code, answer=f"({code}AP01HSO)".encode(), asks=True)
        if what == "BP05":
            return Heard(code, _position(rest[15:]), f"({code}AP05)".encode())
        if what == "BO01" and rest[:1].isdecimal():
            return Heard(code, _position(rest[1:], alarm=True), f"({code}AS01{rest[0]})".encode())
        return Heard(code, _position(rest) if what in _PLACES else [])


def _position(text: str, *, alarm: bool = False) -> list[Observation]:
    """Nothing where it has no fix and nothing else to say. Raises BadFrame."""
    found = _WHERE.match(text)
    if found is None:
        raise BadFrame("no position")
    year, month, day, fix, lat, north, lon, east, speed, hour, minute, second, course, switches, _driven = (
        found.groups()
    )
    at = moment(int(year), int(month), int(day), int(hour), int(minute), int(second)).timestamp()
    values = {"ignition": float(switches[1])}
    if alarm:
        values["alarm"] = 1.0
    if fix != "A":
        return [Observation(at=at, values=values)]
    seen = Observation(at=at, lat=degrees(lat, north), lon=degrees(lon, east), values=values)
    seen.speed, seen.course = number(speed), number(course)
    return [seen]
