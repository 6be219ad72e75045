"""The eight kinds of entities, made of our tables: a Thing is a device, a Datastream is one quantity of one device, and so on.

Ids: of a device, its number; of a Datastream "DEVICE-QUANTITY"; of an Observation "DEVICE-QUANTITY-MICROSECONDS-SEQ".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from django.db import DataError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from toguna.engines.telemetry.doors.sensorthings import filtering
from toguna.engines.telemetry.doors.sensorthings.filtering import Call, Node, Path, Value
from toguna.engines.telemetry.doors.sensorthings.query import BadQuery, Query
from toguna.engines.telemetry.history import files
from toguna.engines.telemetry.models import Device, Latest, Quantity
from toguna.kernel import text

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


MOST_SHOWN, MOST_LISTS = 2000, 200
MOST_FILES, MOST_OLD = 100, 100_000  # days that left the tables, and observations of these, that a request reads


@dataclass
class Reach:
    """What the reader may see. root: the address of the service; quantities: by their number; inside: the names by which devices prove
    themselves and where they were last, which visitors do not see; shown, listed: how many entities and lists
    this request has made, which may ask for itself over and over."""

    root: str
    devices: QuerySet[Device]
    quantities: dict[int, Quantity]
    inside: bool = False
    shown: int = 0
    opened: int = 0
    listed: dict[tuple[str, Scope, int], Listed] = field(default_factory=dict)

    def link(self, path: str) -> str:
        return f"{self.root}/{path}"

    def show(self) -> None:
        """One entity more."""
        self.shown += 1
        if self.shown > MOST_SHOWN:
            raise BadQuery(f"more than {MOST_SHOWN} entities at once: ask for fewer with $top")

    def expanded(self, kind: Kind, scope: Scope, query: Query) -> Listed:
        """What many point to is read once."""
        asked = (kind.name, scope, id(query))
        if asked not in self.listed:
            if len(self.listed) == MOST_LISTS:
                raise BadQuery(f"$expand makes more than {MOST_LISTS} lists at once: ask for fewer with $top")
            self.listed[asked] = kind.list(self, scope, query)
        return self.listed[asked]


@dataclass(frozen=True)
class Scope:
    """Which ones are meant: device and quantity when the path says them; id: of the one."""

    device: int | None = None
    quantity: int | None = None
    at: tuple[int, int] | None = None  # microseconds and seq of an Observation


Listed = tuple[list[Row], int]  # what is asked for, and how many there are in all (-1: not counted)


def key(scope_id: str) -> Scope:
    """Raises BadQuery."""
    parts = scope_id.strip("'").split("-")
    if not 1 <= len(parts) <= 4 or not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in parts):
        raise BadQuery("no such id")
    numbers = [int(part) for part in parts]
    # An Observation without a number of its own is written without it.
    at = (numbers[2], numbers[3] if len(numbers) == 4 else -1) if len(numbers) > 2 else None
    return Scope(numbers[0], numbers[1] if len(numbers) > 1 else None, at)


def _devices(reach: Reach, scope: Scope) -> QuerySet[Device]:
    rows = reach.devices.order_by("pk")
    return rows if scope.device is None else rows.filter(pk=scope.device)


class Related:
    """What leads from a row to others, for paths in $filter and $orderby: each set is read once, whatever the number of rows."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._sets: dict[str, dict[Scope, list[Row]]] = {}

    def of(self, kind: str, row: Row) -> filtering.Look:
        """Of this row."""
        return partial(self.look, kind, row)

    def look(self, kind: str, row: Row, names: Sequence[str]) -> list[Any]:
        """The values of a path. Raises BadQuery."""
        first, rest = names[0], names[1:]
        first = "@iot.id" if first == "id" else first
        if first in row:
            return _inner(row[first], rest)
        to = KINDS[kind].to.get(first)
        if to is None or not rest or to == "Observations":
            raise BadQuery(f"{'/'.join(names)} cannot be asked of {kind}")
        return [value for other in self._to(kind, row, to) for value in self.look(to, other, rest)]

    def _to(self, kind: str, row: Row, to: str) -> list[Row]:
        if to not in self._sets:
            found = self._sets[to] = {}
            rows, _count = KINDS[to].list(self._reach, Scope(), Query(top=MOST_DEVICES * 10))
            for other in rows:
                own = Scope(quantity=other["@iot.id"]) if to == "ObservedProperties" else key(str(other["@iot.id"]))
                for scope in {own, Scope(own.device), Scope(quantity=own.quantity)}:
                    found.setdefault(scope, []).append(other)
        return self._sets[to].get(scope_of(kind, row["@iot.id"], to), [])


