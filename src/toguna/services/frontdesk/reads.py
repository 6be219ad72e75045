"""What the front desk shows of a person, of the conversations that wait, and of its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import registry
from toguna.kernel.access import Actor
from toguna.kernel.tasks import Lane
from toguna.services.frontdesk.models import Call, CallBack

MOST = 30  # of each kind
RINGING = timedelta(minutes=3)


@dataclass(frozen=True)
class Line:
    """Something that happened with a person. way: "in", "out", "case", "call"; url: where more is said, "" for nowhere."""

    at: datetime
    way: str
    icon: str
    title: Any
    words: str = ""
    state: Any = ""
    url: str = ""


def history(actor: Actor, person: people.Person) -> list[Line]:
    """What the town and this person said to each other, by whatever door; the latest first. Of cases only those that the
    actor may read; of messages never a log-in code, nor what is private in them; of a number only what was said since it is theirs."""
    found = [*_cases(actor, person), *_messages(person), *_calls(person)]
    return sorted(found, key=lambda line: line.at, reverse=True)[: MOST * 2]


def _cases(actor: Actor, person: people.Person) -> list[Line]:
    lines = []
    for kind in registry.declared(cases.CaseType):
        followed = Q(reporter=person) | Q(pk__in=cases.Supporter.objects.filter(person=person).values("case"))
        rows = cases.scope(actor, kind.name).filter(followed).select_related("topic").order_by("-id")[:MOST]
        for case in rows:
            state = kind.state(case.state)
            url = reverse(kind.desk_url, args=[case.code])
            lines.append(Line(case.created, "case", state.icon, case.topic.names, case.text, state.title, url))
    return lines


def _messages(person: people.Person) -> list[Line]:
    """What was written to the person, or to nobody in particular at their number; and all that came from their number, for
    who of a family typed it is only guessed. Both from when the number became theirs until they lost it."""
    sent, got = Q(person=person), Q(pk__in=[])
    for contact in people.Contact.objects.filter(person=person):
        since = people.held_since(contact)
        out, into = Q(person=None, address=contact.value), Q(address=contact.value)
        if since is not None:
            out, into = out & Q(created__gt=since), into & Q(at__gt=since)
        if contact.lost is not None:
            out, into = out & Q(created__lt=contact.lost), into & Q(at__lt=contact.lost)
        sent, got = sent | out, got | into
    told = (
        channels.Message.objects.filter(sent).exclude(lane=Lane.ONE_TIME_CODE).exclude(text="").order_by("-id")[:MOST]
    )
    said = channels.Incoming.objects.filter(got).order_by("-id")[:MOST]
    return [
        *(Line(m.created, "out", "arrow", m.medium, m.shown, m.get_state_display()) for m in told),
        *(Line(i.at, "in", "message", i.medium, i.text) for i in said),
    ]


def _calls(person: people.Person) -> list[Line]:
    rows = Call.objects.filter(person=person, wrapped__isnull=False).order_by("-id")[:MOST]
    return [
        Line(c.created, "call", "phone" if c.door == c.Door.PHONE else "town-hall", c.get_reason_display(), c.note,
             c.get_outcome_display())
        for c in rows
    ]  # fmt: skip


def ringing() -> QuerySet[Call]:
    """Calls of the last minutes that nobody has wrapped up, the one that waits longest first."""
    since = timezone.now() - RINGING
    return Call.objects.filter(wrapped=None, hung_up=None, rang__gt=since).select_related("person").order_by("rang")


def to_call() -> QuerySet[CallBack]:
    """Whom to call back: what is urgent first, then what has been due for longest."""
    return CallBack.objects.filter(done=None).select_related("person").order_by("priority", "due", "id")


def due(moment: datetime | None = None) -> int:
    """How many are due now."""
    return CallBack.objects.filter(done=None, due__lte=moment or timezone.now()).count()


# Conversations


def talks() -> QuerySet[Any]:
    """The conversations that a person of the town answers. `waits`: since when somebody waits for a word of ours, None when
    it is for them to speak. Those who wait come first, the longest before the others."""
    answers = channels.Message.objects.filter(
        medium=OuterRef("medium"), address=OuterRef("address"), key__startswith="talk:"
    ).order_by("-id")
    epoch = datetime(1970, 1, 1, tzinfo=timezone.get_default_timezone())
    open_ = channels.Conversation.objects.filter(state=channels.Conversation.State.PERSON)
    marked = open_.select_related("person").annotate(answered=Subquery(answers.values("created")[:1]))
    return marked.annotate(
        waits=Min("incoming__at", filter=Q(incoming__state="person", incoming__at__gt=Coalesce(F("answered"), epoch))),
        latest=Max("incoming__id"),
    ).order_by(F("waits").asc(nulls_last=True), "-updated")


def waiting() -> int:
    return sum(1 for talk in talks() if talk.waits is not None)


def thread(talk: channels.Conversation) -> Sequence[Line]:
    """What was said in a conversation, in order; at most the last hundred of each side."""
    said = list(talk.incoming.order_by("-id")[:100])
    begun = min([talk.started, *(line.at for line in said)])
    told = channels.Message.objects.filter(medium=talk.medium, address=talk.address, created__gte=begun)
    told = told.exclude(lane=Lane.ONE_TIME_CODE).exclude(text="")
    if talk.person_id is not None:  # a family's phone: what is for another of them is not for this thread
        told = told.filter(Q(person=None) | Q(person=talk.person_id))
    lines = [
        *(Line(i.at, "in", "message", talk.address, i.text) for i in said[::-1]),
        *(
            Line(m.created, "out", "arrow", "", m.shown, m.get_state_display())
            for m in list(told.order_by("-id")[:100])[::-1]
        ),
    ]
    return sorted(lines, key=lambda line: line.at)


# The day


@dataclass(frozen=True)
class Day:
    """calls: wrapped up; missed: rang and nobody took them; seconds: to answer, on average, None without an exchange."""

    calls: int
    minutes: int
    missed: int
    seconds: float | None
    reasons: Sequence[tuple[str, int]]
    outcomes: Sequence[tuple[str, int]]
    doors: Sequence[tuple[str, int]]
    called_back: int
    still_to_call: int


def day(of: date) -> Day:
    """By the town's clock."""
    begin = timezone.make_aware(datetime.combine(of, time.min))
    end = timezone.make_aware(datetime.combine(of + timedelta(days=1), time.min))
    calls = Call.objects.filter(created__gte=begin, created__lt=end)
    wrapped = calls.filter(wrapped__isnull=False)
    sums = wrapped.aggregate(n=Count("pk"), minutes=Sum("minutes"))
    took = calls.filter(answered__isnull=False, rang__isnull=False).aggregate(s=Avg(F("answered") - F("rang")))["s"]
    return Day(
        calls=sums["n"],
        minutes=sums["minutes"] or 0,
        missed=calls.filter(wrapped=None, answered=None, hung_up__isnull=False).count(),
        seconds=took.total_seconds() if took is not None else None,
        reasons=_counted(wrapped, "reason", Call.Reason.choices),
        outcomes=_counted(wrapped, "outcome", Call.Outcome.choices),
        doors=_counted(wrapped, "door", Call.Door.choices),
        called_back=CallBack.objects.filter(done__gte=begin, done__lt=end).count(),
        still_to_call=CallBack.objects.filter(done=None).count(),
    )


def _counted(rows: QuerySet[Call], field: str, choices: Sequence[tuple[str, Any]]) -> list[tuple[str, int]]:
    found = dict(rows.order_by().values_list(field).annotate(n=Count("pk")))
    return sorted(((str(title), found[key]) for key, title in choices if found.get(key)), key=lambda pair: -pair[1])
