"""Setting right what a case says of itself: what it is about, where it is; and who should then have it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import actions, events
from toguna.engines.cases.actions import Outside, Refused
from toguna.engines.cases.models import Case, Topic
from toguna.engines.cases.routing import team_for
from toguna.engines.cases.workflow import case_type
from toguna.engines.territory import api as territory
from toguna.kernel import text
from toguna.kernel.access import Actor
from toguna.kernel.events import publish


@dataclass(frozen=True)
class Correction:
    """What changes; None: it stays. point: (lon, lat) in degrees, and its zone is then found; zone: for a case whose point
    nobody knows; place: in words."""

    topic: Topic | None = None
    point: tuple[float, float] | None = None
    zone: int | None = None
    place: str | None = None


@transaction.atomic
def correct(
    case: int, change: Correction, *, by: Actor, reroute: bool = False, client_id: uuid.UUID | None = None
) -> Case:
    """Changes the topic or the place. A new topic brings its own deadline, counted from the day the case was opened, and
    one that is not public hides the case. reroute: gives it to the team that the rules name now.

    Raises Refused when nothing changes or the topic cannot be used, Outside when the point is not in the town, Denied.
    """
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    row = actions.lock(case, kind.assign, by=by)
    if not actions.first_time(client_id, row):
        return row
    before = {"topic": row.topic.slug, "zone": row.zone_id, "point": _pair(row)}
    place = row.place
    _change_topic(row, change.topic)
    _change_place(row, change)
    if change.place is not None:
        row.place = text.clean(change.place)[:300]
    now = {"topic": row.topic.slug, "zone": row.zone_id, "point": _pair(row)}
    team = _team(row) if reroute else row.team_id
    if now == before and row.place == place and team == row.team_id:
        raise Refused(_("Nothing is changed: choose another category or another place."))
    moved = team != row.team_id
    if moved:
        row.team_id, row.assignee_id = team, None
    row.updated = timezone.now()
    row.save()
    # What it was before stays readable in its history; the words of the place may say too much for the public.
    step = actions.add_step(row, "corrected", by=by, before=before, now=now, place=place)
    publish(events.CaseCorrected(row.pk, row.type, step.pk))
    if moved:
        actions.add_step(row, "assigned", by=by, team=team, assignee=None)
        publish(events.CaseAssigned(row.pk, row.type, team, None))
    return row


def team_now(case: Case) -> int | None:
    """The id of the team that the rules give it as it stands, whoever has it. To offer it before it is done."""
    return _team(case)


def _pair(row: Case) -> list[float] | None:
    return [row.point.x, row.point.y] if row.point else None


def _change_topic(row: Case, topic: Topic | None) -> None:
    if topic is None or topic.pk == row.topic_id:
        return
    if topic.case_type != row.type or not topic.active or any(topic.stop.values()):
        raise Refused(_("This category is closed. Choose another one."))
    if row.asset_id is not None and topic.layer != row.topic.layer:
        row.asset_id = None
    row.topic, row.due = topic, actions.deadline(topic, row.created)
    row.public = row.public and topic.public  # never shown by this: somebody may have hidden it for a reason


def _change_place(row: Case, change: Correction) -> None:
    if change.point is not None:
        where = territory.place(*change.point)
        if not where.inside:
            raise Outside
        row.point = Point(*change.point, srid=4326)
        row.zone_id = where.zones[0] if where.zones else None
    elif change.zone is not None and change.zone != row.zone_id:
        if territory.zone(change.zone) is None:
            raise Refused(_("There is no such district."))
        # A point in another district than the one that is chosen is a wrong point.
        row.point, row.zone_id = None, change.zone


def _team(row: Case) -> int | None:
    topics = [row.topic_id, *([row.topic.parent_id] if row.topic.parent_id else [])]
    return team_for(row.type, topics, territory.chain(row.zone_id) if row.zone_id else ())
