"""How fast it is driven, as the town's own trucks find it: now, for routes of now; and by hour, learned from each day that is over.

A truck that collects is not in traffic: what it does near the places of its round says nothing of the road, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.services.waste import devices
from toguna.services.waste.models import DayPlan, Round, Truck, Visit
from toguna.services.waste.rounds import ways

WINDOW = timedelta(minutes=8)  # the part of a track that says how it is now
GAP = timedelta(minutes=3)  # longer without a position: nobody knows where it was
NEAR = 50  # metres from a place of the round: it collects there
SHORTEST = 100  # metres of a piece of track that says something
LONGEST = 1000  # positions in one question
SLOWEST, FASTEST = 2, 150  # km/h: below, it stood; above, the receiver erred
DAYS, AT_ONCE = 7, 20  # days back, rounds in one run


def live() -> None:
    """Periodic: the last minutes of each truck under way, as live speeds. Without routes, nothing."""
    now = timezone.now()
    driven: list[territory.Driven] = []
    for one in _rounds().filter(plan__day=timezone.localdate(), state=Round.State.STARTED):
        try:
            for piece in pieces(_fixes(one, now - WINDOW, now + timedelta(seconds=1)), _places(one)):
                driven += _laid(piece, one.truck)
        except territory.RoutingUnavailable:
            return
    driven.sort(key=lambda d: d.entered)  # the last that passed counts
    territory.set_speeds({d.edge: d.kmh for d in driven if d.kmh is not None and SLOWEST <= d.kmh <= FASTEST})


def learn() -> None:
    """Periodic: what was driven on days that are over, each round once; some rounds in a run, the newest first."""
    today = timezone.localdate()
    over = _rounds().filter(plan__day__lt=today, plan__day__gte=today - timedelta(days=DAYS), started__isnull=False)
    keys = {_key(pk): pk for pk in over.order_by("-plan__day", "pk").values_list("pk", flat=True)}
    known = territory.speeds_learned(keys)
    todo = [pk for key, pk in keys.items() if key not in known][:AT_ONCE]
    for one in over.filter(pk__in=todo):
        assert one.started is not None
        end = one.ended or one.started + timedelta(hours=24)
        try:
            for piece in pieces(_fixes(one, one.started, end), _places(one)):
                _learned(f"{_key(one.pk)}:{piece[0].at.timestamp():.0f}", piece, one.truck)
            territory.learn_speeds(_key(one.pk), [])  # the round itself is known: it is not read again
        except territory.RoutingUnavailable:
            return


def pieces(fixes: Sequence[territory.Fix], places: Sequence[ways.Point]) -> Iterator[list[territory.Fix]]:
    """The parts of a track on which it drove: cut where it was long silent and near the places of its round."""
    piece: list[territory.Fix] = []
    for fix in fixes:
        collects = any(ways.apart((fix.lon, fix.lat), place) < NEAR for place in places)
        if piece and (collects or fix.at - piece[-1].at > GAP or len(piece) == LONGEST):
            if _says(piece):
                yield piece
            piece = []
        if not collects:
            piece.append(fix)
    if _says(piece):
        yield piece


def _says(piece: Sequence[territory.Fix]) -> bool:
    if len(piece) < 2:
        return False
    first = (piece[0].lon, piece[0].lat)
    return max(ways.apart(first, (f.lon, f.lat)) for f in piece) >= SHORTEST


def _rounds() -> QuerySet[Round]:
    """Those of trucks: carts and tricycles are slow on any road."""
    visits = Visit.objects.select_related("place", "call")
    found = Round.objects.filter(plan__state=DayPlan.State.PUBLISHED, truck__mode=Truck.Mode.TRUCK)
    return found.select_related("truck__depot").prefetch_related(Prefetch("visits", visits))


def _key(pk: int) -> str:
    return f"waste.round:{pk}"


def _fixes(one: Round, start: datetime, end: datetime) -> list[territory.Fix]:
    device = devices.trackers([one.truck]).get(one.truck_id)
    return [territory.Fix(p.lon, p.lat, p.at) for p in telemetry.track(device, start, end)] if device else []


def _places(one: Round) -> list[ways.Point]:
    found = [ways.spot(where.point) for v in one.visits.all() if (where := v.place or v.call)]
    return [ways.spot(one.truck.depot.point), *found]


def _laid(piece: Sequence[territory.Fix], truck: Truck) -> list[territory.Driven]:
    try:
        return territory.trace(piece, ways.mode_of(ways.kind_of(truck))).edges
    except territory.NoRoute:
        return []  # it drove where no street is known


def _learned(key: str, piece: Sequence[territory.Fix], truck: Truck) -> None:
    try:
        territory.learn_speeds(key, piece, ways.mode_of(ways.kind_of(truck)))
    except territory.NoRoute:
        return
