"""Reads the pieces of road out of Valhalla's tiles, and makes the two archives that it answers from.

The layout is that of Valhalla 3 on 64 bits (baldr/graphtileheader.h, directededge.h, edgeinfo.h, traffictile.h): a tile is a
header of 272 bytes, nodes of 32, transitions of 8, directed edges of 48, and further on what the two directions of an edge
share. `test_edges_are_those_that_valhalla_knows` compares with what Valhalla itself says.
"""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

_HEADER, _NODE, _TRANSITION, _EDGE = 272, 32, 8, 48
_INDEX = struct.Struct("<QLL")  # where its data begins in the archive, the tile's number, its size
_TRAFFIC = struct.Struct("<2Q4I")  # the tile's number, time, edges, version, nothing, nothing
_TRAFFIC_VERSION = 3


@dataclass(frozen=True)
class Edge:
    """edge: Valhalla's number; way: the feature's; line: [(lon, lat), ...] in the direction of travel; kmh: without traffic."""

    edge: int
    way: int
    forward: bool
    metres: int
    kmh: int
    line: list[tuple[float, float]]


def edges(tiles: Path) -> Iterator[Edge]:
    """Every piece of road, shortcuts (several of them in one) left out."""
    for path in sorted(tiles.rglob("*.gph")):
        data = path.read_bytes()
        tile, counts = struct.unpack_from("<Q", data, 0)[0] & (1 << 46) - 1, struct.unpack_from("<Q", data, 40)[0]
        nodes, many = counts & 0x1FFFFF, counts >> 21 & 0x1FFFFF
        if not many:
            continue
        transitions = struct.unpack_from("<I", data, 48)[0] & 0x3FFFFF
        shared = struct.unpack_from("<I", data, 104)[0]
        offset = _HEADER + _NODE * nodes + _TRANSITION * transitions
        words = np.frombuffer(data, dtype="<u8", count=many * _EDGE // 8, offset=offset).reshape(-1, _EDGE // 8)
        forward, info = (words[:, 0] >> 61 & 1).tolist(), (words[:, 1] & (1 << 25) - 1).tolist()
        speed, metres = (words[:, 2] & 255).tolist(), (words[:, 4] >> 32 & (1 << 24) - 1).tolist()
        shortcut = (words[:, 5] >> 60 & 1).tolist()
        known: dict[int, tuple[int, list[tuple[float, float]]]] = {}
        for i in range(many):
            if shortcut[i]:
                continue
            if info[i] not in known:
                known[info[i]] = _info(data, shared + info[i])
            way, line = known[info[i]]
            yield Edge(tile | i << 25, way, bool(forward[i]), metres[i], speed[i], line if forward[i] else line[::-1])


def _info(data: bytes, at: int) -> tuple[int, list[tuple[float, float]]]:
    """(number of the way, its line) of what stands at that place of a tile."""
    way, one, two = struct.unpack_from("<III", data, at)
    names, size, more = two & 15, two >> 4 & 0xFFFF, two >> 28 & 3
    way |= one >> 24 << 32 | (two >> 20 & 255) << 40
    begin = at + 12 + 4 * names
    for extra in range(more):
        way |= data[begin + size + extra] << 48 + 8 * extra
    return way, _line(data[begin : begin + size])


def _line(packed: bytes) -> list[tuple[float, float]]:
    """Differences of latitude and longitude in millionths, zigzag, seven bits a byte, the lowest first."""
    numbers, value, shift = [], 0, 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            numbers.append(value >> 1 ^ -(value & 1))
            value = shift = 0
    lat = lon = 0
    line = []
    for north, east in zip(numbers[::2], numbers[1::2], strict=True):
        lat, lon = lat + north, lon + east
        line.append((lon / 1e6, lat / 1e6))
    return line


def archive(tiles: Path, target: Path, traffic: Path) -> int:
    """Puts the tiles into one archive, and makes that of the traffic, where nothing is known yet. Returns the number of tiles."""
    found = sorted(path for path in tiles.rglob("*.gph"))
    names = {path: path.relative_to(tiles).as_posix() for path in found}
    with tarfile.open(target, "w") as archived, tarfile.open(traffic, "w") as live:
        for tar in (archived, live):
            tar.addfile(_entry("index.bin", _INDEX.size * len(found)), io.BytesIO(bytes(_INDEX.size * len(found))))
        for path in found:
            archived.add(path, names[path])
            with path.open("rb") as file:
                many = struct.unpack_from("<Q", file.read(48), 40)[0] >> 21 & 0x1FFFFF
            body = _TRAFFIC.pack(_number(names[path]), 0, many, _TRAFFIC_VERSION, 0, 0) + bytes(8 * many)
            live.addfile(_entry(names[path], len(body)), io.BytesIO(body))
    for path in (target, traffic):
        _write_index(path)
    return len(found)


def _write_index(path: Path) -> None:
    with tarfile.open(path) as tar:
        entries = [
            _INDEX.pack(member.offset_data, _number(member.name), member.size)
            for member in tar.getmembers()
            if member.name.endswith(".gph")
        ]
    with path.open("r+b") as file:
        file.seek(tarfile.BLOCKSIZE)
        file.write(b"".join(entries))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


def _number(name: str) -> int:
    """2/000/552/238.gph: level 2, tile 552238."""
    level, _slash, tile = name.removesuffix(".gph").partition("/")
    return int(level) | int(tile.replace("/", "")) << 3


def traffic_slots(path: Path) -> dict[int, tuple[int, int]]:
    """{tile's number: (where its first edge stands in the archive of traffic, how many edges)}."""
    found: dict[int, tuple[int, int]] = {}
    with path.open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
        size = int(head[124:135], 8)
        index = file.read(size)
    for offset, tile, length in _INDEX.iter_unpack(index):
        found[tile] = (offset + _TRAFFIC.size, (length - _TRAFFIC.size) // 8)
    return found


def place(edge: int) -> tuple[int, int]:
    """(tile's number, place in the tile) of an edge."""
    return edge & (1 << 25) - 1, edge >> 25


def tile_name(tile: int) -> str:
    """ "2/000/552/238" of a tile's number."""
    level, number = tile & 7, tile >> 3
    digits = f"{number:09d}" if level >= 2 else f"{number:06d}"
    return "/".join([str(level), *(digits[i : i + 3] for i in range(0, len(digits), 3))])
