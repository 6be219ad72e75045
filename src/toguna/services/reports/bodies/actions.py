"""The verbs of reports that other bodies deal with: sent on, and what they tell of them. Each is one transaction."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import access, audit, tasks, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.events import publish
from toguna.services.reports.bodies import sending
from toguna.services.reports.bodies.sending import name_of
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.models import Body, BodyService, RemoteUpdate, Transfer

SET_UP = "reports.set_up"
SKEW = timedelta(minutes=5)
SOLVED = frozenset({"closed", "solved", "fixed", "completed", "resolved"})
# They are done with it and it is not solved: the words are mySociety's, and the names of our own states.
NOT_SOLVED = frozenset({
    "refused", "duplicate", "no_further_action", "unable_to_fix", "not_responsible", "not_councils_responsibility",
    "internal_referral", "cancelled", "rejected",
})  # fmt: skip
AT_WORK = frozenset({"started", "in_progress", "investigating", "action_scheduled", "planned"})


@dataclass(frozen=True)
class Update:
    """What another body tells of a report. id: theirs; status: "open", "closed", or a finer word; at: when it was so."""

    id: str
    status: str
    words: str
    at: datetime | None


def address(typed: str) -> str:
    """A web address that somebody sent, or "" when it is none. It is shown, never fetched."""
    typed = text.clean(typed)
    try:
        parts = urlsplit(typed)
    except ValueError:
        return ""
    good = parts.scheme in ("http", "https") and bool(parts.hostname) and len(typed) <= 500 and typed.isprintable()
    return typed if good and " " not in typed else ""


def service_of(body: Body, topic: cases.Topic) -> BodyService | None:
    """Which of the body's services the category is there; what its parent is when nothing is said of it."""
    found = {s.topic_id: s for s in body.services.filter(topic__in=[topic.pk, topic.parent_id or topic.pk])}
    return found.get(topic.pk) or found.get(topic.parent_id or 0)


def given_by(body: Body) -> QuerySet[RemoteUpdate, int]:
    """The ids of the reports that this body gave us."""
    given = RemoteUpdate.objects.filter(body=body, update_id__startswith="request:")
    return given.values_list("case_id", flat=True)


def note_giver(body: Body, case: cases.Case) -> None:
    """Remembers, in the transaction that opens it, that this body gave us the report: it may tell us more of it, it hears
    of it though it is not public, and it is never sent back to it."""
    RemoteUpdate.objects.get_or_create(body=body, update_id=f"request:{case.pk}", defaults={"case": case})


@transaction.atomic
def transfer(case: int, body: Body, *, by: Actor) -> Transfer:
    """Sends a report on. It is written down now; a task sends it. Raises cases.Refused with what to do instead."""
    row = cases.lock(case, REPORT.assign, by=by)
    name = name_of(body, row)
    if not row.open:
        raise cases.Refused(_("This report is closed: open it again first."))
    if not body.active or not (body.endpoint or body.email):
        raise cases.Refused(
            _("%(body)s cannot be reached: give its Open311 address or its e-mail first.") % {"body": name}
        )
    if RemoteUpdate.objects.filter(body=body, update_id=f"request:{row.pk}").exists():
        raise cases.Refused(_("%(body)s is who sent us this report: answer it instead.") % {"body": name})
    if Transfer.objects.filter(case=row, state__in=[Transfer.State.WAITING, Transfer.State.SENT]).exists():
        raise cases.Refused(_("This report was sent on already."))
    service = service_of(body, row.topic)
    if body.endpoint and service is None:
        raise cases.Refused(
            _("Say first which service of %(body)s the category “%(topic)s” is: on the page of other bodies.")
            % {"body": name, "topic": text.pick(row.topic.names)}
        )
    code = service.service_code if service and body.endpoint else ""
    # It may have it from an earlier try that was given up: then it is looked for there first (see `sending`).
    earlier = Transfer.objects.filter(case=row, body=body, remote_id="", sent__isnull=False).order_by("sent").first()
    made = Transfer.objects.create(case=row, body=body, service_code=code, sent=earlier.sent if earlier else None)
    with translation.override(row.language or settings.LANGUAGE_CODE):
        said = _("Sent on to %(body)s, which deals with it.") % {"body": name}
        said = " ".join(filter(None, (said, text.pick(body.contact))))
    _say(row, said, by=by, action="transferred", transfer=made.pk)
    tasks.defer(sending.send, transfer=made.pk)
    return made


def _say(
    row: cases.Case, words: str, *, by: Actor, action: str = "told", at: datetime | None = None, tell: bool = True,
    **data: Any,
) -> cases.Step:  # fmt: skip
    """One public line of a locked case, told to the person who reported it."""
    row.updated = timezone.now()
    row.save(update_fields=["updated"])
    step = cases.add_step(row, action, by=by, words=words, public=True, at=at, **data)
    if tell:
        publish(cases.CaseReplied(row.pk, row.type, step.pk))
    return step


