"""Rules at work: each reading that is loaded goes by those that watch its device; alarms come and go in the loader's transaction."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection
from django.utils import translation

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.telemetry.devices import changes
from toguna.engines.telemetry.events import AlarmCleared, AlarmRaised
from toguna.engines.telemetry.models import Alarm, AlarmRule
from toguna.engines.telemetry.rules import declared
from toguna.engines.telemetry.rules.conditions import BadCondition, Condition, Seen, State, Window, parse
from toguna.engines.territory import api as territory
from toguna.kernel import text, town
from toguna.kernel.events import publish
from toguna.kernel.tasks import Lane


@dataclass(frozen=True)
class Watched:
    """What rules need to know of a device."""

    id: int
    name: str = ""
    service: str = ""
    ref: str = ""
    kind: str = ""
    zone: int | None = None


@dataclass
class Live:
    """A rule that is on."""

    row: AlarmRule
    pk: int
    condition: Condition
    needs: frozenset[str] | None
    zones: frozenset[int] | None = None
    devices: frozenset[int] = frozenset()

    def watches(self, device: Watched) -> bool:
        row = self.row
        return (
            (not row.service or row.service == device.service)
            and (not row.kind or row.kind == device.kind)
            and (not self.devices or device.id in self.devices)
            and (self.zones is None or device.zone in self.zones)
        )


_KEEP = 300.0  # seconds: the limits of zones may have changed
_changes = changes.Changes("rule")
_kept: tuple[float, list[Live]] = (-_KEEP, [])


def live() -> list[Live]:
    """The rules that are on. One statement, and another one when they changed."""
    global _kept
    now = time.monotonic()
    with _changes.since() as changed:
        if changed is None or now - _kept[0] > _KEEP:
            found = []
            for row in AlarmRule.objects.filter(on=True):
                try:
                    found.append(made(row))
                except BadCondition:  # written by an older version: it watches nothing, and its page says so
                    continue
            _kept = (now, found)
    return _kept[1]


def made(row: AlarmRule) -> Live:
    """Raises BadCondition."""
    condition = parse(row.spec)
    zones = territory.zone_tree_ids(row.zone) if row.zone else None
    return Live(row, row.pk, condition, condition.needs, zones, frozenset(row.devices))


@dataclass
class Crossing:
    """A rule that began to hold for a device, or ceased."""

    rule: Live
    device: Watched
    at: float
    on: bool
    value: float | None
    lat: float | None
    lon: float | None


@dataclass
class Watch:
    """The rules of one batch: states are read once, written once."""

    rules: Sequence[Live]
    states: dict[tuple[int, int], tuple[State, bool]] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    _changed: set[tuple[int, int]] = field(default_factory=set)
    _for: dict[int, list[Live]] = field(default_factory=dict)
    _seen: dict[int, tuple[Watched, list[Seen]]] = field(default_factory=dict)
    _windows: list[tuple[Watched, Window]] = field(default_factory=list)

    def begin(self, devices: Iterable[Watched]) -> None:
        """Reads the states of these devices, and holds them. One statement."""
        self._for = {device.id: [rule for rule in self.rules if rule.watches(device)] for device in devices}
        ids = [pk for pk, rules in self._for.items() if rules]
        if not ids:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT rule_id, device_id, state, "on" FROM telemetry_rule_state WHERE device_id = ANY(%s) FOR UPDATE',
                [ids],
            )
            for rule, device, state, on in cursor.fetchall():
                self.states[rule, device] = (json.loads(state) if isinstance(state, str) else state, on)

    def see(self, device: Watched, seen: Seen) -> None:
        """A reading newer than those before; the rules are asked at the end."""
        if self._for.get(device.id):
            self._seen.setdefault(device.id, (device, []))[1].append(seen)

    def see_all(self, device: Watched, window: Window) -> None:
        """The same of all that a device said in this batch."""
        if self._for.get(device.id):
            self._windows.append((device, window))

    def _ask(self) -> None:
        self._windows += [(device, Window(readings)) for device, readings in self._seen.values()]
        nothing: tuple[State, bool] = ({}, False)
        for device, window in self._windows:
            said, pk = window.bounds.keys(), device.id
            for rule in self._for[pk]:
                needs = rule.needs
                if needs is None or not needs.isdisjoint(said):
                    state, on = self.states.get((rule.pk, pk), nothing)
                    if on or not rule.condition.quiet(state, window):
                        self._through(rule, device, window, state, on)
        self._seen, self._windows = {}, []

    def _through(self, rule: Live, device: Watched, window: Window, state: State, on: bool) -> None:
        if not on:
            followed = rule.condition.follow(state, window)
            if followed is not None:
                if followed != state:
                    self.states[rule.pk, device.id] = (followed, on)
                    self._changed.add((rule.pk, device.id))
                return
        needs = rule.needs
        self._steps(
            rule, device,
            [(one.at, one) for one in window.seen if needs is None or not needs.isdisjoint(one.values)],
        )  # fmt: skip

    def step(self, rule: Live, device: Watched, now: float) -> None:
        """The time alone."""
        self._steps(rule, device, [(now, None)])

    def _steps(self, rule: Live, device: Watched, moments: Iterable[tuple[float, Seen | None]]) -> None:
        key = (rule.pk, device.id)
        state, before_on = self.states.get(key, ({}, False))
        before, on = copy.deepcopy(state) if state else {}, before_on
        for now, seen in moments:
            holds = rule.condition.step(state, now, seen)
            if holds != on:
                value = None
                if seen is not None and rule.needs:
                    value = next((seen.values[name] for name in rule.needs if name in seen.values), None)
                self.crossings.append(
                    Crossing(rule, device, now, holds, value, seen.lat if seen else None, seen.lon if seen else None)
                )
                on = holds
        if on != before_on or state != before:
            self.states[key] = (state, on)
            self._changed.add(key)

    def end(self) -> None:
        """Asks the rules; writes what changed; raises and clears alarms. In the caller's transaction."""
        self._ask()
        if self._changed:
            rows = [(rule, device, *self.states[rule, device]) for rule, device in sorted(self._changed)]
            with connection.cursor() as cursor:
                # One JSON of all of them: arrays of texts would each be quoted by the driver, character by character.
                cursor.execute(
                    'INSERT INTO telemetry_rule_state (rule_id, device_id, state, "on") '
                    "SELECT (x ->> 0)::bigint, (x ->> 1)::int, x -> 2, (x ->> 3)::bool FROM jsonb_array_elements(%s::jsonb) x "
                    'ON CONFLICT (device_id, rule_id) DO UPDATE SET state = excluded.state, "on" = excluded."on"',
                    [json.dumps(rows)],
                )
        for crossing in self.crossings:
            _act(crossing)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _act(crossing: Crossing) -> None:
    rule, device, at = crossing.rule.row, crossing.device, _moment(crossing.at)
    about = {"rule": rule.name, "device": device.id, "service": device.service, "ref": device.ref}
    if not crossing.on:
        row = Alarm.objects.select_for_update().filter(rule=rule, device_id=device.id, cleared=None).first()
        if row is not None:
            row.cleared = max(at, row.raised)
            row.save(update_fields=["cleared"])
            publish(AlarmCleared(alarm=row.pk, at=at.isoformat(), **about))  # type: ignore[arg-type]
        return
    row, new = Alarm.objects.get_or_create(
        rule=rule, device_id=device.id, cleared=None,
        defaults={"level": rule.level, "value": crossing.value, "lat": crossing.lat, "lon": crossing.lon, "raised": at},
    )  # fmt: skip
    if new:
        publish(
            AlarmRaised(alarm=row.pk, level=row.level, value=crossing.value, at=at.isoformat(), **about)  # type: ignore[arg-type]
        )
        tell(row, rule, device.name, device.zone)


def tell(alarm: Alarm, rule: AlarmRule, device: str, zone: int | None, *, up: bool = False) -> None:
    """A message to whoever the rule names, or else to whom the service that brought it says: once for each level. up: it went up a level, and those named for that hear of it."""
    language = town.current().languages[0]
    addresses = (up and rule.notify_up) or rule.notify
    named = [people.Reach("email" if "@" in address else "sms", address, language) for address in addresses]
    for way in named or declared.hearers(rule.name, zone):
        with translation.override(way.language):
            words = f"{alarm.get_level_display().upper()}: {text.pick(rule.titles, way.language)} – {device}"
        channels.send(
            way.medium, way.address, key=f"telemetry:{alarm.pk}:{alarm.level}:{way.address}"[:120],
            text=words, subject=words[:150], language=way.language, lane=Lane.ALARM,
        )  # fmt: skip


def forget() -> None:
    """They are read anew."""
    _changes.forget()
