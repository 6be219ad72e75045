"""What comes of an alarm besides messages: services declare what they can do, officers choose in a rule what they shall."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from toguna.engines.telemetry.events import AlarmRaised
from toguna.engines.telemetry.models import Alarm
from toguna.kernel import registry
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class AlarmReaction(Declaration):
    """title: of the field in the form of a rule; choices: (key, words) of what can be chosen there; permission: of who may choose it;
    run(alarm, key): does it, once however often it is called for that alarm: the outbox may say it again."""

    name: str
    title: Any
    permission: str
    choices: Callable[[], Sequence[tuple[str, Any]]]
    run: Callable[[Alarm, str], None]

    def problems(self) -> Iterator[str]:
        if not self.name.isidentifier():
            yield f"the name {self.name!r} is part of a field's name: letters, figures and _ only"


def on_alarm_raised(event: AlarmRaised) -> None:
    """A rule that was changed, or deleted with its alarms, since then does what it says now."""
    alarm = Alarm.objects.select_related("rule", "device").filter(pk=event.alarm).first()
    if alarm is None:
        return
    for reaction in registry.declared(AlarmReaction):
        if chosen := alarm.rule.does.get(reaction.name):
            reaction.run(alarm, chosen)
