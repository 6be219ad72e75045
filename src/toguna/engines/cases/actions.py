"""The verbs of a case. Each is one transaction: the check, the change, its step, its audit row and its event."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from toguna.engines.cases import events, photos
from toguna.engines.cases.models import Case, Step, Topic
from toguna.engines.cases.routing import team_for
from toguna.engines.cases.workflow import case_type
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, text
from toguna.kernel.access import Actor
from toguna.kernel.events import publish

CODE_LENGTH = 6
MOST_PHOTOS = 3


class Refused(Exception):
    """The case cannot be opened or moved; str() is a sentence for the person, in their language."""


class Outside(Refused):
    """The place is not in the town."""


class Conflict(Refused):
    """Somebody else changed the case meanwhile."""


@dataclass(frozen=True)
class Asked:
    """What somebody asks of the town. lon, lat: degrees or None; reporter's contacts are already normalised."""

    type: str
    topic: Topic
    text: str = ""
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    zone: int | None = None  # when there is no point: chosen in a list
    language: str = ""
    channel: str = "web"
    client_id: uuid.UUID = field(default_factory=uuid.uuid4)
    name: str = ""
    phone: str = ""
    email: str = ""
    photos: tuple[bytes, ...] = ()


def open_case(asked: Asked, *, by: Actor) -> tuple[Case, bool]:
    """Opens a case; (case, True), or (the case it already is, False) when this client_id was received before.

    Raises Refused when the topic is closed, Outside when the place is not in the town.
    """
    with transaction.atomic(savepoint=False):
        found = Case.objects.filter(client_id=asked.client_id).first()
        if found is not None:
            return found, False
        if not asked.topic.active:
            raise Refused(_("This category is closed. Choose another one."))
        zones: tuple[int, ...] = ()
        if asked.lon is not None and asked.lat is not None:
            where = territory.place(asked.lon, asked.lat)
            if not where.inside:
                raise Outside(
                    _("This place is outside the town. Check it on the map, or choose a district in the list.")
                )
            zones = where.zones
        elif asked.zone is not None:
            zones = territory.chain(asked.zone)
        kind = case_type(asked.type)
        person = None
        if by.person is not None and not (asked.phone or asked.email):
            person_id: int | None = by.person
        else:
            person = people.person_for(name=asked.name, phone=asked.phone, email=asked.email, language=asked.language)
            person_id = person.pk if person else None
        topics = [asked.topic.pk, *([asked.topic.parent_id] if asked.topic.parent_id else [])]
        now = timezone.now()
        case = Case(
            code=codes.make(CODE_LENGTH),
            client_id=asked.client_id,
            type=asked.type,
            topic=asked.topic,
            state=kind.initial,
            open=kind.state(kind.initial).open,
            public=asked.topic.public,
            zone_id=zones[0] if zones else None,
            point=Point(asked.lon, asked.lat, srid=4326) if asked.lon is not None and asked.lat is not None else None,
            place=text.clean(asked.place)[:300],
            text=text.clean(asked.text),
            language=asked.language,
            channel=asked.channel,
            reporter_id=person_id,
            team_id=team_for(asked.type, topics, zones),
            created=now,
            updated=now,
            due=now + timedelta(days=asked.topic.days),
        )
        if (found := _insert(case)) is not None:
            return found, False
        Step.objects.create(case=case, account=by.account, action="opened", to_state=case.state, public=True)
        for data in asked.photos:
            photos.add(case, data)
        audit.record(by, f"{asked.type}.open", f"cases.case:{case.pk}", channel=asked.channel)
        publish(events.CaseOpened(case.pk, case.type))
    return case, True


def _insert(case: Case) -> Case | None:
    """Saves it; or gives the case that is there already, when the same form arrived twice at once and the other won.
    A code that is taken (1 in 500,000 at a thousand cases) is drawn again."""
    for _attempt in range(5):
        try:
            with transaction.atomic():
                case.save(force_insert=True)
            return None
        except IntegrityError:
            if (found := Case.objects.filter(client_id=case.client_id).first()) is not None:
                return found
            case.code = codes.make(CODE_LENGTH)
    raise RuntimeError("no free code was found")


def _locked(pk: int, permission: str, by: Actor, *, key: str = "") -> Case:
    """The case, locked until the end of the transaction, when the actor may do that to it (or holds its key). One lock,
    as late as possible."""
    case = Case.objects.select_for_update(of=("self",)).get(pk=pk)
    if not (key and holds_key(case, key)):
        access.require(by, permission, zone=case.zone_id)
    return case


