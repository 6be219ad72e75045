"""The verbs of a case. Each is one transaction: the check, the change, its step, its audit row and its event."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from toguna.engines.cases import events, opinions, photos, rights
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.models import Case, Photo, Step, Topic, Work, Workflow
from toguna.engines.cases.routing import team_for
from toguna.engines.cases.workflow import CaseType, State, Transition, case_type
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, text, workdays
from toguna.kernel.access import Actor
from toguna.kernel.events import publish

CODE_LENGTH = 6
MOST_PHOTOS = 3


class Refused(Exception):
    """The case cannot be opened or moved; str() is a sentence for the person, in their language."""


class Outside(Refused):
    """The place is not in the town."""

    def __init__(self) -> None:
        super().__init__(_("This place is outside the town. Check it on the map, or choose a district in the list."))


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
    answers: Mapping[str, Any] = field(default_factory=dict)  # to the topic's questions, checked (see `questions`)
    asset: int | None = None  # the very thing, a feature of the topic's layer
    language: str = ""
    channel: str = "web"
    client_id: uuid.UUID = field(default_factory=uuid.uuid4)
    name: str = ""
    phone: str = ""
    email: str = ""
    photos: tuple[bytes, ...] = ()
    workflow: str = ""  # the slug of one that is data, in its newest version; "": the table of the type


def open_case(asked: Asked, *, by: Actor) -> tuple[Case, bool]:
    """Opens a case; (case, True), or (the case it already is, False) when this client_id was received before.

    Raises Refused when the topic is closed, Outside when the place is not in the town.
    """
    with transaction.atomic(savepoint=False):
        found = Case.objects.filter(client_id=asked.client_id).first()
        if found is not None:
            return found, False
        if not asked.topic.active or any(asked.topic.stop.values()):
            raise Refused(_("This category is closed. Choose another one."))
        zones: tuple[int, ...] = ()
        if asked.lon is not None and asked.lat is not None:
            where = territory.place(asked.lon, asked.lat)
            if not where.inside:
                raise Outside
            zones = where.zones
        elif asked.zone is not None:
            zones = territory.chain(asked.zone)
        version = _newest(asked)
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
            workflow=version,
            public=asked.topic.public,
            zone_id=zones[0] if zones else None,
            point=Point(asked.lon, asked.lat, srid=4326) if asked.lon is not None and asked.lat is not None else None,
            place=text.clean(asked.place)[:300],
            text=text.clean(asked.text),
            answers=dict(asked.answers),
            asset_id=asked.asset,
            language=asked.language,
            channel=asked.channel,
            reporter_id=person_id,
            team_id=team_for(asked.type, topics, zones),
            created=now,
            updated=now,
        )
        kind = workflow_of(case)
        case.due = deadline(asked.topic, now) if kind.days is None else workdays.deadline(now, kind.days)
        enter(case, kind.state(kind.initial), now)
        if (found := insert(case)) is not None:
            return found, False
        Step.objects.create(case=case, account=by.account, action="opened", to_state=case.state, public=True)
        for data in asked.photos:
            photos.add(case, data)
        audit.record(by, f"{asked.type}.open", f"cases.case:{case.pk}", channel=asked.channel)
        publish(events.CaseOpened(case.pk, case.type))
    return case, True


def _newest(asked: Asked) -> Workflow | None:
    if not asked.workflow:
        return None
    found = Workflow.objects.filter(slug=asked.workflow, case_type=asked.type).order_by("-version").first()
    if found is None:
        raise LookupError(f"no workflow {asked.workflow!r} of {asked.type!r} is published")
    return found


def enter(case: Case, state: State, now: datetime) -> None:
    """Puts an unsaved case in a state, and its clocks with it. The applicant's turn stops them; when it ends, the deadline
    of the whole is later by the working days that the town waited."""
    if case.stopped is not None and not state.stops:
        if case.due is not None:
            case.due = workdays.deadline(case.due, workdays.waited(case.stopped, now))
        case.stopped = None
    elif state.stops:
        case.stopped = case.stopped or now
    case.state, case.open, case.warned = state.name, state.open, False
    case.step_due = None if state.days is None else workdays.deadline(now, state.days)
    case.silent = None if state.silence is None else workdays.deadline(now, state.silence.days)


def deadline(topic: Topic, opened: datetime) -> datetime:
    """When the town means to be done with it."""
    return opened + timedelta(days=topic.days)


def insert(case: Case) -> Case | None:
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


def lock(pk: int, permission: str, *, by: Actor, key: str = "") -> Case:
    """The case, locked until the end of the transaction, when the actor may do that to it (or holds its key); raises
    Denied. One lock, as late as possible. For verbs of this engine and of the services that have some of their own."""
    case = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=pk)
    if not (key and holds_key(case, key)):
        access.require(by, permission, zone=case.zone_id, subject=case.topic.slug)
    _still_named(case)
    return case


def _still_named(case: Case) -> None:
    if case.anonymised is not None:  # or what is written now would stay for ever
        raise Refused(_("This was closed long ago and is anonymous now: it cannot be changed. Open a new one."))


def first_time(client_id: uuid.UUID | None, case: Case) -> bool:
    """Whether this action was not received before, in the caller's transaction. A device that is not sure sends again."""
    if client_id is None:
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_received (client_id, case_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [client_id, case.pk],
        )
        return bool(cursor.rowcount == 1)


