"""A day of trucks, played in a minute: they drive the rounds that crews were given, along their lines, and their trackers say where they
are by the same door as real ones. Crews' taps are done with the verbs that their telephones use, at the hour of the played day, so that nobody is
late.

A played truck does hours of road in seconds, so its tracker is registered as one that may be that fast; all else is as it is for real.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import time
import uuid
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from django.db.models import Prefetch
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion

from toguna.engines.assets import api as assets
from toguna.engines.telemetry import api as telemetry
from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import DayPlan, Round, Truck, Visit
from toguna.services.waste.rounds import driving, planning, stops
from toguna.services.waste.rounds.ways import Point, apart

SECONDS = 10.0  # of solving, when there is no plan of today
FASTEST = 30_000  # km/h: a day of ten hours in a minute
SKIPPED = 0.03
NOISE = 8  # metres, of a receiver
BROKER = 20.0  # seconds in which the broker knows a new tracker


@dataclass(frozen=True)
class Tracker:
    code: str
    key: str


@dataclass(frozen=True)
class Track:
    """Where a truck is at each moment: metres driven at given instants, along a line."""

    line: Sequence[Point]
    along: Sequence[float]
    instants: Sequence[datetime]
    driven: Sequence[float]

    def at(self, moment: datetime) -> Point:
        place = min(max(bisect_right(self.instants, moment), 1), len(self.instants) - 1)
        before, after = self.instants[place - 1], self.instants[place]
        span = (after - before).total_seconds()
        share = min(1.0, max(0.0, (moment - before).total_seconds() / span)) if span else 1.0
        metres = self.driven[place - 1] + share * (self.driven[place] - self.driven[place - 1])
        metres *= self.along[-1] / (self.driven[-1] or 1)
        corner = min(max(bisect_right(self.along, metres), 1), len(self.along) - 1)
        length = self.along[corner] - self.along[corner - 1]
        part = min(1.0, max(0.0, (metres - self.along[corner - 1]) / length)) if length else 0.0
        (x, y), (to_x, to_y) = self.line[corner - 1], self.line[corner]
        return x + part * (to_x - x), y + part * (to_y - y)


def track_of(one: Round) -> Track:
    line: list[Point] = [(x, y) for x, y in one.line] or [(one.truck.depot.point.x, one.truck.depot.point.y)]
    line = line if len(line) > 1 else line * 2
    along = [0.0]
    for before, after in itertools.pairwise(line):
        along.append(along[-1] + apart(before, after))
    instants, driven = [one.departs], [0.0]
    for visit in one.visits.all():
        driven += [driven[-1] + visit.metres] * 2
        instants += [visit.arrives, visit.leaves]
    return Track(line, along, [*instants, one.returns], [*driven, max(float(one.metres), driven[-1])])


def trackers(rounds: Sequence[Round], *, mqtt: bool = False) -> dict[int, Tracker]:
    """Round -> its truck's tracker, registered when it has none."""
    found = {}
    for one in rounds:
        code = f"truck-{one.truck.plate}{'-mqtt' if mqtt else ''}".lower()
        told = telemetry.Told(
            name=one.truck.plate,
            kind=telemetry.Device.Kind.TRACKER,
            service="waste",
            ref=f"truck:{one.truck.plate}",
            fastest=FASTEST,
        )
        device = telemetry.register_device(
            code, telemetry.Device.Door.MQTT if mqtt else telemetry.Device.Door.HTTP, told, by=SYSTEM
        )
        Truck.objects.filter(pk=one.truck_id).update(device=device.pk)
        if one.truck.asset is not None:
            assets.tie(one.truck.asset, device.pk, by=SYSTEM)
        found[one.pk] = Tracker(code, telemetry.key_of(device))
    return found


def plan_of_today() -> DayPlan:
    """The one that crews have; made and given when there is none. Raises planning.Refused."""
    today = timezone.localdate()
    given = DayPlan.objects.filter(day=today, state=DayPlan.State.PUBLISHED).first()
    if given is not None:
        return given
    ready = DayPlan.objects.filter(day=today, state=DayPlan.State.READY).order_by("-pk")
    plan = next((p for p in ready if not p.trial), None) or planning.ask(today, by=SYSTEM, seconds=SECONDS, whole=True)
    planning.build(plan=plan.pk)
    plan.refresh_from_db()
    if plan.state == DayPlan.State.FAILED:
        raise planning.Refused(plan.says)
    return planning.publish(plan.pk, by=SYSTEM)


