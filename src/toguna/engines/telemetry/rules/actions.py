"""What officers do with rules and alarms; and what time alone does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from toguna.engines.telemetry.devices.register import MANAGE, READ
from toguna.engines.telemetry.events import AlarmEscalated
from toguna.engines.telemetry.models import Alarm, AlarmRule, Device, RuleState
from toguna.engines.telemetry.rules import declared, watching
from toguna.engines.telemetry.rules.conditions import parse
from toguna.engines.telemetry.rules.watching import Live, Watch, Watched
from toguna.kernel import access, audit
from toguna.kernel.access import Actor
from toguna.kernel.events import publish

CHUNK = 5000  # devices whose time is looked at in one transaction


def save_rule(name: str, values: dict[str, Any], *, by: Actor) -> AlarmRule:
    """A new rule (it does not watch until it is switched on), or another condition, level or reach for one that is there: what it
    remembered of each device is then forgotten. Raises BadCondition, ValidationError."""
    access.require(by, MANAGE, zone=values.get("zone"))
    parse(values["spec"])
    with transaction.atomic():
        row = AlarmRule.objects.select_for_update().filter(name=name).first() or AlarmRule(name=name)
        if row.pk:
            access.require(by, MANAGE, zone=row.zone)
        other = row.spec != values["spec"]
        for field, value in values.items():
            setattr(row, field, value)
        row.full_clean()
        row.save()
        if other:
            _forget(row)
        audit.record(by, "telemetry.save_rule", f"telemetry.rule:{row.pk}", spec=row.spec, level=row.level)
    return row


def switch(pk: int, on: bool, *, by: Actor) -> AlarmRule:
    """On: it watches from now. Off: its alarms are cleared."""
    with transaction.atomic():
        row = AlarmRule.objects.select_for_update().get(pk=pk)
        access.require(by, MANAGE, zone=row.zone)
        if row.on != on:
            row.on = on
            row.save(update_fields=["on", "changed"])
            _forget(row)
            audit.record(by, "telemetry.switch_rule", f"telemetry.rule:{pk}", on=on)
    return row


def _forget(row: AlarmRule) -> None:
    RuleState.objects.filter(rule=row).delete()
    now = timezone.now()
    Alarm.objects.filter(rule=row, cleared=None, raised__lte=now).update(cleared=now)
    Alarm.objects.filter(rule=row, cleared=None).update(cleared=F("raised"))


def acknowledge(pk: int, note: str = "", *, by: Actor) -> Alarm:
    """Somebody deals with it: it does not go up any more. Said twice, the first stays."""
    with transaction.atomic():
        row = Alarm.objects.select_for_update(of=("self",)).select_related("device").get(pk=pk)
        access.require(by, READ, zone=row.device.zone)
        if row.acknowledged is None:
            row.acknowledged, row.account, row.note = timezone.now(), by.account, note[:300]
            row.save(update_fields=["acknowledged", "account", "note"])
            audit.record(by, "telemetry.acknowledge", f"telemetry.alarm:{pk}")
    return row


def escalate() -> int:
    """Alarms that nobody acknowledged in time go up one level, and are said again. A Periodic."""
    due = ExpressionWrapper(
        Coalesce("escalated", "made") + F("rule__escalate") * Value(timedelta(minutes=1)), output_field=DateTimeField()
    )
    late = Alarm.objects.filter(cleared=None, acknowledged=None, level__lt=3, rule__escalate__isnull=False)
    late = late.annotate(due=due).filter(due__lt=timezone.now())
    done = 0
    for pk in late.order_by("pk").values_list("pk", flat=True)[:1000]:
        with transaction.atomic():
            row = late.select_for_update(of=("self",)).select_related("rule", "device").filter(pk=pk).first()
            if row is None:
                continue
            row.level, row.escalated = row.level + 1, timezone.now()
            row.save(update_fields=["level", "escalated"])
            device = row.device
            publish(AlarmEscalated(row.pk, row.rule.name, device.pk, device.service, device.ref, row.level))
            watching.tell(row, row.rule, device.name, device.zone, up=True)
            done += 1
    return done


def tick() -> int:
    """Asks the rules that time alone changes (silence, how long, which hours) of each device they watch. A Periodic; how many
    alarms came or went."""
    declared.bring()
    rules = [rule for rule in watching.live() if rule.condition.timed]
    if not rules:
        return 0
    crossed = 0
    now = timezone.now().timestamp()
    for chunk in _chunks():
        with transaction.atomic():
            # In the loader's order: latest first, then the states, so that neither waits for the other for ever.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT FROM telemetry_latest WHERE device_id = ANY(%s) ORDER BY device_id FOR UPDATE",
                    [[device.id for device in chunk]],
                )
            watch = Watch(rules)
            watch.begin(chunk)
            for device in chunk:
                for rule in rules:
                    if rule.watches(device) and (rule.row.pk, device.id) in watch.states:
                        watch.step(rule, device, now)
            watch.end()
            crossed += len(watch.crossings)
    return crossed


def _chunks() -> Iterator[list[Watched]]:
    last = 0
    while True:
        rows = list(
            Device.objects.filter(pk__gt=last, state=Device.State.ACTIVE, rulestate__isnull=False)
            .order_by("pk").distinct().values_list("pk", "name", "service", "ref", "kind", "zone")[:CHUNK]
        )  # fmt: skip
        if not rows:
            return
        yield [Watched(*row) for row in rows]
        last = rows[-1][0]


def watched_by(rule: Live) -> QuerySet[Device]:
    """The active devices that a rule watches: `Live.watches`, in the database."""
    rows = Device.objects.filter(state=Device.State.ACTIVE).order_by("name", "pk")
    for name, value in (("service", rule.row.service), ("kind", rule.row.kind)):
        if value:
            rows = rows.filter(**{name: value})
    if rule.devices:
        rows = rows.filter(pk__in=rule.devices)
    return rows if rule.zones is None else rows.filter(zone__in=rule.zones)
