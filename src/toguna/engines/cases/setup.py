"""The town's own choices: topics with their questions, who gets what, words that are used often. Each verb is audited with
what changed, and takes effect at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import questions, routing
from toguna.engines.cases.actions import Refused
from toguna.engines.cases.models import Case, ReplyTemplate, Rule, Step, Topic
from toguna.engines.cases.routing import Routing
from toguna.engines.cases.workflow import CaseType
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.kernel.text import Words

DAYS = {
    "days": (1, 3650),
    "near_m": (0, 2000),
    "reopen_days": (0, 3650),
    "ask_days": (0, 3650),
    "keep_days": (1, 36500),
}
WORDS = ("names", "help", "stop")
FIELDS = (*WORDS, "parent", "icon", "layer", *DAYS, "public")


def _require(kind: CaseType, topic: Topic | None, zone: int | None = None, *, by: Actor) -> None:
    """What touches every topic needs the right to all of them."""
    access.require(by, kind.set_up, zone=zone, subject=topic.slug if topic else None)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def _values(topic: Topic) -> dict[str, Any]:
    values = {name: getattr(topic, name) for name in FIELDS if name != "parent"}
    return {**values, "parent": topic.parent_id}


def free_slug(kind: CaseType, words: str) -> str:
    """A short name for a new topic: from its words, letters and digits only, and not taken."""
    stem = re.sub(r"[^a-z0-9]+", "-", text.fold(words)).strip("-")[:50].strip("-") or "topic"
    taken = set(Topic.objects.filter(case_type=kind.name, slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)


@transaction.atomic
def save_topic(kind: CaseType, topic: Topic | None, values: Mapping[str, Any], *, by: Actor) -> Topic:
    """Makes a topic (closed, at the end of the list) or changes one. values: some of FIELDS; parent is an id or None.

    Raises Refused for what cannot be, Denied without the right to that topic (to all of them for a new one)."""
    _require(kind, topic, by=by)
    if topic is None:
        row = Topic(case_type=kind.name, active=False)
        row.order = (Topic.objects.filter(case_type=kind.name).aggregate(m=Max("order"))["m"] or 0) + 10
    else:
        row = Topic.objects.select_for_update().get(pk=topic.pk, case_type=kind.name)
    before = _values(row)
    for name in FIELDS:
        if name in values:
            setattr(row, "parent_id" if name == "parent" else name, values[name])
    if not any(row.names.values()):
        raise Refused(_("Give it a name in one language at least."))
    for name, (least, most) in DAYS.items():
        if not least <= getattr(row, name) <= most:
            raise Refused(
                _("A number is out of its range: from %(least)d to %(most)d.") % {"least": least, "most": most}
            )
    if row.parent_id is not None:
        parent = Topic.objects.get(pk=row.parent_id, case_type=kind.name)
        if parent.pk == row.pk or parent.parent_id is not None or (row.pk and row.children.exists()):
            raise Refused(_("Categories have two levels at most: choose another one above it."))
    if topic is None:
        row.slug = free_slug(kind, text.pick(row.names))
    row.save()
    if changed := _changes(before, _values(row)) if topic else {"slug": row.slug}:
        audit.record(by, f"{kind.name}.topic", f"cases.topic:{row.pk}", **changed)
    return row


@transaction.atomic
def save_questions(kind: CaseType, topic: Topic, rows: Sequence[Mapping[str, Any]], *, by: Actor) -> None:
    """The topic's extra questions, all of them. Raises Refused with what is wrong with them."""
    _require(kind, topic, by=by)
    if wrong := list(questions.problems(rows)):
        raise Refused("\n".join(wrong))
    row = Topic.objects.select_for_update().get(pk=topic.pk, case_type=kind.name)
    former, row.questions = row.questions, [dict(question) for question in rows]
    row.save(update_fields=["questions"])
    if former != row.questions:
        audit.record(by, f"{kind.name}.topic", f"cases.topic:{row.pk}", questions=[former, row.questions])