def on_opened(event: cases.CaseOpened) -> None:
    """Reaction: what a category says must go to another body at once goes there."""
    if event.type != REPORT.name:
        return
    case = cases.Case.objects.select_related("topic").get(pk=event.case)
    topics = [case.topic_id, *([case.topic.parent_id] if case.topic.parent_id else [])]
    found = BodyService.objects.filter(topic__in=topics, automatic=True, body__active=True).select_related("body")
    for service in sorted(found, key=lambda s: (s.topic_id != case.topic_id, s.pk)):
        try:
            transfer(case.pk, service.body, by=SYSTEM)
        except cases.Refused:
            continue  # it came from there, or that body cannot be reached: it stays with the team
        return


def on_replied(event: cases.CaseReplied) -> None:
    """Reaction: what is written of a report that another body has goes there too; so do the next two."""
    _pass_on(event.case, event.step)


def on_answered(event: cases.CaseAnswered) -> None:
    _pass_on(event.case, event.step)


def on_moved(event: cases.CaseMoved) -> None:
    _pass_on(event.case, event.step)


def _pass_on(case: int, pk: int) -> None:
    found = (
        Transfer.objects.filter(case=case).exclude(remote_id="").exclude(body__endpoint="").exclude(body__api_key="")
    )
    if not (waiting := list(found.filter(body__active=True))):
        return
    step = cases.Step.objects.get(pk=pk)
    if step.text and step.public and "transfer" not in step.data:  # there is something to read, and it is not theirs
        for row in waiting:
            tasks.defer(sending.tell, transfer=row.pk, step=pk)


@transaction.atomic
def try_again(pk: int, *, by: Actor) -> None:
    """Sends a report on once more, from the beginning of the waiting times. What may have arrived is looked for first."""
    row = Transfer.objects.select_for_update().get(pk=pk)
    case = cases.lock(row.case_id, REPORT.assign, by=by)
    if row.state in (Transfer.State.SENT, Transfer.State.CLOSED):
        raise cases.Refused(_("This report was sent on already."))
    others = Transfer.objects.filter(case=case, state__in=[Transfer.State.WAITING, Transfer.State.SENT]).exclude(pk=pk)
    if others.exists():
        raise cases.Refused(_("This report was sent on already."))
    if row.remote_id:  # they closed it without solving it: they would say the same
        raise cases.Refused(
            _("%(body)s has closed it. Speak with them, or deal with it here.") % {"body": name_of(row.body, case)}
        )
    row.state, row.attempts, row.trouble, row.created = Transfer.State.WAITING, 0, "", timezone.now()
    service = service_of(row.body, case.topic)
    row.service_code = service.service_code if service and row.body.endpoint else row.service_code
    row.save()
    audit.record(by, "reports.transfer_again", f"reports.transfer:{pk}")
    tasks.defer(sending.send, transfer=pk)


def _key(update: Update) -> str:
    known = update.id if len(update.id) <= 100 else hashlib.sha256(update.id.encode()).hexdigest()
    return f"update:{known}"


def _first_time(body: Body, update: Update, case: cases.Case) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO reports_remote_update (body_id, update_id, case_id, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [body.pk, _key(update), case.pk, _when(update)],
        )
        return bool(cursor.rowcount == 1)


def take(body: Body, remote_id: str, update: Update, *, code: str = "") -> bool:
    """An update that a body gives: of a report that it has from us (by its number or by our code), or of one that it gave
    us (by our code). False when there is no such report for it."""
    known = Q(remote_id=remote_id) if remote_id else Q(pk__in=[])
    if code:
        known |= Q(case__code=code)
    found = Transfer.objects.filter(known, body=body).order_by("-pk").first()
    if found is not None:
        apply(found, update)
        return True
    case = cases.Case.objects.filter(pk__in=given_by(body), code=code).first() if code else None
    if case is None:
        return False
    _from_giver(body, case.pk, update)
    return True


@transaction.atomic
def _from_giver(body: Body, pk: int, update: Update) -> None:
    """What the body that gave us a report adds to it: words for the team. It is ours to say how far it is."""
    row = cases.lock(pk, REPORT.assign, by=SYSTEM)
    words = text.clean(update.words)
    if not words or not _first_time(body, update, row):
        return
    said = f"{name_of(body, row)}: {words}"[:4000]
    step = _say(row, said, by=SYSTEM, at=_when(update), tell=False, origin=body.slug)
    publish(cases.CaseAnswered(row.pk, row.type, step.pk))


def _when(update: Update) -> datetime:
    """When it was so, never later than now: their clock may be wrong."""
    return min(update.at or timezone.now(), timezone.now())


