"""What is done to a publication: written, checked by a second person, prepared, sent, paused, taken up again.

Preparing writes one message a recipient, in chunks that are committed with how far they got: a power cut between two of
them loses nothing and tells nobody twice (the key of a message is the publication and the address).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.gis.geos import MultiPolygon
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels.models import Message, Publication, Route
from toguna.engines.channels.publish import audiences, texts
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, tasks, text, town
from toguna.kernel.access import Actor
from toguna.kernel.tasks import Lane

log = logging.getLogger("toguna.channels")

CHUNK = 50_000  # persons (or subscriptions) looked at in one transaction
State = Publication.State


class Refused(Exception):
    """It is not done; str() is a sentence for the person."""


@dataclass(frozen=True)
class Written:
    """What is said, to whom, by what. titles, bodies: {language: words}; shorts: {medium: {language: words}}."""

    titles: Mapping[str, str]
    texts: Mapping[str, str]
    media: Sequence[str]
    audience: Mapping[str, Any]
    shorts: Mapping[str, Mapping[str, str]] | None = None
    area: MultiPolygon | None = None
    lane: Lane = Lane.CAMPAIGN
    most_parts: int = 2
    cap: Decimal | None = None
    scheduled: datetime | None = None


def _words(given: Mapping[str, str]) -> dict[str, str]:
    return {code: cleaned for code, words in given.items() if (cleaned := text.clean(words))}


@transaction.atomic
def write(publication: Publication | None, written: Written, *, by: Actor, source: str = "") -> Publication:
    """Makes a draft, or changes one. Raises Refused when there is no title, nobody to tell, or it is no longer a draft."""
    access.require(by, "channels.publish", anywhere=True)
    row = publication or Publication(author=by.account, source=source)
    if publication is not None:
        row = Publication.objects.select_for_update().get(pk=publication.pk)
        if row.state not in (State.DRAFT, State.ASKED):
            raise Refused(_("It is approved already: make a new one, or cancel this one."))
    row.titles, row.texts = _words(written.titles), _words(written.texts)
    if not row.titles:
        raise Refused(_("Write a title in one language at least."))
    if not written.media:
        raise Refused(_("Choose by what it is sent."))
    row.shorts = {medium: _words(words) for medium, words in (written.shorts or {}).items() if _words(words)}
    row.media, row.audience, row.area = list(written.media), dict(written.audience), written.area
    row.lane, row.most_parts, row.cap = int(written.lane), written.most_parts, written.cap
    row.scheduled, row.state, row.author = written.scheduled, State.DRAFT, by.account
    if row.lane >= Lane.ALARM:
        access.require(by, "channels.alarm", anywhere=True)
    row.save()
    audit.record(by, "channels.write", f"channels.publication:{row.pk}")
    return row


def checked(row: Publication) -> dict[str, dict[str, texts.Cut]]:
    """{medium: {language: what is sent}}. Raises Refused with what does not fit, and where."""
    found: dict[str, dict[str, texts.Cut]] = {}
    for medium in row.media:
        for language in texts.languages_of(row):
            try:
                found.setdefault(medium, {})[language] = texts.fitted(
                    row, medium, language, unicode_allowed=bool(row.audience.get("unicode"))
                )
            except texts.DoesNotFit as error:
                raise Refused(f"{medium}, {language}: {error}") from error
    return found


def estimate(row: Publication) -> dict[str, Any]:
    """Whom it reaches, what that costs and how long it takes: {"people", "by_medium", "by_zone", "parts", "price",
    "seconds"}; money in the town's currency. Raises Refused."""
    cuts = checked(row)
    try:
        counts = audiences.counted(row) if audiences.has_addresses(row) else ()
    except audiences.NoAudience as error:
        raise Refused(str(error)) from error
    routes = list(Route.objects.filter(enabled=True).order_by("order", "slug"))
    by_medium: dict[str, int] = {}
    by_zone: dict[str, int] = {}
    parts, price, seconds = 0, Decimal(0), {"": 0.0}
    for medium, language, zone, digits, count in counts:
        by_medium[medium] = by_medium.get(medium, 0) + count
        by_zone[str(zone or "")] = by_zone.get(str(zone or ""), 0) + count
        cut = cuts[medium].get(language) or next(iter(cuts[medium].values()))
        if medium != "sms":
            continue
        parts += cut.parts * count
        route = route_of(routes, medium, digits)
        if route is not None:
            price += route.price * cut.parts * count
            seconds[route.slug] = seconds.get(route.slug, 0.0) + cut.parts * count / max(route.rate, 0.001)
    return {
        "people": sum(by_medium.values()),
        "by_medium": by_medium,
        "by_zone": by_zone,
        "parts": parts,
        "price": str(price.quantize(Decimal("0.01"))),
        "seconds": round(max(seconds.values())),
        "currency": town.current().currency,
    }


