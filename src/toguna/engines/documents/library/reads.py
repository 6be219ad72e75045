"""What is read of the library. Everything here is of published acts, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.documents import search as texts
from toguna.engines.documents.library import citing
from toguna.engines.documents.library.akn import Event
from toguna.engines.documents.library.structure import Change, Text, apply
from toguna.engines.documents.models.library import Act, ActChange, ActCitation, ActVersion, Kind, Verb

SOURCE = "act"


def today() -> date:
    return timezone.localdate()


def public() -> QuerySet[Act]:
    return Act.objects.filter(published__lte=today())


def find(kind: str, year: int, number: str) -> Act | None:
    return public().filter(kind=kind, year=year, number=citing.number(number)).first()


def named(typed: str) -> Sequence[Act]:
    """The acts that these words are the number of; several when they do not say which kind."""
    key = citing.asked(typed)
    if key is None:
        return []
    kind, year, number = key
    rows = public().filter(year=year, number=number)
    return list((rows.filter(kind=kind) if kind else rows).order_by("kind")[:5])


@dataclass(frozen=True)
class Standing:
    """How an act stands on a day. kind: as the look colours it."""

    state: str
    title: str
    kind: str
    icon: str


def standing(act: Act, day: date, amended: bool | None = None) -> Standing:
    """amended: whether others had changed it by then; None: look."""
    if act.published is None:
        return Standing("draft", _("Draft of an act"), "", "edit")
    if act.repealed is not None and act.repealed <= day:
        return Standing("repealed", _("Repealed"), "refused", "close")
    if act.effective is not None and act.effective > day:
        return Standing("coming", _("Not in force yet"), "waiting", "clock")
    if amended is None:
        amended = any(c.verb != Verb.REPEAL for c in changes_of(act, day))
    if amended:
        return Standing("amended", _("In force, amended"), "done", "edit")
    return Standing("in-force", _("In force"), "done", "check")


def changes_of(act: Act, day: date | None = None) -> list[ActChange]:
    """What other acts have done to this one, in the order in which it takes effect; by that day, or ever."""
    rows = act.changed_by.filter(act__published__lte=today()).select_related("act")
    found = sorted(rows, key=lambda c: (_since(c), c.act.published or date.min, c.pk))
    return [c for c in found if day is None or _since(c) <= day]


def _since(change: ActChange) -> date:
    return change.since or change.act.effective or change.act.signed


def since(change: ActChange) -> date:
    """From when it takes effect."""
    return _since(change)


def amended_ids(acts: Iterable[Act], day: date) -> set[int]:
    """Which of them others had changed by that day. One statement, whatever their number."""
    rows = (
        ActChange.objects.filter(target__in=[a.pk for a in acts], act__published__lte=day)
        .exclude(verb=Verb.REPEAL)
        .filter(Q(since__lte=day) | Q(since=None, act__effective__lte=day))
    )
    return set(rows.values_list("target_id", flat=True))


def versions(act: Act) -> list[ActVersion]:
    """Of a published act those that everyone may read: as it was published, and its corrections."""
    return list(act.versions.filter(n__gte=act.first or 0).order_by("n"))


def latest(act: Act) -> ActVersion:
    """Its latest words, of a draft too."""
    row = act.versions.order_by("-n").first()
    if row is None:
        raise LookupError(f"{act} has no words")
    return row


def own_text(act: Act) -> Text:
    """Its words as it says them itself, corrected, before others changed it."""
    return Text.of_json(latest(act).text)


def text_at(act: Act, day: date) -> Text:
    """The consolidated text: its own words with what others had done to them by that day."""
    return apply(own_text(act), (as_change(c) for c in changes_of(act, day)))


def as_change(change: ActChange) -> Change:
    return Change(change.verb, change.article, change.after, change.heading, change.words, change.act_id)


def days(act: Act) -> list[date]:
    """The days from which its text reads otherwise, the first one included."""
    first = act.effective or act.signed
    return sorted({first, *(max(first, _since(c)) for c in changes_of(act) if c.verb != Verb.REPEAL)})


def events(act: Act, day: date) -> list[Event]:
    found = [Event("generation", act.signed)]
    for change in changes_of(act, day):
        found.append(Event("repeal" if change.verb == Verb.REPEAL else "amendment", _since(change), change.act))
    return list(dict.fromkeys(found))


def cites(act: Act) -> list[Act]:
    """The acts of the library that it names. One or two statements."""
    return list(
        _of_keys(act.citations.values_list("kind", "year", "number")).exclude(pk=act.pk).order_by("signed", "pk")
    )


def unsaid(act: Act, whole: Text) -> list[Act]:
    """The acts that the articles of a draft speak of changing, while the draft is not said to do anything to them."""
    lines = (line for article in whole.articles for line in (article.heading, *article.paragraphs))
    keys = {key for line in lines if citing.CHANGING.search(line) for _b, _e, key in citing.cited(line)}
    return list(_of_keys(sorted(keys)[:50]).exclude(changed_by__act=act)) if keys else []


def cited_by(act: Act, most: int = 50) -> list[Act]:
    rows = ActCitation.objects.filter(kind=act.kind, year=act.year, number=act.number).exclude(act=act)
    return list(public().filter(pk__in=rows.values("act")).order_by("-signed", "-pk")[:most])


def _of_keys(keys: Iterable[tuple[str, int, str]]) -> QuerySet[Act]:
    wanted = Q(pk__in=())
    for kind, year, number in keys:
        wanted |= Q(kind=kind, year=year, number=number)
    return public().filter(wanted)


def links(text: Text, act: Act) -> Callable[[str], list[tuple[str, Act | None]]]:
    """Cuts words of that text into (words, the act that they name or None). One statement for the whole text."""
    keys = {key for _b, _e, key in citing.cited(text.words())} - {citing.Key(act.kind, act.year, act.number)}
    found = {(a.kind, a.year, a.number): a for a in _of_keys(sorted(keys)[:200])} if keys else {}

    def cut(words: str) -> list[tuple[str, Act | None]]:
        pieces: list[tuple[str, Act | None]] = []
        at = 0
        for begin, end, key in citing.cited(words):
            other = found.get(key)
            if other is not None:
                pieces += [(words[at:begin], None), (words[begin:end], other)]
                at = end
        return [*(p for p in pieces if p[0]), (words[at:], None)] if at < len(words) else [p for p in pieces if p[0]]

    return cut


@dataclass(frozen=True)
class Hit:
    act: Act
    extract: Any  # HTML, "" where nothing was searched for
    standing: Standing


@dataclass(frozen=True)
class Page:
    """total: counted up to `many`; direct: the act whose very number was typed; pages: how many can be turned."""

    hits: Sequence[Hit]
    total: int
    many: bool
    number: int
    pages: int
    mended: Sequence[str] = ()
    direct: Sequence[Act] = ()
    newest: bool = False  # only the newest were gone through


def look(
    words: str, *, kind: str = "", year: int | None = None, body: str = "", in_force: bool = False, page: int = 1
) -> Page:
    """The published acts that fit, ten to a page: the best first when there are words, else the newest first."""
    day = today()
    if not words.strip():
        rows = public()
        rows = rows.filter(kind=kind) if kind else rows
        rows = rows.filter(year=year) if year else rows
        rows = rows.filter(body=body) if body else rows
        if in_force:
            rows = rows.filter(effective__lte=day).filter(Q(repealed=None) | Q(repealed__gt=day))
        total = rows[: texts.COUNTED + 1].count()
        start = (page - 1) * texts.PAGE
        acts = list(rows.order_by("-signed", "-pk")[start : start + texts.PAGE])
        counted = min(total, texts.COUNTED)
        return Page(_hits(acts, {}, day), counted, total > texts.COUNTED, page, -(-counted // texts.PAGE))
    wanted = texts.Wanted(words, SOURCE, kind=kind, place=body, year=year, holding=day if in_force else None)
    found = texts.search(wanted, page)
    extracts = {int(row.subject.partition(":")[2]): row.extract for row in found.rows}
    by_id = public().in_bulk(list(extracts))
    acts = [by_id[pk] for pk in extracts if pk in by_id]
    return Page(
        _hits(acts, extracts, day),
        found.total,
        found.many,
        page,
        -(-found.reachable // texts.PAGE),
        sorted(set(found.mended.values())),
        named(words) if page == 1 else [],
        found.newest,
    )


def _hits(acts: Sequence[Act], extracts: dict[int, Any], day: date) -> list[Hit]:
    amended = amended_ids(acts, day) if acts else set()
    return [Hit(act, extracts.get(act.pk, ""), standing(act, day, act.pk in amended)) for act in acts]


def years() -> list[int]:
    return list(public().order_by("-year").values_list("year", flat=True).distinct()[:80])


def bodies() -> list[str]:
    """Who acts come from, the one with most of them first."""
    rows = public().values_list("body").annotate(last=Max("signed")).order_by("-last")[:30]
    return [body for body, _last in rows]


def kinds() -> list[tuple[str, Any]]:
    there = set(public().values_list("kind", flat=True).distinct())
    return [(value, label) for value, label in Kind.choices if value in there]
