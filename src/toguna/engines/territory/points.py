"""Points as people type them: "13,94 -8,85", "13°56'32\\"N 8°51'4\\"O", a plus code, a link to a map."""

from __future__ import annotations

import re

from openlocationcode import openlocationcode as olc

from toguna.engines.territory import zones

_NUMBER = r"(\d{1,3}(?:[.,]\d+)?)"
_DECIMAL = re.compile(
    r"^\s*([+-]?\d{1,3}(?:[.,]\d+)?)\s*°?\s*([NSns])?\s*[,;\s/]\s*([+-]?\d{1,3}(?:[.,]\d+)?)\s*°?\s*([EWOLewol])?\s*$"
)
_DMS = re.compile(
    rf"{_NUMBER}\s*°\s*(?:{_NUMBER}\s*['′’]\s*)?(?:{_NUMBER}\s*(?:\"|″|''|”)\s*)?([NSEWOL])", re.IGNORECASE
)
# The side first, as some receivers write it: "N 13.94 W 8.85".
_SIDE_FIRST = re.compile(rf"^\s*([NS])\s*{_NUMBER}\s*°?\s*[,;/]?\s*([EWOL])\s*{_NUMBER}\s*°?\s*$", re.IGNORECASE)
_LINK = re.compile(
    r"(?:@|[?&](?:q|query|mlat|ll|center)=|geo:|#map=\d+(?:\.\d+)?/)(-?\d{1,2}\.\d+)(?:,|/|&mlon=|%2C)(-?\d{1,3}\.\d+)"
)
_PLUS = re.compile(r"\b([23456789CFGHJMPQRVWX]{2,8}\+[23456789CFGHJMPQRVWX]{0,3})\b", re.IGNORECASE)


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def _sides(lat: float, lon: float) -> tuple[float, float] | None:
    """(lon, lat), swapped when only that way round falls in the town; None when it is nowhere on Earth."""
    bounds = zones.town_bounds()

    def near(lon: float, lat: float) -> bool:
        return (
            bounds is not None
            and bounds[0] - 0.2 <= lon <= bounds[2] + 0.2
            and bounds[1] - 0.2 <= lat <= bounds[3] + 0.2
        )

    if near(lat, lon) and not near(lon, lat):
        lat, lon = lon, lat
    return (lon, lat) if abs(lat) <= 90 and abs(lon) <= 180 else None


def read_point(text: str) -> tuple[float, float] | None:
    """(lon, lat) in degrees, or None when the words hold no point. "O" and "W" are west, "L" (leste) and "E" east."""
    text = text.strip()
    if match := _LINK.search(text):
        return _sides(float(match[1]), float(match[2]))
    if match := _PLUS.search(text):
        code = match[1].upper()
        if olc.isShort(code) and (bounds := zones.town_bounds()):
            code = olc.recoverNearest(code, (bounds[1] + bounds[3]) / 2, (bounds[0] + bounds[2]) / 2)
        if olc.isFull(code):
            area = olc.decode(code)
            return (area.longitudeCenter, area.latitudeCenter)
    if match := _SIDE_FIRST.match(text):
        lat = -_value(match[2]) if match[1] in "Ss" else _value(match[2])
        return _sides(lat, -_value(match[4]) if match[3] in "WwOo" else _value(match[4]))
    parts = _DMS.findall(text)
    if len(parts) == 2 and all(_value(m or "0") < 60 and _value(s or "0") < 60 for _d, m, s, _side in parts):
        values: dict[str, float] = {}
        for degrees, minutes, seconds, side in parts:
            value = _value(degrees) + _value(minutes or "0") / 60 + _value(seconds or "0") / 3600
            side = side.upper()
            values["lat" if side in "NS" else "lon"] = -value if side in "SWO" else value
        if len(values) == 2:
            return _sides(values["lat"], values["lon"])
    if match := _DECIMAL.match(text):
        # "13,94 -8,85": a comma may be a decimal point or what stands between the two numbers.
        first, north, second, east = match.groups()
        lat, lon = _value(first), _value(second)
        if north and north.upper() == "S":
            lat = -abs(lat)
        if east and east.upper() in "WO":
            lon = -abs(lon)
        if "." in first or "," in first or "." in second or "," in second:
            return _sides(lat, lon)
    return None


def plus_code(lon: float, lat: float) -> str:
    """The full plus code of a point (about 14 m square)."""
    return str(olc.encode(lat, lon))