def route_of(routes: Sequence[Route], medium: str, digits: str) -> Route | None:
    """The route that a number of these first digits would take: the longest prefix, then the town's order."""
    fitting = [
        (max((len(p) for p in r.prefixes if digits.startswith(p)), default=0), r)
        for r in routes
        if r.medium == medium and (not r.prefixes or any(digits.startswith(p) for p in r.prefixes))
    ]
    return max(fitting, key=lambda pair: (pair[0], -pair[1].order), default=(0, None))[1]


def _locked(pk: int, *states: str) -> Publication:
    row = Publication.objects.select_for_update().get(pk=pk)
    if row.state not in states:
        raise Refused(_("It is “%(state)s” by now: look at it again.") % {"state": row.get_state_display()})
    return row


@transaction.atomic
def ask(pk: int, *, by: Actor) -> Publication:
    """Gives a draft to whoever may approve it, with what it will cost."""
    access.require(by, "channels.publish", anywhere=True)
    row = _locked(pk, State.DRAFT)
    row.estimate = estimate(row)
    if not row.estimate["people"] and audiences.has_addresses(row):
        raise Refused(_("Nobody would get it: choose other people."))
    row.state = State.ASKED
    row.save(update_fields=["estimate", "state"])
    audit.record(by, "channels.ask", f"channels.publication:{row.pk}")
    return row


@transaction.atomic
def approve(pk: int, *, by: Actor) -> Publication:
    """A second person agrees: it goes at once, or when it is due. Who wrote it cannot approve it, except an alarm by an
    officer who was given that right."""
    access.require(by, "channels.approve", anywhere=True)
    row = _locked(pk, State.ASKED)
    if row.author is not None and row.author == by.account:
        alone = row.lane >= Lane.ALARM and access.can(by, "channels.alarm_alone", anywhere=True)
        if not alone:
            raise Refused(_("Somebody else must approve it: who writes does not send alone."))
    row.estimate = estimate(row)
    if row.cap is not None and Decimal(row.estimate["price"]) > row.cap:
        raise Refused(
            _("It would cost %(price)s, more than the %(cap)s that it may. Choose fewer people or fewer SMS.")
            % {"price": row.estimate["price"], "cap": row.cap}
        )
    row.state, row.approver, row.approved = State.APPROVED, by.account, timezone.now()
    row.save(update_fields=["state", "approver", "approved", "estimate"])
    audit.record(by, "channels.approve", f"channels.publication:{row.pk}", estimate=row.estimate)
    if row.scheduled is None or row.scheduled <= timezone.now():
        tasks.defer(prepare, Lane(row.lane) if row.lane in set(Lane) else Lane.CAMPAIGN, publication=row.pk)
    return row


def start_due() -> None:
    """Those whose hour has come, and those whose preparation was cut by a power failure."""
    due = Publication.objects.filter(state=State.APPROVED, scheduled__lte=timezone.now())
    cut = Publication.objects.filter(state=State.PREPARING)
    for pk, lane in [*due.values_list("pk", "lane"), *cut.values_list("pk", "lane")]:
        tasks.defer(prepare, Lane(lane) if lane in set(Lane) else Lane.CAMPAIGN, publication=pk)