def key_of(case: Case) -> str:
    """What only the person who opened the case is given, in the links that they get: it lets them answer the town."""
    return salted_hmac("cases.reporter", str(case.client_id), algorithm="sha256").hexdigest()[:20]


def holds_key(case: Case, key: str) -> bool:
    return constant_time_compare(key, key_of(case))


@transaction.atomic
def move(
    case: int,
    transition: str,
    *,
    by: Actor,
    words: str = "",
    seen: str | None = None,
    pictures: Iterable[bytes] = (),
    key: str = "",
) -> Case:
    """Takes a transition. `seen` is the state that the actor was looking at: Conflict when it is another by now. `key`
    opens the transitions that belong to the person who opened the case, and no others.

    Raises Refused when the workflow has no such transition from here or its words are missing, Denied without permission.
    """
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    rule = kind.transition(transition)
    if rule is None:
        raise Refused(_("There is no such action."))
    row = _locked(case, rule.permission, by, key=key if rule.reporter else "")
    if (seen is not None and seen != row.state) or row.state not in rule.sources:
        raise Conflict(
            _("Somebody has changed this case meanwhile: it is now “%(state)s”. Look at it again, then decide.")
            % {"state": kind.state(row.state).title}
        )
    words = text.clean(words)
    if rule.ask == "yes" and not words:
        raise Refused(_("Say in a few words why: the person who wrote to the town will read it."))
    target, before, now = kind.state(rule.target), row.state, timezone.now()
    row.state, row.open, row.updated = target.name, target.open, now
    row.closed = None if target.open else row.closed or now
    row.save(update_fields=["state", "open", "updated", "closed"])
    step = Step.objects.create(
        case=row,
        account=by.account,
        action="moved",
        from_state=before,
        to_state=target.name,
        text=words,
        public=True,
        data={"reporter": True} if rule.reporter else {},
    )
    for data in pictures:
        photos.add(row, data)
    audit.record(by, f"{row.type}.{transition}", f"cases.case:{row.pk}")
    publish(events.CaseMoved(row.pk, row.type, step.pk, before, target.name))
    return row


@transaction.atomic
def assign(case: int, *, by: Actor, team: int | None = None, assignee: int | None = None) -> Case:
    """Gives the case to a team, to one of its members, or (both None) to nobody."""
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    row = _locked(case, kind.assign, by)
    row.team_id, row.assignee_id, row.updated = team, assignee, timezone.now()
    row.save(update_fields=["team", "assignee", "updated"])
    Step.objects.create(case=row, account=by.account, action="assigned", data={"team": team, "assignee": assignee})
    audit.record(by, f"{row.type}.assign", f"cases.case:{row.pk}", team=team, assignee=assignee)
    publish(events.CaseAssigned(row.pk, row.type, team, assignee))
    return row


@transaction.atomic
def reply(case: int, words: str, *, by: Actor, public: bool = True) -> Step:
    """Writes to the person and the public, or (public=False) a note that only the town hall reads."""
    words = text.clean(words)
    if not words:
        raise Refused(_("Write something first."))
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    row = _locked(case, kind.assign, by)
    row.updated = timezone.now()
    row.save(update_fields=["updated"])
    action = "replied" if public else "noted"
    step = Step.objects.create(case=row, account=by.account, action=action, text=words, public=public)
    audit.record(by, f"{row.type}.{'reply' if public else 'note'}", f"cases.case:{row.pk}")
    if public:
        publish(events.CaseReplied(row.pk, row.type, step.pk))
    return step


@transaction.atomic
def add_photo(case: int, data: bytes, *, by: Actor) -> None:
    """Adds a picture to a case that is still open; whoever sent it is known by then. Raises Refused, BadPhoto."""
    row = Case.objects.select_for_update(of=("self",)).get(pk=case)
    if not row.open:
        raise Refused(_("This case is closed. Open a new one."))
    if row.photos.count() >= MOST_PHOTOS:
        raise Refused(_("Three photos at most."))
    if photos.add(row, data) is not None:
        Step.objects.create(case=row, account=by.account, action="photo")
        audit.record(by, f"{row.type}.photo", f"cases.case:{row.pk}")