@transaction.atomic
def reorder(kind: CaseType, topic: Topic, *, up: bool, by: Actor) -> None:
    """One place up or down among its neighbours in the list."""
    _require(kind, None, by=by)
    rows = list(Topic.objects.select_for_update().filter(case_type=kind.name).order_by("order", "slug"))
    here = next((n for n, row in enumerate(rows) if row.pk == topic.pk), None)
    there = None if here is None else here + (-1 if up else 1)
    if here is None or there is None or not 0 <= there < len(rows):
        return
    rows[here], rows[there] = rows[there], rows[here]
    for place, row in enumerate(rows):
        row.order = (place + 1) * 10
    Topic.objects.bulk_update(rows, ["order"])
    audit.record(by, f"{kind.name}.topic", f"cases.topic:{topic.pk}", place=there + 1)


@transaction.atomic
def open_topic(kind: CaseType, topic: Topic, *, by: Actor) -> None:
    """From now on it can be chosen."""
    _require(kind, topic, by=by)
    if Topic.objects.filter(pk=topic.pk, active=False).update(active=True):
        audit.record(by, f"{kind.name}.topic", f"cases.topic:{topic.pk}", active=[False, True])


@transaction.atomic
def close_topic(kind: CaseType, topic: Topic, *, into: Topic | None = None, by: Actor) -> int:
    """From now on it cannot be chosen. What is open in it stays there with its team; or, with `into`, goes to that topic,
    with the same team and the same deadline, and out of sight of the public when that one is private. How many went. Whoever is filling its form is told so, and loses no word."""
    _require(kind, topic, by=by)
    row = Topic.objects.select_for_update().get(pk=topic.pk, case_type=kind.name)
    went: list[int] = []
    if into is not None:
        _require(kind, into, by=by)
        if into.pk == row.pk or into.case_type != kind.name or not into.active or any(into.stop.values()):
            raise Refused(_("Choose a category that is open."))
        moving = (
            Case.objects.select_for_update(of=("self",)).filter(type=kind.name, topic=row, open=True).order_by("pk")
        )
        went = list(moving.values_list("pk", flat=True))
        rows = Case.objects.filter(pk__in=went)
        rows.update(topic=into, updated=timezone.now())
        if not into.public:
            rows.update(public=False)
        corrected = {"before": {"topic": row.slug}, "now": {"topic": into.slug}}
        Step.objects.bulk_create(
            Step(case_id=pk, account=by.account, action="corrected", data=corrected) for pk in went
        )
    if row.active or went:
        row.active = False
        row.save(update_fields=["active"])
        audit.record(
            by, f"{kind.name}.topic", f"cases.topic:{row.pk}", active=[True, False],
            **({"into": into.slug, "cases": len(went)} if into else {}),
        )  # fmt: skip
    return len(went)


# -- Who gets what --


@dataclass(frozen=True)
class WhoGets:
    """topic, zone: None for any; weekdays: 1 (Monday) to 7, none: every day; end before start: until the next morning."""

    team: int
    topic: Topic | None = None
    zone: int | None = None
    weekdays: Sequence[int] = ()
    start: time | None = None
    end: time | None = None

    def values(self) -> dict[str, Any]:
        days = sorted(set(self.weekdays))
        return {
            "topic_id": self.topic.pk if self.topic else None, "zone_id": self.zone, "team_id": self.team,
            "weekdays": [] if len(days) == 7 else days, "start": self.start, "end": self.end,
        }  # fmt: skip