@tasks.task
def prepare(publication: int) -> None:
    """Writes the messages, chunk after chunk, then lets them go. Runs again after a crash, from where it was."""
    while _next_chunk(publication):
        pass


def _next_chunk(pk: int) -> bool:
    """One chunk, in one transaction with how far it got. False when there is nothing (more) to do."""
    with transaction.atomic():
        row = Publication.objects.select_for_update().get(pk=pk)
        if row.state == State.APPROVED:
            row.state, row.started, row.cursor = State.PREPARING, timezone.now(), 0
            row.counts = {"source": "", "prepared": 0}
        if row.state != State.PREPARING:
            return False
        if not audiences.has_addresses(row):
            row.state = State.SENDING
            row.save(update_fields=["state", "started", "cursor", "counts"])
            return False
        chosen = audiences.selection(row)
        sources = list(chosen.sql)
        source = row.counts.get("source") or sources[0]
        with connection.cursor() as cursor:
            cursor.execute(audiences.LAST[source])
            last = cursor.fetchone()[0]
            until = min(last, row.cursor + CHUNK)
            cursor.execute(
                _PREPARE.format(chosen=audiences.chunk(row, chosen, source)),
                {
                    **chosen.values,
                    "after": row.cursor,
                    "until": until,
                    "publication": row.pk,
                    "lane": row.lane,
                    "written": texts.languages_of(row),
                    "default": _default_language(row),
                },
            )
            row.counts["prepared"] += cursor.rowcount
        row.cursor = until
        if until >= last:
            following = sources[sources.index(source) + 1 :]
            row.counts["source"], row.cursor = (following[0], 0) if following else ("", 0)
            if not following:
                row.state = State.SENDING
        else:
            row.counts["source"] = source
        row.save(update_fields=["state", "started", "cursor", "counts"])
        if row.state == State.SENDING:
            with connection.cursor() as cursor:
                cursor.execute("NOTIFY toguna_messages")
        return row.state == State.PREPARING


def _default_language(row: Publication) -> str:
    written = texts.languages_of(row)
    return next((code for code in town.current().languages if code in written), written[0])


# The text of each is that of the publication in its language: written once, not a million times.
_PREPARE = """
INSERT INTO channels_message (key, medium, address, person_id, publication_id, language, lane, state)
SELECT 'p' || %(publication)s || ':' || medium || ':' || CASE WHEN length(address) <= 90 THEN address ELSE md5(address) END,
    medium, address, person_id, %(publication)s,
    CASE WHEN language = ANY(%(written)s) THEN language ELSE %(default)s END, %(lane)s, 'queued'
FROM ({chosen}) chosen
ON CONFLICT (key) DO NOTHING
"""


@transaction.atomic
def pause(pk: int, *, by: Actor) -> Publication:
    """Nothing more leaves until it is taken up again. What is in the gateway's hands goes on."""
    access.require(by, "channels.publish", anywhere=True)
    row = _locked(pk, State.SENDING)
    row.state = State.PAUSED
    row.save(update_fields=["state"])
    audit.record(by, "channels.pause", f"channels.publication:{row.pk}")
    return row


@transaction.atomic
def resume(pk: int, *, by: Actor) -> Publication:
    access.require(by, "channels.publish", anywhere=True)
    row = _locked(pk, State.PAUSED)
    row.state = State.SENDING
    row.save(update_fields=["state"])
    audit.record(by, "channels.resume", f"channels.publication:{row.pk}")
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY toguna_messages")
    return row


