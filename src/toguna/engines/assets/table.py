"""The register as a table: out, and in from another."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _

from toguna.engines.assets import actions, reads
from toguna.engines.assets.models import Asset
from toguna.engines.territory import api as territory
from toguna.kernel import money, tables, text
from toguna.kernel.access import Actor

COLUMNS = (
    "code", "kind", "name", "serial", "maker", "unit", "where", "lat", "lon", "bought", "price", "warranty", "tank", "km", "hours",
    "state", "public",
)  # fmt: skip
_IDS = uuid.UUID("a2a2ba55-0b77-4a67-9a3e-3b1f4f1f8c10")


def rows(assets: Iterable[Asset]) -> Iterator[list[Any]]:
    """The heads, then each. Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    yield list(COLUMNS)
    for one in assets:
        yield [
            one.code, one.kind, *(tables.safe(v) for v in (one.name, one.serial, one.maker, one.unit, one.where)),
            f"{one.point.y:.6f}" if one.point else "", f"{one.point.x:.6f}" if one.point else "", one.bought or "",
            money.shown(one.price, plain=True) if one.price else "", one.warranty or "", one.tank or "", one.km or "", one.hours or "",
            one.state, "1" if one.public else "0",
        ]  # fmt: skip


def read(file: object, *, by: Actor) -> tuple[int, int]:
    """Brings a table in, all or nothing: (new, changed). Its columns are those of COLUMNS, in any order; kind and name are needed; a
    code that is known changes that one; a line without code that was brought before is not brought twice. Raises tables.Wrong, Denied."""
    return tables.bring(file, COLUMNS, ("kind", "name"), lambda given: _line(given, by), actions.Refused)


def _line(given: dict[str, str], by: Actor) -> bool:
    """Whether it is new."""
    row = reads.by_code(given["code"]) if given.get("code") else None
    if given.get("code") and row is None:
        raise actions.Refused(_("No equipment has this code: %(code)s") % {"code": given["code"]})
    once = uuid.uuid5(_IDS, text.fold(" ".join(given.get(name, "") for name in ("kind", "name", "serial"))))
    row = row or (Asset.objects.filter(client_id=once).first() if given.get("serial") else None)
    keep: dict[str, Any] = {
        "kind": "", "name": "", "serial": "", "maker": "", "unit": "", "where": "", "point": None, "bought": None, "price": 0,
        "warranty": None, "tank": 0, "device": None, "public": True,
    }  # fmt: skip
    if row is not None:  # what the table does not say stays as it was
        keep = {name: getattr(row, name) for name in keep}
    for name in ("name", "serial", "maker", "unit", "where"):
        keep[name] = given.get(name, keep[name])
    if kind := given.get("kind"):
        keep["kind"] = next(
            (v for v, label in Asset.Kind.choices if text.fold(kind) in (v, text.fold(str(label)))), kind
        )
    if given.get("lat") and given.get("lon"):
        spot = territory.read_point(f"{given['lat'].replace(',', '.')}, {given['lon'].replace(',', '.')}")
        if spot is None:
            raise actions.Refused(_("This is not a position."))
        keep["point"] = Point(*spot, srid=4326)
    for name in ("bought", "warranty"):
        if given.get(name):
            keep[name] = _day(given[name])
    if given.get("price"):
        try:
            keep["price"] = money.read(given["price"])
        except money.NotMoney:
            raise actions.Refused(_("This is not an amount.")) from None
    if given.get("tank"):
        keep["tank"] = _whole(given["tank"])
    if given.get("public"):
        keep["public"] = given["public"] == "1"
    phones = tuple(row.keepers.values_list("phone", flat=True)) if row else ()
    actions.save(
        row, actions.Told(**keep, keepers=phones), by=by, km=_whole(given.get("km") or "0"),
        client_id=once if given.get("serial") else uuid.uuid4(),
    )  # fmt: skip
    return row is None


def _day(typed: str) -> date:
    parts = typed.replace("/", "-").replace(".", "-").split("-")
    try:
        if len(parts) == 3 and len(parts[0]) <= 2:  # as people write it: the day first
            parts.reverse()
        return date(*(int(part) for part in parts))
    except (ValueError, TypeError):
        raise actions.Refused(_("This is not a day: write 2027-03-31 or 31/03/2027.")) from None


def _whole(typed: str) -> int:
    digits = typed.replace(" ", "").replace("\u202f", "").replace("\xa0", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 8):
        raise actions.Refused(_("This is not a whole number: %(typed)s") % {"typed": typed[:20]})
    return int(digits)