@transaction.atomic
def apply(found: Transfer, update: Update) -> None:
    """What the body that has a report of ours tells of it. A second time nothing changes; what is older than something that
    we know already is kept in the history and changes no state."""
    try:
        row = cases.lock(found.case_id, REPORT.assign, by=SYSTEM)
    except cases.Refused:  # closed long ago, and anonymous by now
        return
    found = Transfer.objects.select_for_update(of=("self",)).select_related("body").get(pk=found.pk)
    if not _first_time(found.body, update, row):
        return
    last = row.steps.filter(data__transfer=found.pk).exclude(action="transferred").order_by("pk").last()
    words, status, at = text.clean(update.words)[:4000], text.clean(update.status).lower(), _when(update)
    if last is not None and last.data.get("said") == words:
        words = ""  # a peer that is asked for states gives the last words each time
    late = RemoteUpdate.objects.filter(body=found.body, case=row, update_id__startswith="update:", at__gt=at).exists()
    with translation.override(row.language or settings.LANGUAGE_CODE):
        target = None if late else _target(found, row, status)
        name = name_of(found.body, row)
        said = f"{name}: {words}" if words else _said(name, target, status)
    data: dict[str, Any] = {"transfer": found.pk, "said": words, "status": status[:40]}
    if target is not None:
        cases.put_in(row, target, by=SYSTEM, words=said, at=at, **data)
    elif said and (words or status in NOT_SOLVED):
        _say(row, said, by=SYSTEM, at=at, tell=not late, **data)
    if not late:
        _follow(found, status)


def _target(found: Transfer, row: cases.Case, status: str) -> str | None:
    """The state that the case gets, None when it stays as it is."""
    if status in SOLVED:
        return "solved" if row.open else None
    if status in NOT_SOLVED:
        return None
    if not row.open:  # open there again, and it was they who had closed it
        return "accepted" if found.state == Transfer.State.CLOSED and row.state == "solved" else None
    if status in AT_WORK and row.state in ("received", "accepted"):
        return "started"
    return "accepted" if status == "accepted" and row.state == "received" else None


def _said(name: str, target: str | None, status: str) -> str:
    if target == "solved":
        return _("%(body)s says that it is solved.") % {"body": name}
    if target == "accepted" and status not in ("accepted",):
        return _("%(body)s has opened it again.") % {"body": name}
    if target is not None:
        return _("%(body)s is at work on it.") % {"body": name}
    return _("%(body)s says that it will not deal with it.") % {"body": name} if status in NOT_SOLVED else ""


def _follow(found: Transfer, status: str) -> None:
    """How far the transfer is after such a status."""
    if status in SOLVED:
        state, trouble = str(Transfer.State.CLOSED), ""
    elif status in NOT_SOLVED:
        state, trouble = Transfer.State.REFUSED, _("They have closed it without solving it.")
    elif found.state == Transfer.State.CLOSED:
        others = Transfer.objects.filter(case=found.case_id, state__in=[Transfer.State.WAITING, Transfer.State.SENT])
        state, trouble = (found.state if others.exclude(pk=found.pk).exists() else Transfer.State.SENT), ""
    else:
        return
    Transfer.objects.filter(pk=found.pk).update(state=state, trouble=trouble)


# Setting up


def holder(key: str) -> Body | None:
    """The body whose key with us this is."""
    digest, found = hashlib.sha256(key.encode()).hexdigest(), None
    for body in Body.objects.filter(active=True).exclude(key_digest=""):
        if constant_time_compare(body.key_digest, digest):
            found = body
    return found


@transaction.atomic
def make_key(body: Body, *, by: Actor) -> str:
    """A new key for this body; the one before holds no more. It is shown once: we keep its digest only."""
    access.require(by, SET_UP)
    key = secrets.token_urlsafe(32)
    Body.objects.filter(pk=body.pk).update(key_digest=hashlib.sha256(key.encode()).hexdigest())
    audit.record(by, "reports.body_key", f"reports.body:{body.pk}")
    return key


@transaction.atomic
def save_body(body: Body, *, by: Actor) -> Body:
    access.require(by, SET_UP)
    body.save()
    audit.record(by, "reports.body_saved", f"reports.body:{body.pk}", slug=body.slug, endpoint=body.endpoint)
    return body


@transaction.atomic
def checked(body: Body, trouble: str, *, by: Actor) -> None:
    """What came of asking it for its services: "" when it answered as it should."""
    access.require(by, SET_UP)
    body.trouble = trouble[:300]
    body.checked = body.checked if trouble else timezone.now()
    body.save(update_fields=["trouble", "checked"])


@transaction.atomic
def map_services(body: Body, chosen: dict[int, tuple[str, bool]], *, by: Actor) -> None:
    """chosen: {category's id: (their service_code, sent on at once)}; "" takes the category away from this body."""
    access.require(by, SET_UP)
    for topic, (code, automatic) in chosen.items():
        if code or (automatic and not body.endpoint):
            values = {"service_code": code, "automatic": automatic}
            BodyService.objects.update_or_create(body=body, topic_id=topic, defaults=values)
        else:
            BodyService.objects.filter(body=body, topic=topic).delete()
    audit.record(by, "reports.body_services", f"reports.body:{body.pk}", services=len(chosen))
