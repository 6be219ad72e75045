"""What is asked of the register: the nearest place that takes something, what it pays, whether it is open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery
from django.urls import reverse
from django.utils import formats

from toguna.kernel import text
from toguna.services.waste import opening
from toguna.services.waste.models import Material, Taken, WastePlace

State, Kind = WastePlace.State, WastePlace.Kind
# Where people bring things themselves; trucks bring theirs to the others.
BUY = (Kind.BUYER, Kind.RESELLER)
BRING = (Kind.BIN, Kind.POINT, Kind.SORTING, *BUY)
MOST = 50


@dataclass(frozen=True)
class Found:
    """A place near somebody. metres: None when nobody said where they are; price: minor units a kilogramme, None for none."""

    place: WastePlace
    metres: int | None
    price: int | None
    open: bool

    @property
    def far(self) -> str:
        """ "350 m", "1.4 km"."""
        if self.metres is None:
            return ""
        return (
            f"{round(self.metres, -1)} m"
            if self.metres < 1000
            else f"{formats.number_format(self.metres / 1000, 1)} km"
        )

    @property
    def hours(self) -> str:
        return opening.shown(self.place.hours)

    @property
    def closed(self) -> str:
        """Why one need not go there now, in words; "" when it is open."""
        return closed(self.place)


def closed(place: WastePlace) -> str:
    return opening.closed(place.hours) if place.state == State.OPEN else str(place.get_state_display())


def public() -> QuerySet[WastePlace]:
    return WastePlace.objects.filter(public=True).exclude(state=State.CLOSED)


def nearest(
    point: Point | None, *, material: Material | None = None, kinds: Sequence[str] = (), open_now: bool = False, zone: Iterable[int] = (),
    by_price: bool = False, most: int = MOST,
) -> list[Found]:  # fmt: skip
    """Those that take it, the nearest first (by name when nobody said where); by_price: that pays most first. Two statements."""
    rows: QuerySet[Any] = public().select_related("zone")
    if material is not None:
        rows = rows.filter(taken__material=material)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if wanted := list(zone):
        rows = rows.filter(zone__in=wanted)
    if point is not None:
        rows = rows.filter(state=State.OPEN).annotate(away=Distance("point", point)).order_by("away", "pk")
    if by_price:
        paid = Taken.objects.filter(place=OuterRef("pk"), material=material).values("price")
        rows = rows.annotate(paid=Subquery(paid)).order_by(
            F("paid").desc(nulls_last=True), *(rows.query.order_by or ("name", "pk"))
        )
    rows = rows.prefetch_related(
        Prefetch("taken", Taken.objects.select_related("material").order_by("material__order"), to_attr="takes")
    )
    found = []
    for row in rows[: MOST * 4 if open_now else most]:
        is_open = row.state == State.OPEN and opening.is_open(row.hours)
        if open_now and not is_open:
            continue
        price = next((one.price for one in row.takes if material is not None and one.material_id == material.pk), None)
        found.append(Found(row, round(row.away.m) if point is not None else None, price, is_open))
    return found[:most]


def materials() -> list[Material]:
    return list(Material.objects.filter(active=True))


def meant(words: str) -> tuple[Material | None, str]:
    """(the material that these words name, the words that are left): "plastique marché central"."""
    rest = words.split()
    known: dict[str, Material] = {}
    for row in materials():
        for name in (row.slug, *row.words, *row.names.values()):
            for word in text.fold(name).split():
                if len(word) > 2:
                    known.setdefault(word, row)
    for n, word in enumerate(rest):
        folded = text.fold(word)
        found = known.get(folded) or known.get(folded.rstrip("s")) or known.get(f"{folded}s")
        if found is not None:
            return found, " ".join(rest[:n] + rest[n + 1 :])
    return None, words


def by_code(typed: str) -> WastePlace | None:
    return WastePlace.objects.select_related("zone").filter(code=text.clean(typed).upper().replace(" ", "")).first()


def points(found: Iterable[Found]) -> str:
    """For the map beside a list, as JSON; "" for none."""
    rows: list[dict[str, Any]] = [
        {
            "lon": one.place.point.x, "lat": one.place.point.y, "code": one.place.code, "title": one.place.name,
            "url": reverse("waste-place", args=[one.place.code]), "kind": "done" if one.open else "waiting",
        }
        for one in found
    ]  # fmt: skip
    return json.dumps(rows) if rows else ""
