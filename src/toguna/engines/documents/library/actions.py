"""What is done in the library: writing, publishing, correcting. What is published is only ever added to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.documents import search
from toguna.engines.documents.library import citing, reads, structure
from toguna.engines.documents.library.events import ActCorrected, ActPublished
from toguna.engines.documents.models.library import Act, ActChange, ActCitation, ActVersion, Verb
from toguna.kernel import access, audit, events, text, turns
from toguna.kernel.access import Actor

DRAFT, PUBLISH = "documents.draft", "documents.publish"
MOST_CHANGES = 200


class Refused(Exception):
    """It cannot be done; str() says why and what to do."""


@dataclass(frozen=True)
class Written:
    """An act as it is written. text: plain lines (see `structure`), or its parts; number: "" for the next one at publication;
    year: that of the number, None for that of `signed`."""

    kind: str
    language: str
    body: str
    subject: str
    signed: date
    text: str | structure.Text
    number: str = ""
    year: int | None = None


@transaction.atomic
def save(row: int | None, written: Written, *, by: Actor, client_id: uuid.UUID | None = None) -> Act:
    """Writes a draft, or a draft anew: each time one more version. client_id: the same one again gives the same act.
    Raises Refused, structure.Unreadable, Denied."""
    access.require(by, DRAFT)
    if row is None and client_id is not None and (act := Act.objects.filter(client_id=client_id).first()):
        return act
    act = _locked(row) if row is not None else Act(client_id=client_id)
    if act.published:
        raise Refused(_("This act is published. Its text is corrected, it is not written anew."))
    parts = written.text if isinstance(written.text, structure.Text) else structure.read(written.text)
    act.kind, act.language, act.signed = written.kind, written.language, written.signed
    act.body, act.subject = _line(written.body, 120), _line(written.subject, 300)
    if not act.subject or not act.body:
        raise Refused(_("Say what the act is about, and who it comes from."))
    act.year = written.year or written.signed.year
    act.number = citing.number(written.number) if written.number.strip() else ""
    if act.number and Act.objects.filter(kind=act.kind, year=act.year, number=act.number).exclude(pk=act.pk).exists():
        raise Refused(_("There is an act with this number already: %(act)s.") % {"act": act.title})
    try:
        with transaction.atomic():
            act.save()
    except IntegrityError as error:  # in the same second: the same form twice, or the same number by two hands
        if twin := Act.objects.filter(client_id=client_id).first() if row is None and client_id else None:
            return twin
        raise Refused(_("There is an act with this number already: %(act)s.") % {"act": act.title}) from error
    _say(act, parts, by)
    audit.record(by, "documents.draft", act.subject_key)
    return act


def _line(typed: str, most: int) -> str:
    return " ".join(text.clean(typed).split())[:most]


def _locked(pk: int) -> Act:
    row = Act.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        raise Refused(_("This act is not there any more."))
    return row


def _say(act: Act, parts: structure.Text, by: Actor, note: str = "") -> ActVersion:
    last = act.versions.order_by("-n").first()
    if last is not None and not note and (last.subject, last.text) == (act.subject, parts.to_json()):
        return last  # saved again as it is
    n = last.n + 1 if last else 1
    row = ActVersion(act=act, n=n, subject=act.subject, text=parts.to_json(), note=note, account=by.account)
    row.save(force_insert=True)
    Act.objects.filter(pk=act.pk).update(updated=Now())
    return row


@transaction.atomic
def discard(pk: int, *, by: Actor) -> None:
    """Throws a draft away. Raises Refused when it is published."""
    access.require(by, DRAFT)
    act = _locked(pk)
    if act.published:
        raise Refused(_("This act is published: it can be repealed, not thrown away."))
    key = act.subject_key
    act.delete()
    audit.record(by, "documents.discard", key)


@dataclass(frozen=True)
class Doing:
    """What a draft is to do to another act. target: its number as people type it, "arrêté 2023-014"."""

    target: str
    verb: str
    article: str = ""
    after: str = ""
    heading: str = ""
    words: str = ""
    since: date | None = None


@transaction.atomic
def add_change(pk: int, doing: Doing, *, by: Actor) -> ActChange:
    """Says what a draft does to another act. The same thing said twice is there once. Raises Refused."""
    access.require(by, DRAFT)
    act = _locked(pk)
    if act.published:
        raise Refused(_("This act is published: what it changes stands. Write another act."))
    if act.changes.count() >= MOST_CHANGES:
        raise Refused(_("One act makes %(most)d changes at most.") % {"most": MOST_CHANGES})
    there = reads.named(doing.target)
    if not there:
        raise Refused(_("No published act has this number. Type it as in: arrêté 2023-014"))
    if len(there) > 1:
        titles = ", ".join(a.title for a in there)
        raise Refused(_("Several acts have this number: say which, as in “%(titles)s”.") % {"titles": titles})
    whole = doing.verb == Verb.REPEAL
    made, _new = ActChange.objects.get_or_create(
        act=act,
        target=there[0],
        verb=doing.verb,
        article="" if whole else structure.number(doing.article),
        after=structure.number(doing.after) if doing.verb == Verb.ADD else "",
        heading="" if whole else _line(doing.heading, 200),
        words="" if doing.verb in (Verb.REPEAL, Verb.REMOVE) else text.clean(doing.words),
        since=doing.since,
    )
    _check(act, act.signed)
    audit.record(by, "documents.draft_change", act.subject_key, target=made.target_id, verb=made.verb)
    return made


@transaction.atomic
def drop_change(pk: int, change: int, *, by: Actor) -> None:
    access.require(by, DRAFT)
    act = _locked(pk)
    if act.published:
        raise Refused(_("This act is published: what it changes stands. Write another act."))
    ActChange.objects.filter(act=act, pk=change).delete()
    audit.record(by, "documents.draft_change", act.subject_key, dropped=change)


def _check(act: Act, effective: date) -> list[ActChange]:
    """The changes of a draft, each of which can be made. Raises Refused with the first that cannot."""
    rows = list(act.changes.select_related("target").order_by("pk"))
    texts: dict[int, structure.Text] = {}
    for row in rows:
        target, day = row.target, row.since or effective
        if target.repealed is not None and target.repealed <= day:
            raise Refused(_("%(act)s: it is repealed already.") % {"act": target.title})
        if row.since is not None and row.since < effective:
            raise Refused(
                _("%(act)s: a change cannot take effect before the act that makes it (%(day)s).")
                % {"act": target.title, "day": date_format(effective)}
            )
        if row.verb == Verb.REPEAL:
            continue
        whole = texts.get(target.pk) or reads.text_at(target, day)
        change = reads.as_change(row)
        if why := structure.problem(whole, change):
            raise Refused(f"{target.title}: {why}")
        texts[target.pk] = structure.apply(whole, [change])
    return rows


@transaction.atomic
def publish(pk: int, *, by: Actor, published: date | None = None, effective: date | None = None) -> Act:
    """Makes an act public, with its number; what it changes in others is changed from its day on. published: today when not
    said; never a day to come; effective: from when it binds, that of publication when not said. Again: nothing happens."""
    access.require(by, PUBLISH)
    act = _locked(pk)
    if act.published:
        return act
    today = reads.today()
    published = published or today
    if published > today:
        raise Refused(_("It cannot be published on a day to come. It can take effect later: give that day."))
    if act.signed > published:
        raise Refused(_("It is published before it is signed: look at the two dates."))
    act.effective = effective or published
    changes = _check(act, act.effective)
    act.number = act.number or _next_number(act)
    act.published, act.first = published, reads.latest(act).n
    try:
        with transaction.atomic():
            act.save(update_fields=["number", "published", "effective", "first"])
    except IntegrityError as error:
        raise Refused(_("There is an act with this number already: %(act)s.") % {"act": act.title}) from error
    for change in changes:
        if change.verb == Verb.REPEAL:
            day = change.since or act.effective
            Act.objects.filter(pk=change.target_id).update(repealed=day, updated=Now())
    index(act)
    for target in Act.objects.filter(pk__in={c.target_id for c in changes}):
        index(target)
    audit.record(by, "documents.publish", act.subject_key, reference=act.reference)
    events.publish(ActPublished(act.pk, act.kind, act.reference))
    return act


def _next_number(act: Act) -> str:
    """One more than the highest of its kind and year: no holes, because it is given here and under a lock."""
    turns.one_at_a_time(f"documents.act {act.year} {act.kind}")
    taken = Act.objects.filter(kind=act.kind, year=act.year).exclude(number="").values_list("number", flat=True)
    heads = (number.partition("-")[0] for number in taken)
    return str(max((int(head) for head in heads if head.isdecimal()), default=0) + 1)


@transaction.atomic
def correct(pk: int, *, subject: str, words: str | structure.Text, note: str, by: Actor) -> Act:
    """A published act with a mistake in its words: one more version, that says why; the earlier ones stay to be read."""
    access.require(by, PUBLISH)
    act = _locked(pk)
    if not act.published:
        raise Refused(_("This act is a draft: change its text."))
    why = _line(note, 300)
    if not why:
        raise Refused(_("Say what is corrected: it is shown beside the text."))
    parts = words if isinstance(words, structure.Text) else structure.read(words)
    last = reads.latest(act)
    act.subject = _line(subject, 300) or act.subject
    if (last.subject, last.text) == (act.subject, parts.to_json()):
        return act
    act.save(update_fields=["subject"])
    row = _say(act, parts, by, why)
    index(act)
    audit.record(by, "documents.correct", act.subject_key, version=row.n)
    events.publish(ActCorrected(act.pk, row.n))
    return act


def index(act: Act) -> None:
    """What the search and the citations know of a published act: its text as it stands today."""
    day = reads.today()
    whole = reads.text_at(act, day)
    with override(act.language):
        title = f"{act.get_kind_display()} n° {act.reference} {act.subject}"
    facts = search.Facts(
        kind=act.kind,
        place=act.body,
        year=act.year,
        day=act.signed,
        since=act.effective,
        until=act.repealed,
        public=True,
    )
    search.index_text(f"{reads.SOURCE}:{act.pk}", act.language, title, whole.words(), facts)
    keys = {key for _b, _e, key in citing.cited(f"{act.subject}\n{reads.own_text(act).words()}")}
    keys |= {citing.Key(c.target.kind, c.target.year, c.target.number) for c in act.changes.select_related("target")}
    keys.discard(citing.Key(act.kind, act.year, act.number))
    there = {citing.Key(*row) for row in act.citations.values_list("kind", "year", "number")}
    for gone in there - keys:
        act.citations.filter(kind=gone.kind, year=gone.year, number=gone.number).delete()
    ActCitation.objects.bulk_create(
        [ActCitation(act=act, kind=k.kind, year=k.year, number=k.number) for k in sorted(keys - there)],
        ignore_conflicts=True,
    )
    Act.objects.filter(pk=act.pk).update(indexed=day)


def take_effect() -> None:
    """Changes whose day has come: the texts that they change are found by their new words. Daily."""
    day = reads.today()
    due = (
        ActChange.objects.filter(act__published__isnull=False)
        .annotate(from_day=Coalesce("since", "act__effective"))
        .filter(from_day__lte=day)
        .filter(Q(target__indexed=None) | Q(from_day__gt=F("target__indexed")))
    )
    for target in Act.objects.filter(pk__in=due.values("target")):
        with transaction.atomic():
            index(target)
