"""Decoders as data: which part of what a device says is which quantity.

    {"field": "object.temp", "quantity": "temperature", "scale": 0.1, "offset": 0}          of JSON, by names and numbers
    {"byte": 2, "size": 2, "signed": true, "little": false, "quantity": "level", "scale": 0.001}     of a binary payload
    {"byte": 0, "bit": 5, "bits": 1, "quantity": "alarm"}                                    some bits of a byte

`port` limits a row to one LoRaWAN FPort. A value is raw * scale + offset. Quantity "at", "lat", "lon", "speed", "course", "altitude" and
"seq" are the observation's own. With a decoder, only what it names is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OWN = ("at", "lat", "lon", "speed", "course", "altitude", "seq")
Fields = Sequence[Mapping[str, Any]]


class BadDecoder(ValueError):
    """str() says which row is wrong, and how, in plain English for developers."""


def check(fields: Any) -> list[dict[str, Any]]:
    """Raises BadDecoder."""
    if not isinstance(fields, list) or not 1 <= len(fields) <= 100:
        raise BadDecoder("a list of 1 to 100 rows")
    for number, row in enumerate(fields, 1):
        if not isinstance(row, dict) or not isinstance(row.get("quantity"), str):
            raise BadDecoder(f"row {number}: an object with a quantity")
        if isinstance(row.get("field"), str) == isinstance(row.get("byte"), int):
            raise BadDecoder(f"row {number}: field or byte, one of them")
        for name, low, high in (("byte", 0, 255), ("size", 1, 8), ("bit", 0, 7), ("bits", 1, 8), ("port", 1, 255)):
            if name in row and (type(row[name]) is not int or not low <= row[name] <= high):
                raise BadDecoder(f"row {number}: {name} is from {low} to {high}")
        if "bit" in row and row["bit"] + row.get("bits", 1) > 8:
            raise BadDecoder(f"row {number}: bits of one byte")
        for name in ("scale", "offset"):
            if name in row and (isinstance(row[name], bool) or not isinstance(row[name], int | float)):
                raise BadDecoder(f"row {number}: {name} is a number")
    return fields


def from_json(fields: Fields, said: Any, port: int | None = None) -> dict[str, float]:
    found = {}
    for row in fields:
        if "field" in row and row.get("port") in (None, port):
            value = _reach(said, row["field"])
            if isinstance(value, int | float):
                found[row["quantity"]] = value * row.get("scale", 1) + row.get("offset", 0)
    return found


def _reach(said: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(said, dict):
            said = said.get(part)
        elif isinstance(said, list) and part.isdecimal() and int(part) < len(said):
            said = said[int(part)]
        else:
            return None
    return said


def from_bytes(fields: Fields, payload: bytes, port: int | None = None) -> dict[str, float]:
    """Rows that reach beyond the payload say nothing: many devices send shorter ones at times."""
    found = {}
    for row in fields:
        if "byte" not in row or row.get("port") not in (None, port):
            continue
        start, size = row["byte"], row.get("size", 1)
        part = payload[start : start + size]
        if len(part) != size:
            continue
        if "bit" in row:
            raw = (part[0] >> row["bit"]) & ((1 << row.get("bits", 1)) - 1)
        else:
            raw = int.from_bytes(part, "little" if row.get("little") else "big", signed=bool(row.get("signed")))
        found[row["quantity"]] = raw * row.get("scale", 1) + row.get("offset", 0)
    return found