@transaction.atomic
def save_rule(kind: CaseType, rule: Rule | None, wanted: WhoGets, *, by: Actor) -> Rule:
    """Adds a rule or changes one. It holds for what comes from now on; what is there stays with its team."""
    _require(kind, wanted.topic, wanted.zone, by=by)
    if not set(wanted.weekdays) <= set(range(1, 8)):
        raise Refused(_("Days go from Monday to Sunday."))
    if wanted.start is not None and wanted.start == wanted.end:
        raise Refused(_("It ends when it begins: leave both hours empty for the whole day."))
    before: dict[str, Any] = {}
    if rule is None:
        rule = Rule(case_type=kind.name)
    else:
        _require(kind, rule.topic, rule.zone_id, by=by)
        before = {name: getattr(rule, name) for name in wanted.values()}
    after = wanted.values()
    for name, value in after.items():
        setattr(rule, name, value)
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise Refused(_("There is a rule for just this already: change that one.")) from None
    audit.record(by, f"{kind.name}.rule", f"cases.rule:{rule.pk}", **_changes(before, after))
    return rule


@transaction.atomic
def remove_rule(kind: CaseType, rule: Rule, *, by: Actor) -> None:
    _require(kind, rule.topic, rule.zone_id, by=by)
    audit.record(
        by,
        f"{kind.name}.rule_removed",
        f"cases.rule:{rule.pk}",
        topic=rule.topic_id,
        zone=rule.zone_id,
        team=rule.team_id,
    )
    rule.delete()


def _line(topic: Topic) -> list[int]:
    return [topic.pk, *([topic.parent_id] if topic.parent_id else [])]


@dataclass(frozen=True)
class Trial:
    """Which rule takes a case, and those that would if it were not there, from the next best."""

    won: Routing | None
    others: list[Routing] = field(default_factory=list)


def who_would_get(kind: CaseType, topic: Topic, zones: Sequence[int], at: datetime) -> Trial:
    """zones: from the smallest to the widest; at: local time. By the very choice that is made when a case comes."""
    left, found = routing.rules_of(kind.name), list[Routing]()
    while (best := routing.best(left, _line(topic), zones, at)) is not None:
        found.append(best)
        left.remove(best)
    return Trial(found[0], found[1:]) if found else Trial(None)


def without_team(kind: CaseType) -> list[tuple[Topic, list[str]]]:
    """Open topics that some district has nobody for at some hour: (topic, names of those districts; [] for all)."""
    always = [rule for rule in routing.rules_of(kind.name) if not rule.timed]
    lines = [(zone.name, territory.chain(zone.id)) for zone in territory.districts()]
    now, found = timezone.localtime(), []
    for topic in Topic.objects.filter(case_type=kind.name, active=True).order_by("order", "slug"):
        if any(topic.stop.values()) or routing.best(always, _line(topic), (), now):
            continue
        missing = [name for name, zones in lines if routing.best(always, _line(topic), zones, now) is None]
        if missing or not lines:
            found.append((topic, [] if len(missing) == len(lines) else missing))
    return found


# -- Words that are used often --


@transaction.atomic
def save_template(
    kind: CaseType, row: ReplyTemplate | None, *, titles: Words, texts: Words, topic: Topic | None, transition: str,
    active: bool = True, order: int = 100, by: Actor,
) -> ReplyTemplate:  # fmt: skip
    """Words offered with that transition ("": with any answer), for that topic or for all."""
    _require(kind, topic, by=by)
    if row is not None:
        _require(kind, row.topic, by=by)
    if not any(titles.values()) or not any(texts.values()):
        raise Refused(_("Write a title and the words, in one language at least."))
    if transition and kind.transition(transition) is None:
        raise Refused(_("There is no such action."))
    row = row or ReplyTemplate(case_type=kind.name)
    row.titles, row.texts, row.topic, row.transition = dict(titles), dict(texts), topic, transition
    row.active, row.order = active, order
    row.save()
    audit.record(by, f"{kind.name}.template", f"cases.template:{row.pk}", titles=row.titles, texts=row.texts)
    return row


@transaction.atomic
def remove_template(kind: CaseType, row: ReplyTemplate, *, by: Actor) -> None:
    _require(kind, row.topic, by=by)
    audit.record(by, f"{kind.name}.template_removed", f"cases.template:{row.pk}", titles=row.titles)
    row.delete()