def _inner(value: Any, names: Sequence[str]) -> list[Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return [value]


def _named(reach: Reach, kind: str, rows: Sequence[Row], query: Query) -> list[Row]:
    """Filters and orders by what the entities show: for kinds of which there are few."""
    found, related = list(rows), Related(reach)
    if query.where is not None:
        where = query.where
        found = [row for row in found if filtering.holds(where, related.of(kind, row))]
    for name, descending in reversed(query.order):
        names = name.split("/")
        found.sort(key=lambda row: _rank(related.look(kind, row, names)), reverse=descending)
    return found


def _rank(values: list[Any]) -> tuple[int, Any]:
    """Numbers as numbers, all else as text, nothing first."""
    value = values[0] if values else None
    if value is None:
        return 0, ""
    return (1, value) if isinstance(value, int | float) else (2, str(value))


def _paged(reach: Reach, kind: str, rows: list[Row], query: Query) -> Listed:
    found = _named(reach, kind, rows, query)
    return found[query.skip : query.skip + query.top], len(found)


MOST_DEVICES = 10_000


def things(reach: Reach, scope: Scope, query: Query) -> Listed:
    return _paged(reach, "Things", [
        {
            "@iot.id": row.pk, "name": row.name, "description": str(row.get_kind_display()),
            "properties": {
                **({"code": row.code} if reach.inside else {}), "kind": row.kind, "service": row.service, "ref": row.ref,
            },
        }
        for row in _devices(reach, scope)[:MOST_DEVICES]
    ], query)  # fmt: skip


def _latest(reach: Reach, scope: Scope) -> list[Latest]:
    rows = Latest.objects.filter(device__in=_devices(reach, scope)).select_related("device").order_by("pk")
    return list(rows[:MOST_DEVICES])


def _place(reach: Reach, row: Latest) -> Row | None:
    """Visitors: where it was fixed, never where it goes."""
    moving = reach.inside and row.lat is not None
    lat, lon = (row.lat, row.lon) if moving else (row.device.lat, row.device.lon)
    return None if lat is None or lon is None else {"type": "Point", "coordinates": [lon, lat]}


def locations(reach: Reach, scope: Scope, query: Query) -> Listed:
    found = []
    for row in _latest(reach, scope):
        if (place := _place(reach, row)) is not None:
            at = {"at": row.position_at.isoformat()} if reach.inside and row.position_at else {}
            found.append({
                "@iot.id": row.pk, "name": row.device.name, "description": row.device.name, "encodingType": "application/geo+json",
                "location": place, "properties": at,
            })  # fmt: skip
    return _paged(reach, "Locations", found, query)


def historical(reach: Reach, scope: Scope, query: Query) -> Listed:
    """The last place only: the way of a device is no open data (see the page of its day). Visitors: since it was registered there."""
    return _paged(
        reach, "HistoricalLocations",
        [
            {"@iot.id": row.pk, "time": at.isoformat()}
            for row in _latest(reach, scope) if (at := row.position_at if reach.inside else row.device.made)
            and _place(reach, row) is not None
        ],
        query,
    )  # fmt: skip


def _streams(reach: Reach, scope: Scope) -> list[tuple[Latest, Quantity]]:
    codes = {q.code: q for q in reach.quantities.values()}
    found = []
    for row in _latest(reach, scope):
        for name in sorted(row.values):
            quantity = codes.get(name)
            if quantity is not None and scope.quantity in (None, quantity.pk):
                found.append((row, quantity))
    return found


def datastreams(reach: Reach, scope: Scope, query: Query) -> Listed:
    return _paged(reach, "Datastreams", [
        {
            "@iot.id": f"{row.pk}-{quantity.pk}", "name": f"{row.device.name}: {text.pick(quantity.names)}",
            "description": text.pick(quantity.names),
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "unitOfMeasurement": {
                "name": text.pick(quantity.names), "symbol": quantity.unit, "definition": f"http://unitsofmeasure.org/ucum.html#{quantity.unit}",
            },
            "phenomenonTime": datetime.fromtimestamp(row.values[quantity.code][1], UTC).isoformat(),
            "properties": {"quantity": quantity.code},
        }
        for row, quantity in _streams(reach, scope)
    ], query)  # fmt: skip


def sensors(reach: Reach, scope: Scope, query: Query) -> Listed:
    rows = _devices(reach, scope).select_related("decoder")[:MOST_DEVICES]
    return _paged(reach, "Sensors", [
        {
            "@iot.id": row.pk, "name": row.decoder.name if row.decoder else row.name, "description": str(row.get_door_display()),
            "encodingType": "text/plain", "metadata": row.code if reach.inside else str(row.pk),
        }
        for row in rows
    ], query)  # fmt: skip


def observed(reach: Reach, scope: Scope, query: Query) -> Listed:
    wanted = reach.quantities.values()
    if scope.quantity is not None:
        wanted = [q for q in wanted if q.pk == scope.quantity]  # type: ignore[assignment]
    return _paged(reach, "ObservedProperties", [
        {
            "@iot.id": q.pk, "name": text.pick(q.names), "description": text.pick(q.names),
            "definition": f"http://unitsofmeasure.org/ucum.html#{q.unit}", "properties": {"quantity": q.code},
        }
        for q in sorted(wanted, key=lambda q: q.code)
    ], query)  # fmt: skip


def features(reach: Reach, scope: Scope, query: Query) -> Listed:
    found, _count = locations(reach, scope, Query(top=MOST_DEVICES))
    return _paged(reach, "FeaturesOfInterest", [
        {"@iot.id": row["@iot.id"], "name": row["name"], "description": row["description"], "encodingType": "application/geo+json", "feature": row["location"]}
        for row in found
    ], query)  # fmt: skip


def observations(reach: Reach, scope: Scope, query: Query) -> Listed:
    """Set-based, from the tables; of one Datastream, since a time that is said, from the files of older days too. Without a time in $filter
    and without a device, the last day."""
    devices = list(_devices(reach, scope).values_list("pk", flat=True))
    where, values = ["device = ANY(%s)"], list[Any]([devices])
    if scope.quantity is not None:
        where.append("quantity = %s")
        values.append(scope.quantity)
    if scope.at is not None:
        where.append("at = %s")
        values.append(EPOCH + timedelta(microseconds=scope.at[0]))
        where.append("seq = %s")
        values.append(scope.at[1])
    timed = scope.at is not None or scope.device is not None
    if query.where is not None:
        paths = {"/".join(node.names) for node in filtering.walk(query.where) if isinstance(node, Path)}
        timed = timed or bool(paths - {"result"})
        try:
            condition, given, what = filtering.sql(query.where, _COLUMNS, _leaf(reach))
        except filtering.BadFilter as error:
            raise BadQuery(str(error)) from error
        if what != "bool":
            raise BadQuery("$filter is true or false")
        where.append(condition)
        values += given
    if not timed:
        where.append("at > %s")
        values.append(timezone.now() - timedelta(days=1))
    columns = {"phenomenonTime": "at", "resultTime": "at", "result": "value", "id": "at", "@iot.id": "at"}
    order = []
    for name, descending in query.order or [("phenomenonTime", True)]:
        if name not in columns:
            raise BadQuery(f"$orderby cannot ask for {name} here")
        order.append(f"{columns[name]} {'DESC' if descending else 'ASC'}")
    condition = " AND ".join(where)
    rows, old = _rows(reach, scope, query) if devices else ("telemetry_reading", [])
    values = [*old, *values]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            total = -1
            if query.count:
                cursor.execute(f"SELECT count(*) FROM {rows} WHERE {condition}", values)
                total = cursor.fetchone()[0]
            cursor.execute(
                f"SELECT device, quantity, at, value, seq FROM {rows} WHERE {condition} "
                f"ORDER BY {', '.join(order)}, device, quantity, seq LIMIT %s OFFSET %s",
                [*values, query.top, query.skip],
            )
            return [observation_row(*row) for row in cursor.fetchall()], total
    except DataError as error:  # a number or a time beyond what there is
        raise BadQuery("$filter: out of range") from error


def _rows(reach: Reach, scope: Scope, query: Query) -> tuple[str, list[Any]]:
    """(what Observations are selected from, its parameters). Raises BadQuery."""
    start, end = _span(query.where)
    if scope.at is not None:
        start = EPOCH + timedelta(microseconds=scope.at[0])
        end = start + timedelta(microseconds=1)
    found: list[tuple[Any, ...]] = []
    if scope.device is not None and scope.quantity is not None and start is not None:
        now = timezone.now()
        start, end = max(start, EPOCH), min(end or now, now)
        reach.opened += files.days("reading", start, end)
        if reach.opened > MOST_FILES:
            raise BadQuery(
                f"more than {MOST_FILES} days that are in files: ask for fewer with phenomenonTime ge and lt"
            )
        found = files.read("reading", scope.device, start, end, quantity=scope.quantity, most=MOST_OLD + 1)
        if len(found) > MOST_OLD:
            raise BadQuery(
                f"more than {MOST_OLD} Observations in files: ask for fewer days with phenomenonTime ge and lt"
            )
    if not found:
        return "telemetry_reading", []
    text = (
        "(SELECT device, quantity, at, value, seq FROM telemetry_reading UNION "
        "SELECT * FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::float8[], %s::bigint[])) r"
    )
    return text, [list(column) for column in zip(*(row[:5] for row in found), strict=True)]


def _span(node: Node | None) -> tuple[datetime | None, datetime | None]:
    """Between which times all must lie for which it holds: from the first to before the second, None where it does not say."""
    if not isinstance(node, Call):
        return None, None
    if node.name == "and":
        spans = [_span(arg) for arg in node.args]
        return max((a for a, _b in spans if a), default=None), min((b for _a, b in spans if b), default=None)
    if len(node.args) != 2:
        return None, None
    name, (one, other) = node.name, node.args
    if isinstance(one, Value):
        one, other, name = other, one, {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(name, name)
    if (
        not isinstance(one, Path)
        or one.names not in (("phenomenonTime",), ("resultTime",))
        or not isinstance(other, Value)
    ):
        return None, None
    if not isinstance(other.value, date):
        return None, None
    at = filtering.midnight(other.value)
    after = at + timedelta(microseconds=1) if at.year < 9999 else at
    return (at if name in ("gt", "ge", "eq") else None), (after if name in ("lt", "le", "eq") else None)


_COLUMNS = {"phenomenonTime": ("at", "moment"), "resultTime": ("at", "moment"), "result": ("value", "number")}


def _leaf(reach: Reach) -> Callable[[Node], filtering.Sql | None]:
    """What a filter of Observations asks of their ids, or of what they belong to: of the latter there are few, and they are asked first."""

    def answer(node: Node) -> filtering.Sql | None:
        if not isinstance(node, Call) or node.name in ("and", "or", "not"):
            return None
        paths = [one.names for one in filtering.walk(node) if isinstance(one, Path)]
        if paths and all(names[0] in ("id", "@iot.id") for names in paths):
            return _is(node)
        if not paths or not all(names[0] in KINDS["Observations"].to for names in paths):
            return None
        related, good = Related(reach), []
        for device, quantity in ((row, q) for row, q in _streams(reach, Scope())):
            own = {"@iot.id": f"{device.pk}-{quantity.pk}"}
            if filtering.holds(node, related.of("Observations", own)):
                good.append((device.pk, quantity.pk))
        text = "(device, quantity) IN (SELECT * FROM unnest(%s::int[], %s::int[]))"
        return text, [[pk for pk, _q in good], [q for _pk, q in good]], "bool"

    return answer


def _is(node: Call) -> filtering.Sql:
    """id eq '1-3-1790000000000000'"""
    given = [one.value for one in node.args if isinstance(one, Value)]
    if node.name not in ("eq", "ne") or len(given) != 1:
        raise filtering.BadFilter("ids are compared by eq and ne")
    scope = key(_id(given[0]))
    if scope.at is None:
        return "false" if node.name == "eq" else "true", [], "bool"
    values = [scope.device, scope.quantity, EPOCH + timedelta(microseconds=scope.at[0]), scope.at[1]]
    text = "(device = %s AND quantity = %s AND at = %s AND seq = %s)"
    return (text if node.name == "eq" else f"(NOT {text})"), values, "bool"


def _id(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def there(asked: Sequence[tuple[int, int, datetime, float]]) -> set[int]:
    """Of Observations (device, quantity, when, result), the places of those that there are. One statement."""
    devices, quantities, moments, values = (list(column) for column in zip(*asked, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT w.n FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::float8[]) WITH ORDINALITY AS w(device, quantity, at, value, n)
            JOIN telemetry_reading r USING (device, quantity, at, value)
            WHERE r.device = ANY(%s) AND r.at BETWEEN %s AND %s
            """,
            [devices, quantities, moments, values, list({*devices}), min(moments), max(moments)],
        )
        return {row[0] - 1 for row in cursor.fetchall()}


def observation_row(device: int, quantity: int, at: datetime, value: float, seq: int = -1) -> Row:
    micros = round((at - EPOCH) / timedelta(microseconds=1))
    number = f"-{seq}" if seq >= 0 else ""
    said = at.astimezone(UTC).isoformat()
    return {
        "@iot.id": f"{device}-{quantity}-{micros}{number}", "phenomenonTime": said, "resultTime": said, "result": value,
        "parameters": {"seq": seq} if seq >= 0 else {},
    }  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One set: single: the name of one in a path; to: {navigation: set}."""

    name: str
    single: str
    list: Callable[[Reach, Scope, Query], Listed]
    to: dict[str, str]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("Things", "Thing", things, {"Datastreams": "Datastreams", "Locations": "Locations", "HistoricalLocations": "HistoricalLocations"}),
        Kind("Locations", "Location", locations, {"Things": "Things", "HistoricalLocations": "HistoricalLocations"}),
        Kind("HistoricalLocations", "HistoricalLocation", historical, {"Thing": "Things", "Locations": "Locations"}),
        Kind("Datastreams", "Datastream", datastreams, {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties", "Observations": "Observations"}),
        Kind("Sensors", "Sensor", sensors, {"Datastreams": "Datastreams"}),
        Kind("ObservedProperties", "ObservedProperty", observed, {"Datastreams": "Datastreams"}),
        Kind("Observations", "Observation", observations, {"Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"}),
        Kind("FeaturesOfInterest", "FeatureOfInterest", features, {"Observations": "Observations"}),
    )
}  # fmt: skip


def scope_of(kind: str, row_id: Any, to: str) -> Scope:
    """Of what an entity points to."""
    if kind == "ObservedProperties":
        return Scope(quantity=int(row_id))
    found = key(str(row_id))
    if to in ("Things", "Locations", "HistoricalLocations", "Sensors", "FeaturesOfInterest"):
        return Scope(found.device)
    if to == "ObservedProperties":
        return Scope(quantity=found.quantity)
    return Scope(found.device, found.quantity)


def reach(root: str, devices: QuerySet[Device], *, inside: bool = False) -> Reach:
    return Reach(root, devices, {q.pk: q for q in Quantity.objects.all()}, inside)
