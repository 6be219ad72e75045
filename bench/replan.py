"""Rounds changed in mid-day: a truck of eight breaks down at eight o'clock, and the others take its stops; against the target of ten seconds.

Method: 300 stops on a plane of 12 km (as the crow flies and a third more, at 20 km/h), eight trucks with a rest, two dumps; the day is
planned for 15 seconds; at eight o'clock each truck is where its plan says, with what it carries then; one is out. The time is that of the
whole answer, matrix included. A stop is moved when its truck is another one than before, though its truck still drives.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

from bench import Result
from toguna.services.waste.rounds import ground, solving
from toguna.services.waste.rounds.problem import Dump, Kind, Pause, Plan, Problem, Stop, Vehicle, faults

STOPS, TRUCKS, TARGET = 300, 8, 10.0
HOUR = 3600


def day(seed: int = 3) -> tuple[Problem, list[ground.Point]]:
    draw = random.Random(seed)
    points = [(-8.0 + draw.uniform(-0.055, 0.055), 12.6 + draw.uniform(-0.055, 0.055)) for _ in range(STOPS + 3)]
    fleet = tuple(
        Vehicle(
            f"T{n}",
            0,
            0,
            12_000,
            5_000,
            6 * HOUR,
            15 * HOUR,
            Pause(10 * HOUR, 12 * HOUR, 1800),
            450,
            3500,
            10_000,
            ("a", "b"),
        )
        for n in range(TRUCKS)
    )
    stops = tuple(
        Stop(f"s{n}", n + 3, litres := draw.choice((660, 1100, 1650)), litres // 4, 60 + litres // 15, prize=60_000)
        for n in range(STOPS)
    )
    dumps = (Dump("a", 1, 600, 6 * HOUR, 19 * HOUR), Dump("b", 2, 600, 6 * HOUR, 19 * HOUR))
    return Problem(fleet, stops, dumps, {"truck": ground.straight(points, "truck")}, evenness=0.5), points


def run() -> list[Result]:
    problem, points = day()
    plan = solving.solve(problem, 15.0)
    then = 8 * HOUR
    began = time.perf_counter()
    later, before, moved_from = _at(problem, plan, points, then)
    again = solving.solve(later, 5.0, start=before)
    took = time.perf_counter() - began
    if wrong := faults(later, again):
        raise ValueError(str(wrong[:3]))
    was = {s.key: s.was for s in later.stops}
    kept = [k for k in was if was[k] != moved_from]
    moved = sum(again.of().get(k) not in (None, was[k]) for k in kept)
    method = f"{len(later.stops)} stops left at eight, {len(was) - len(kept)} of the broken truck; {moved} of the {len(kept)} others moved, {len(again.left)} left out"
    return [Result("replan", "s", round(took, 2), TARGET, "target 10 s", round(TARGET / took, 2), method)]


def _at(problem: Problem, plan: Plan, points: list[ground.Point], then: int) -> tuple[Problem, Plan, str]:
    """What is left of the day then, without the truck that has most to do."""
    out = max(plan.routes, key=lambda r: sum(v.arrives > then and v.kind == Kind.STOP for v in r.visits)).vehicle
    rows, fleet, waiting = list(points), [], set()
    for route in plan.routes:
        done = [v for v in route.visits if v.leaves <= then]
        waiting |= {v.key for v in route.visits if v.leaves > then and v.kind == Kind.STOP}
        if route.vehicle == out:
            continue
        vehicle = problem.vehicle(route.vehicle)
        last = next((v for v in reversed(done) if v.kind != Kind.PAUSE), None)
        known = [*((x.key, x.at) for x in problem.stops), *((x.key, x.at) for x in problem.dumps)]
        where = next((at for key, at in known if last and key == last.key), vehicle.start)
        rows.append(points[where])
        load = (done[-1].volume, done[-1].weight) if done else (0, 0)
        rested = any(v.kind == Kind.PAUSE for v in done)
        fleet.append(
            replace(
                vehicle,
                start=len(rows) - 1,
                begins=then,
                load=load,
                cost_day=0,
                pause=None if rested else vehicle.pause,
            )
        )
    of = plan.of()
    stops = tuple(replace(s, was=of[s.key]) for s in problem.stops if s.key in waiting)
    later = replace(
        problem,
        vehicles=tuple(fleet),
        stops=stops,
        matrices={"truck": ground.straight(rows, "truck")},
        moved=10_000,
        evenness=0.0,
    )
    return later, plan, out