@transaction.atomic
def cancel(pk: int, *, by: Actor) -> Publication:
    """It goes no further: what still waits is not sent."""
    access.require(by, "channels.publish", anywhere=True)
    row = _locked(pk, State.DRAFT, State.ASKED, State.APPROVED, State.PREPARING, State.SENDING, State.PAUSED)
    Message.objects.filter(publication=row, state=Message.State.QUEUED).update(state=Message.State.CANCELLED)
    row.state, row.finished = State.CANCELLED, timezone.now()
    row.save(update_fields=["state", "finished"])
    audit.record(by, "channels.cancel", f"channels.publication:{row.pk}")
    return row


@transaction.atomic
def follow(pk: int, *, ends: bool, by: Actor) -> Publication:
    """A draft that says more of an alert that left, or that it is over: to the same people, by the same media. It is
    approved like any other. Asked for twice, it is the same draft."""
    access.require(by, "channels.publish", anywhere=True)
    first = _locked(pk, State.SENDING, State.PAUSED, State.DONE)
    if not is_alert(first):
        raise Refused(_("It is no alert: write a new message instead."))
    if first.lane >= Lane.ALARM:
        access.require(by, "channels.alarm", anywhere=True)
    row = Publication.objects.filter(follows=first, ends=ends, state__in=[State.DRAFT, State.ASKED]).first()
    if row is not None:
        return row
    titles = dict(first.titles)
    if ends:
        for language, words in titles.items():
            with translation.override(language):
                titles[language] = (_("It is over: %(title)s") % {"title": words})[:120]
    row = Publication.objects.create(
        author=by.account, source=first.source, follows=first, ends=ends, titles=titles, texts={} if ends else first.texts,
        media=first.media, audience=first.audience, area=first.area, lane=first.lane, most_parts=first.most_parts, cap=first.cap,
    )  # fmt: skip
    audit.record(by, "channels.follow", f"channels.publication:{row.pk}", follows=first.pk, ends=ends)
    return row


def is_alert(row: Publication) -> bool:
    """Whether it is said for people's safety: an alarm, what a rule raised, or what was said of one since."""
    return row.lane >= Lane.ALARM or bool(row.source) or row.follows_id is not None


def finish() -> None:
    """Those of which nothing waits any more are done; run from time to time."""
    for row in Publication.objects.filter(state=State.SENDING):
        waiting = Message.objects.filter(publication=row, state__in=[Message.State.QUEUED, Message.State.SENDING])
        if not waiting.exists():
            Publication.objects.filter(pk=row.pk, state=State.SENDING).update(state=State.DONE, finished=timezone.now())


def progress(row: Publication) -> dict[str, int]:
    """{state of its messages: how many}. One statement, on the index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM channels_message WHERE publication_id = %s GROUP BY state", [row.pk]
        )
        return dict(cursor.fetchall())


def reach_by_zone(row: Publication) -> list[tuple[str, int, int, int, int]]:
    """(district, prepared, left, delivered, failed) of what was sent, the most first; "" for people whose district is not known.
    One statement, and the names."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.zone_id, count(*), count(*) FILTER (WHERE m.state IN ('sent', 'delivered', 'shown')),
                count(*) FILTER (WHERE m.state = 'delivered'), count(*) FILTER (WHERE m.state = 'failed')
            FROM channels_message m LEFT JOIN people_person p ON p.id = m.person_id
            WHERE m.publication_id = %s GROUP BY 1 ORDER BY 2 DESC LIMIT 200
            """,
            [row.pk],
        )
        found = cursor.fetchall()
    names = {z.id: z.name for z in territory.zones()}
    return [(names.get(zone, ""), *counts) for zone, *counts in found]


def reach(row: Publication) -> list[tuple[str, dict[str, int]]]:
    """(medium, {state: how many}) of what was sent."""
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT medium, state, count(*) FROM channels_message WHERE publication_id = %s GROUP BY 1, 2 ORDER BY 1, 2",
            [row.pk],
        )
        for medium, state, count in cursor.fetchall():
            found.setdefault(medium, {})[state] = count
    return sorted(found.items())