def add_step(
    case: Case,
    action: str,
    *,
    by: Actor,
    words: str = "",
    public: bool = False,
    at: datetime | None = None,
    from_state: str = "",
    to_state: str = "",
    **data: Any,
) -> Step:
    """Writes one line of a locked case's history, and its audit. at: when it was done, if that was before it got here."""
    if at is not None:
        data["done"] = at.isoformat()
    step = Step.objects.create(
        case=case, account=by.account, action=action, text=words, public=public, data=data,
        from_state=from_state, to_state=to_state,
    )  # fmt: skip
    audit.record(by, f"{case.type}.{action}", f"cases.case:{case.pk}")
    return step


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
    client_id: uuid.UUID | None = None,
    at: datetime | None = None,
    wanted: Iterable[str] = (),
) -> Case:
    """Takes a transition. `seen` is the state that the actor was looking at: Conflict when it is another by now. `key`
    opens the transitions that belong to the person who opened the case, and no others. `client_id`: made by a device that
    may send this again; `at`: when it was done there. `wanted`: what the applicant must complete,
    for a transition that returns the case to them.

    Raises Refused when the workflow has no such transition from here or its words are missing, Denied without permission.
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    kind = workflow_of(row)
    rule = kind.transition(transition)
    if rule is None:
        raise Refused(_("There is no such action."))
    if not (rule.reporter and key and holds_key(row, key)):
        rights.require(rule, row, by)
    _still_named(row)
    if not first_time(client_id, row):
        return row
    if (seen is not None and seen != row.state) or row.state not in rule.sources:
        raise Conflict(
            _("Somebody has changed this case meanwhile: it is now “%(state)s”. Look at it again, then decide.")
            % {"state": kind.state(row.state).title}
        )
    words = text.clean(words)
    if rule.ask == "yes" and not words:
        raise Refused(_("Say in a few words why: the person who wrote to the town will read it."))
    if missing := rights.missing(rule, row):
        raise Refused(" ".join(missing))
    for data in pictures:
        photos.add(row, data, moment=photos.after(by), by=by)
    take(row, rule, kind, by=by, words=words, at=at, wanted=wanted)
    return row


def take(
    row: Case, rule: Transition, kind: CaseType, *, by: Actor, words: str = "", at: datetime | None = None,
    wanted: Iterable[str] = (), **data: Any,
) -> Step:  # fmt: skip
    """Takes a transition of a locked case that may be taken, with all that comes with it; and then those of the law that
    it opens."""
    data |= {name: True for name, yes in (("reporter", rule.reporter), ("law", rule.law)) if yes}
    if rule.returns:
        asked = [one for one in wanted if one in rule.returns or "*" in rule.returns]
        data["wanted"] = (asked or [one for one in rule.returns if one != "*"])[:100]
    if rule.document:
        data["document"] = rights.issue(row, rule.document, by)
    step = put_in(row, rule.target, by=by, words=words, at=at, transition=rule.name, **data)
    if rule.opinions:
        opinions.request(row, rule.opinions, step.pk, step.at)
    if not rule.law:
        follow_law(row, kind)
    return step


def follow_law(row: Case, kind: CaseType) -> Step | None:
    """The transition of the law whose condition holds now: opinions that are all in, say. One at most: the next state has
    its own."""
    taken = {s.silence.take for s in kind.states if s.silence}
    for rule in kind.transitions:
        waits = rule.law and rule.when is not None and rule.name not in taken and row.state in rule.sources
        if waits and not rights.missing(rule, row):
            return take(row, rule, kind, by=LAW_ACTOR)
    return None


LAW_ACTOR = Actor(name="silence", system=True)


def put_in(
    row: Case, state: str, *, by: Actor, words: str = "", at: datetime | None = None, tell: bool = True, **data: Any
) -> Step:
    """Puts a locked case in a state, with the step and the event."""
    target, before, now = workflow_of(row).state(state), row.state, timezone.now()
    row.updated = now
    enter(row, target, now)
    row.closed = None if target.open else row.closed or now
    if target.open:
        row.merged_into = None
    row.save(
        update_fields=[
            "state", "open", "updated", "closed", "merged_into", "due", "step_due", "silent", "stopped", "warned",
        ]
    )  # fmt: skip
    step = add_step(
        row, "moved", by=by, words=words, public=True, at=at, from_state=before, to_state=target.name, **data
    )
    if tell:
        publish(events.CaseMoved(row.pk, row.type, step.pk, before, target.name))
    return step


@transaction.atomic
def assign(case: int, *, by: Actor, team: int | None = None, assignee: int | None = None) -> Case:
    """Gives the case to a team, to one of its members, or (both None) to nobody."""
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    row = lock(case, kind.assign, by=by)
    assignee = rights.stands_in(assignee)
    row.team_id, row.assignee_id, row.updated = team, assignee, timezone.now()
    row.save(update_fields=["team", "assignee", "updated"])
    add_step(row, "assigned", by=by, team=team, assignee=assignee)
    publish(events.CaseAssigned(row.pk, row.type, team, assignee))
    return row


@transaction.atomic
def reply(
    case: int,
    words: str,
    *,
    by: Actor,
    public: bool = True,
    client_id: uuid.UUID | None = None,
    at: datetime | None = None,
) -> Step | None:
    """Writes to the person and the public, or (public=False) a note that only the town hall reads. None when it was
    received before."""
    words = text.clean(words)
    if not words:
        raise Refused(_("Write something first."))
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    row = lock(case, kind.assign, by=by)
    if not first_time(client_id, row):
        return None
    row.updated = timezone.now()
    row.save(update_fields=["updated"])
    step = add_step(row, "replied" if public else "noted", by=by, words=words, public=public, at=at)
    if public:
        publish(events.CaseReplied(row.pk, row.type, step.pk))
    return step


@transaction.atomic
def answer(case: int, words: str, *, by: Actor, key: str) -> Step:
    """Words of the person who opened the case, to the team. Raises Refused without the key or without words."""
    words = text.clean(words)
    if not words:
        raise Refused(_("Write something first."))
    row = Case.objects.select_for_update(of=("self",)).get(pk=case)
    if not holds_key(row, key):
        raise Refused(_("Use the link that you were sent: it shows that this is your report."))
    row.updated = timezone.now()
    row.save(update_fields=["updated"])
    step = add_step(row, "answered", by=by, words=words, public=row.public, reporter=True)
    publish(events.CaseAnswered(row.pk, row.type, step.pk))
    return step


@transaction.atomic
def rate(case: int, stars: int, *, by: Actor, key: str) -> Case:
    """What the person who opened a closed case thinks of what was done: 1 to 5, kept until they say otherwise."""
    if not 1 <= stars <= 5:
        raise Refused(_("Choose from 1 to 5."))
    row = Case.objects.select_for_update(of=("self",)).get(pk=case)
    if row.open or not holds_key(row, key):
        raise Refused(_("Use the link that you were sent: it shows that this is your report."))
    row.rating = stars
    row.save(update_fields=["rating"])
    add_step(row, "rated", by=by, stars=stars, reporter=True)
    return row


@transaction.atomic
def add_photo(
    case: int, data: bytes, *, by: Actor, moment: str = Photo.Moment.REPORT, client_id: uuid.UUID | None = None
) -> None:
    """Adds a picture: to a case that is still open, by whoever sent it (they know its client_id); or, as "before" or
    "after", by whoever may work on it. Raises Refused, BadPhoto, Denied."""
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    if moment == Photo.Moment.REPORT:
        row = Case.objects.select_for_update(of=("self",)).get(pk=case)
        if not row.open:
            raise Refused(_("This case is closed. Open a new one."))
    else:
        row = lock(case, kind.assign, by=by)
    if not first_time(client_id, row):
        return
    digest = photos.digest_of(data)
    kept = row.photos.filter(moment=moment).values_list("digest", flat=True)
    if digest not in kept and len(kept) >= MOST_PHOTOS:
        raise Refused(_("Three photos at most."))
    if photos.add(row, data, moment=moment, by=by) is not None:
        add_step(row, "photo", by=by, moment=moment)


@transaction.atomic
def log_work(
    case: int,
    *,
    by: Actor,
    minutes: int = 0,
    cost: int = 0,
    what: str = "",
    client_id: uuid.UUID | None = None,
    at: datetime | None = None,
) -> None:
    """Time (minutes) and money (minor units of the town's currency) spent. Negative ones set a wrong line right. at: when; now where
    it is not said."""
    if not minutes and not cost:
        raise Refused(_("Say how long it took or what it cost."))
    if abs(minutes) > 60 * 24 * 31 or abs(cost) > 10**12:
        raise Refused(_("This number is too large: check it."))
    row = lock(case, case_type(Case.objects.values_list("type", flat=True).get(pk=case)).assign, by=by)
    if first_time(client_id, row):
        Work.objects.create(
            case=row, account=by.account, minutes=minutes, cost=cost, what=text.clean(what)[:200], at=at or timezone.now()
        )  # fmt: skip
        add_step(row, "worked", by=by, minutes=minutes, cost=cost)
