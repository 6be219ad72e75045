"""The rows of a plan, for one that is made and for one that is changed: its ways, its rounds and their visits, what is left, what it is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from toguna.services.waste.models import DayPlan, LeftOut, Round, Visit
from toguna.services.waste.rounds import making, reads, ways
from toguna.services.waste.rounds.making import Made, Start
from toguna.services.waste.rounds.problem import Kind, Route
from toguna.services.waste.rounds.problem import Visit as Planned
from toguna.services.waste.rounds.stops import moment_of

Line = list[list[float]]


def lines(made: Made, starts: Mapping[str, Start] | None = None) -> dict[str, Line]:
    """Truck -> its way on the map, from where it is (starts), else from its garage."""
    found = {}
    for route in made.plan.routes:
        truck = made.trucks[route.vehicle]
        home = (truck.depot.point.x, truck.depot.point.y)
        begin = starts[route.vehicle].point if starts else home
        points = [begin, *(_point(made, v) for v in route.visits if v.kind != Kind.PAUSE), home]
        way = ways.line(points, ways.kind_of(truck), by_roads=made.by_roads)
        found[route.vehicle] = [[round(x, 5), round(y, 5)] for x, y in way]
    return found


def _point(made: Made, visit: Planned) -> ways.Point:
    return made.dumps[visit.key].point if visit.kind == Kind.DUMP else made.due[visit.key].point


def keep(row: DayPlan, made: Made, lines: Mapping[str, Line]) -> None:
    """A fresh plan."""
    rounds = Round.objects.bulk_create(
        Round(
            plan=row, truck=made.trucks[r.vehicle], departs=moment_of(row.day, r.departs), returns=moment_of(row.day, r.returns), metres=r.metres,
            line=lines[r.vehicle],
        )
        for r in made.plan.routes
    )  # fmt: skip
    visits = [
        visit
        for one, route in zip(rounds, made.plan.routes, strict=True)
        for visit in visits_of(row.day, one, route, made)
    ]
    Visit.objects.bulk_create(visits, batch_size=1000)
    keep_left(row, made, made.plan.left)


def keep_left(row: DayPlan, made: Made, keys: Collection[str]) -> None:
    LeftOut.objects.bulk_create(
        LeftOut(plan=row, why=made.plan.left[key], facts=made.due[key].facts | {"why": made.due[key].why}, **_what(key))
        for key in keys
    )


def _what(key: str) -> dict[str, Any]:
    """The columns of "p12" (a place), "c7" (a call), "tp12" and "ttp12" (what carts brought to a place)."""
    kind, pk = key.lstrip("t")[0], int(key.lstrip("tpc"))
    return {"call_id": pk} if kind == "c" else {"place_id": pk}


def visits_of(day: date, one: Round, route: Route, made: Made, first: int = 1) -> list[Visit]:
    """first: the number of the first of them."""
    rows = []
    for number, visit in enumerate(route.visits, first):
        due = made.due.get(visit.key) if visit.kind == Kind.STOP else None
        rows.append(
            Visit(
                round=one, number=number, kind=visit.kind, arrives=moment_of(day, visit.begins), leaves=moment_of(day, visit.leaves), metres=visit.metres,
                takes=due.volume if due else 0, takes_kg=due.weight if due else 0, volume=visit.volume, weight=visit.weight,
                why=due.why if due else "", facts=due.facts if due else {}, **(_what(visit.key) if visit.key else {}),
            )
        )  # fmt: skip
    return rows


def worth(row: DayPlan) -> dict[str, Any]:
    rounds = [r for r in reads.rounds_of(row) if r.visits.all()]
    return making.figures(rounds, row.left.exclude(facts__why="point").count())