def play(
    plan: DayPlan,
    url: str,
    *,
    seconds: float = 60.0,
    beats: int = 60,
    say: Callable[[str], None] = print,
    seed: int = 1,
    mqtt: bool = False,
) -> dict[str, int]:
    """Plays the day; how many positions were taken, stops done and skipped. mqtt: by that door. Raises OSError when it cannot be reached."""
    draw = random.Random(seed)  # noqa: S311 - a game
    counted = {"positions": 0, "done": 0, "skipped": 0}
    rounds = _to_drive(plan)
    if not rounds:
        return counted
    keys, tracks, todo = trackers(rounds, mqtt=mqtt), {r.pk: track_of(r) for r in rounds}, _todo(rounds)
    first, last, since = min(r.departs for r in rounds), max(r.returns for r in rounds), 0
    moment = first
    left: set[int] = set()
    door = _Broker() if mqtt else _Door(url)

    def tap(one: Round, what: str, **more: Any) -> None:
        record = {"id": _once(one, what), "round": one.pk, "at": moment.isoformat()}
        driving.apply(record | more, by=SYSTEM, now=moment)

    for beat in range(1, beats + 1):
        began = time.monotonic()
        version = plan.version
        plan.refresh_from_db(fields=["version"])
        if plan.version != version and (fresh := _to_drive(plan)):
            # The rounds were changed meanwhile: the day goes on from when they begin anew.
            rounds, since = fresh, beat - 1
            keys, tracks, todo = trackers(rounds, mqtt=mqtt), {r.pk: track_of(r) for r in rounds}, _todo(rounds)
            first, last = max(moment, timezone.now()), max(r.returns for r in rounds)
        moment = first + (last - first) * (beat - since) / (beats - since)
        for one in rounds:
            counted["positions"] += door.send(keys[one.pk], _shaken(tracks[one.pk].at(moment), draw))
            if moment >= one.departs and one.pk not in left:
                left.add(one.pk)
                tap(one, "start", do="start")
            while todo[one.pk] and todo[one.pk][0].leaves <= moment:
                visit = todo[one.pk].pop(0)
                skipped, said = _said_of(visit, draw)
                tap(one, f"{visit.kind}{visit.number}v{plan.version}", **said)
                counted["skipped" if skipped else "done"] += 1
            if moment >= one.returns:
                tap(one, "end", do="end")
        if beat % 10 == 0:
            say(f"{timezone.localtime(moment):%H:%M}  {counted['done']} / {counted['skipped']}")
        sleep(max(0.0, seconds / beats - (time.monotonic() - began)))
    door.close()
    return counted


def _to_drive(plan: DayPlan) -> list[Round]:
    over = (Round.State.ENDED, Round.State.BROKEN)
    visits = Prefetch("visits", Visit.objects.order_by("number"))
    return list(plan.rounds.exclude(state__in=over).select_related("truck__depot").prefetch_related(visits))


def _todo(rounds: Sequence[Round]) -> dict[int, list[Visit]]:
    return {r.pk: [v for v in r.visits.all() if v.state == Visit.State.PLANNED] for r in rounds}


def _said_of(visit: Visit, draw: random.Random) -> tuple[bool, dict[str, Any]]:
    """(whether it was skipped, what the crew says of it)."""
    skipped = visit.kind == Visit.Kind.STOP and draw.random() < SKIPPED
    expected = float(visit.facts.get("level") or 80)
    level = min(driving.LEVELS, key=lambda step: abs(step - expected * draw.lognormvariate(0, 0.2)))
    key = stops.key_of(visit) or (f"p{visit.place_id}" if visit.place_id else "")
    said = {"do": "skipped" if skipped else "done", "kind": visit.kind, "key": key}
    return skipped, said | (
        {"reason": "blocked"} if skipped else {"level": level} if visit.kind == Visit.Kind.STOP else {}
    )


def _once(one: Round, what: str) -> str:
    """The same day played twice taps once."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"waste.played:{one.pk}:{what}"))


def _shaken(point: Point, draw: random.Random) -> Point:
    north = draw.gauss(0, NOISE / 111_195)
    return point[0] + draw.gauss(0, NOISE / 111_195) / math.cos(math.radians(point[1])), point[1] + north


class _Broker:
    """Mosquitto of `serve --mqtt`; each tracker logs in with its own key, as real ones do."""

    def __init__(self) -> None:
        self._address = telemetry.broker_address()
        self._clients: dict[str, paho.Client] = {}

    def send(self, tracker: Tracker, point: Point) -> int:
        """1 when the broker has it."""
        client = self._clients.get(tracker.code) or self._connected(tracker)
        said = client.publish(f"t/{tracker.code}/up", _said(point), qos=1)
        said.wait_for_publish(BROKER)
        return int(said.is_published())

    def _connected(self, tracker: Tracker) -> paho.Client:
        """A key that was made just now is at the broker some seconds later."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=tracker.code)
        client.username_pw_set(tracker.code, tracker.key)
        client.reconnect_delay_set(1, 1)
        client.connect(*self._address)
        client.loop_start()
        until = time.monotonic() + BROKER
        while not client.is_connected():
            if time.monotonic() > until:
                client.loop_stop()
                raise OSError(f"MQTT: {tracker.code}")
            sleep(0.05)
        self._clients[tracker.code] = client
        return client

    def close(self) -> None:
        for client in self._clients.values():
            client.disconnect()
            client.loop_stop()


def _said(point: Point) -> str:
    return json.dumps({"at": time.time(), "lat": round(point[1], 6), "lon": round(point[0], 6)})


class _Door:
    """The HTTP door of telemetry, over one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=20)

    def send(self, tracker: Tracker, point: Point) -> int:
        """1 when it was taken, 0 when it was not (the next one says where the truck is then)."""
        body = _said(point)
        headers = {"Authorization": f"Bearer {tracker.key}", "Content-Type": "application/json"}
        try:
            self.connection.request("POST", f"/telemetry/in/{tracker.code}", body, headers)
            answer = self.connection.getresponse()
            answer.read()
        except HTTPException:
            self.connection.close()
            return 0
        return int(answer.status in (200, 202))

    def close(self) -> None:
        self.connection.close()
