"""One problem, several people: cases near one another, "me too", merging what is the same, splitting what is not."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point, Polygon
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import actions, events
from toguna.engines.cases.actions import Refused
from toguna.engines.cases.models import Case, Photo, Step, Supporter, Topic
from toguna.engines.cases.routing import team_for
from toguna.engines.cases.workflow import CaseType, case_type
from toguna.engines.territory import api as territory
from toguna.kernel import codes, text
from toguna.kernel.access import Actor
from toguna.kernel.events import publish

MOST_MERGED = 200
MOST_PARTS = 10
_DEGREE_M = 111_320  # metres in a degree of latitude


def near(
    topic: Topic, lon: float, lat: float, *, asset: int | None = None, limit: int = 5, public: bool = True
) -> Sequence[Case]:
    """Open cases that may be the same one: of that topic, within its radius, the nearest first, each with `distance`
    (a measure: `.m`); one on the very same asset comes whatever its distance. One statement."""
    if topic.near_m <= 0:
        return []
    here = Point(lon, lat, srid=4326)
    # A box that holds the circle at any latitude where people live; the distance itself is then measured in metres.
    up, across = topic.near_m / _DEGREE_M, topic.near_m / _DEGREE_M * 3
    box = Polygon.from_bbox((lon - across, lat - up, lon + across, lat + up))
    box.srid = 4326
    found = Case.objects.filter(type=topic.case_type, topic=topic, open=True, point__bboverlaps=box)
    if public:
        found = found.filter(public=True)
    rows = list(
        found.annotate(distance=Distance("point", here)).select_related("topic", "zone").order_by("distance")[:50]
    )
    near_enough = [row for row in rows if row.distance.m <= topic.near_m]
    if asset is not None:
        near_enough.sort(key=lambda row: row.asset_id != asset)
    return near_enough[:limit]


@transaction.atomic
def support(case: int, *, by: Actor, person: int | None = None, device: str = "") -> tuple[Case, bool]:
    """Somebody has the same problem. (the case that is followed, whether they were counted now and not before).

    Raises Refused when it is closed, or when who says so cannot be told from anybody else (no person, no device)."""
    person = person or by.person
    if person is None and not device:
        raise Refused(_("Leave a telephone number, so that you are counted once."))
    row = Case.objects.select_for_update(of=("self",)).get(pk=case)
    if row.merged_into_id is not None:
        row = Case.objects.select_for_update(of=("self",)).get(pk=row.merged_into_id)
    if not row.open:
        raise Refused(_("This case is closed. Open a new one."))
    if person is not None and person == row.reporter_id:
        return row, False
    counted = _follow(row, person, device)
    if counted:
        actions.add_step(row, "supported", by=by)
    return row, counted


def _follow(row: Case, person: int | None, device: str = "") -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_supporter (case_id, person_id, device) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [row.pk, person, device],
        )
        if not cursor.rowcount:
            return False
    row.supporters += 1
    row.save(update_fields=["supporters"])
    return True


def _lock_all(pks: Sequence[int], *, by: Actor) -> tuple[dict[int, Case], CaseType]:
    """Several cases of one type, locked in the order of their ids (so that two who merge at once never wait in a ring)."""
    rows: dict[int, Case] = {}
    for pk in sorted(set(pks)):
        kind = case_type(rows[min(rows)].type if rows else Case.objects.values_list("type", flat=True).get(pk=pk))
        rows[pk] = actions.lock(pk, kind.assign, by=by)
    if len({row.type for row in rows.values()}) != 1:
        raise Refused(_("These are not of the same kind."))
    if any(row.workflow_id for row in rows.values()):
        raise Refused(_("A case that follows a procedure is neither joined nor split."))
    return rows, kind


@transaction.atomic
def merge(main: int, others: Sequence[int], *, by: Actor) -> Case:
    """Says that `others` are the same as `main`: they close and point at it, and whoever sent or followed them follows it.

    Merging again what is merged changes nothing. Raises Refused when `main` is closed, or itself part of another."""
    wanted = [pk for pk in dict.fromkeys(others) if pk != main]
    if not wanted:
        raise Refused(_("Choose at least two."))
    if len(wanted) > MOST_MERGED:
        raise Refused(_("These are too many at once: %(most)d at most.") % {"most": MOST_MERGED})
    rows, kind = _lock_all([main, *wanted], by=by)
    target = rows[main]
    if not kind.merged:
        raise Refused(_("These cannot be merged."))
    if target.merged_into_id is not None or not target.open:
        raise Refused(_("%(code)s is closed: merge into one that is open.") % {"code": target.code})
    for pk in wanted:
        other = rows[pk]
        if other.merged_into_id == main:
            continue
        other.merged_into, other.asked = target, None
        other.save(update_fields=["merged_into", "asked"])
        actions.put_in(other, kind.merged, by=by, into=target.code)
        Case.objects.filter(merged_into=other).update(merged_into=target)
        _move_followers(other, target)
        actions.add_step(target, "absorbed", by=by, code=other.code)
    target.updated = timezone.now()
    target.save(update_fields=["updated"])
    return target


def _move_followers(other: Case, target: Case) -> None:
    """Who sent or followed `other` follows `target`, each counted once. Those of `other` stay written there too, so that
    it is whole again if it turns out not to be the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cases_supporter (case_id, person_id, device)
            SELECT %(target)s, person_id, device FROM (
                SELECT %(reporter)s::bigint AS person_id, '' AS device
                UNION ALL SELECT person_id, device FROM cases_supporter WHERE case_id = %(other)s
            ) who WHERE person_id IS DISTINCT FROM %(first)s OR person_id IS NULL
            ON CONFLICT DO NOTHING
            """,
            {"target": target.pk, "other": other.pk, "reporter": other.reporter_id, "first": target.reporter_id},
        )
    target.supporters = Supporter.objects.filter(case=target).count()
    target.save(update_fields=["supporters"])


@dataclass(frozen=True)
class Part:
    """What a case is split into: another topic, the words that concern it, the photos (ids) that go with it."""

    topic: Topic
    text: str
    photos: tuple[int, ...] = ()


@transaction.atomic
def split(case: int, parts: Sequence[Part], *, by: Actor, client_id: uuid.UUID) -> list[Case]:
    """Makes a case of each part, with the place and the reporter of the one that it was in; that one stays as it is, without
    the photos that went. client_id: the same a second time gives the same cases."""
    if not parts or len(parts) > MOST_PARTS:
        raise Refused(_("Split it into 1 to %(most)d others.") % {"most": MOST_PARTS})
    row = actions.lock(case, case_type(Case.objects.values_list("type", flat=True).get(pk=case)).assign, by=by)
    ids = [uuid.uuid5(client_id, str(n)) for n in range(len(parts))]
    if not actions.first_time(client_id, row):
        return list(Case.objects.filter(client_id__in=ids).order_by("id"))
    if row.workflow_id:
        raise Refused(_("A case that follows a procedure is neither joined nor split."))
    if not row.open:
        raise Refused(_("This case is closed. Open a new one."))
    taken = [pk for part in parts for pk in part.photos]
    if len(set(taken)) != len(taken) or Photo.objects.filter(case=row, pk__in=taken).count() != len(taken):
        raise Refused(_("Each photo goes with one part only."))
    kind, now = case_type(row.type), timezone.now()
    zones = territory.chain(row.zone_id) if row.zone_id else ()
    made = []
    for part, made_id in zip(parts, ids, strict=True):
        if part.topic.case_type != row.type or not part.topic.active or not text.clean(part.text):
            raise Refused(_("Each part needs an open category and a few words."))
        topics = [part.topic.pk, *([part.topic.parent_id] if part.topic.parent_id else [])]
        new = Case(
            code=codes.make(actions.CODE_LENGTH), client_id=made_id, type=row.type, topic=part.topic, state=kind.initial,
            open=kind.state(kind.initial).open, public=part.topic.public and row.public, zone_id=row.zone_id,
            point=row.point, place=row.place, text=text.clean(part.text), language=row.language, channel=row.channel,
            reporter_id=row.reporter_id, team_id=team_for(row.type, topics, zones), created=now, updated=now,
            due=actions.deadline(part.topic, now),
        )  # fmt: skip
        actions.insert(new)
        actions.add_step(new, "opened", by=by, public=True, to_state=new.state, split_from=row.code)
        Photo.objects.filter(case=row, pk__in=part.photos).update(case=new)
        publish(events.CaseOpened(new.pk, new.type))
        made.append(new)
    row.updated = now
    row.save(update_fields=["updated"])
    actions.add_step(row, "split", by=by, into=[new.code for new in made])
    return made


def parts_of(case: Case) -> list[Step]:
    """The steps that say what was merged into a case, or what it was split into."""
    return list(Step.objects.filter(case=case, action__in=["absorbed", "split"]).order_by("id"))
