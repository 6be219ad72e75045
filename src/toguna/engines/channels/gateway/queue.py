"""The table of messages as a queue: taken, in small bites, before anything is said to the outside; then what became of each.

Every function is one transaction. What was taken and never came back (the power failed in between) is DOUBTFUL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.channels.models import Message
from toguna.kernel import town
from toguna.kernel.tasks import Lane

GIVE_UP = timedelta(days=3)  # as mail servers do among themselves
CODE_GOOD_FOR = timedelta(minutes=10)  # a one-time code that comes later only confuses
LOST_AFTER = timedelta(minutes=5)  # taken, and nothing more was heard
MOST_AGAIN = 3  # times that an alarm or a code is sent without knowing whether it arrived
State = Message.State

# Twice is better than never.
URGENT = int(Lane.ONE_TIME_CODE)


@dataclass(frozen=True)
class Source:
    """Where the next messages are: those of a publication, or of none; on one lane. media: None for any."""

    publication: int | None
    lane: int
    media: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Taken:
    """A row in our hands. text, subject: "" for those of a publication."""

    id: int
    key: str
    medium: str
    address: str
    subject: str
    text: str
    language: str
    lane: int
    publication: int | None
    tries: int
    created: datetime


@dataclass(frozen=True)
class Outcome:
    """What became of one. due: when it is tried again; route: what it was charged to, given back if it did not leave."""

    id: int
    state: str
    reference: str = ""
    error: str = ""
    due: datetime | None = None
    parts: int | None = None
    price: Decimal | None = None
    route: int | None = None
    taken_back: bool = False  # it was not even tried


def sources() -> list[Source]:
    """The most urgent first. An alarm leaves while it is still being prepared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, lane, media FROM channels_publication WHERE state = 'sending' OR (state = 'preparing' AND lane >= %s)",
            [int(Lane.ALARM)],
        )
        published = [Source(pk, lane, tuple(media)) for pk, lane, media in cursor.fetchall()]
    alone = [Source(None, int(lane)) for lane in Lane]
    return sorted([*alone, *published], key=lambda source: (-source.lane, source.publication or 0))


def take(
    source: Source, medium: str, where: tuple[str, Sequence[Any]], most: int, *, route: int | None, quiet: bool
) -> list[Taken]:
    """At most `most` rows, marked as being sent by that route; committed before the caller does anything with them.
    quiet: only answers to what people have just written."""
    of = "publication_id IS NULL" if source.publication is None else "publication_id = %s"
    sql, values = where
    hush = "AND (key LIKE 'incoming:%%' OR key LIKE 'talk:%%')" if quiet else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH picked AS (
                SELECT id FROM channels_message
                WHERE state = 'queued' AND {of} AND lane = %s AND due <= statement_timestamp() AND medium = %s AND {sql} {hush}
                ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED)
            UPDATE channels_message m SET state = 'sending', claimed = clock_timestamp(), route_id = %s, tries = tries + 1
            FROM picked WHERE m.id = picked.id
            RETURNING m.id, key, medium, address, subject, text, language, lane, publication_id, tries, created
            """,
            [
                *([] if source.publication is None else [source.publication]),
                source.lane, medium, *values, most, route,
            ],
        )  # fmt: skip
        # An UPDATE gives its rows in any order; whoever is told two things is told them in the order in which they were said.
        return sorted((Taken(*row) for row in cursor.fetchall()), key=lambda row: row.id)


def stopped(rows: Sequence[Taken]) -> set[int]:
    """Those of a campaign whose person has said STOP since it was prepared."""
    asked = [row for row in rows if row.lane <= Lane.CAMPAIGN]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT address FROM channels_opt_out WHERE about = '' AND medium = %s AND address = ANY(%s)",
            [asked[0].medium, [row.address for row in asked]],
        )
        said = {address for (address,) in cursor.fetchall()}
    return {row.id for row in asked if row.address in said}


def today() -> date:
    return timezone.now().astimezone(ZoneInfo(town.current().time_zone)).date()


def spent(route: int) -> Decimal:
    """Money that left by a route today."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cost FROM channels_route_day WHERE route_id = %s AND day = %s", [route, today()])
        row = cursor.fetchone()
    return row[0] if row else Decimal(0)


def charge(route: int, messages: int, parts: int, cost: Decimal) -> None:
    """Adds to what a route has carried today; less than nothing for what did not leave after all."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_route_day AS d (route_id, day, messages, parts, cost) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (route_id, day) DO UPDATE SET messages = d.messages + excluded.messages,
                parts = d.parts + excluded.parts, cost = d.cost + excluded.cost
            """,
            [route, today(), messages, parts, cost],
        )


@transaction.atomic
def settle(outcomes: Sequence[Outcome]) -> None:
    """Writes what became of many, in one statement. A delivery report that was faster is not undone."""
    if not outcomes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_message m SET
                state = CASE WHEN m.state IN ('sending', 'doubtful') THEN o.state ELSE m.state END,
                reference = CASE WHEN o.reference <> '' THEN o.reference ELSE m.reference END,
                error = o.error,
                due = coalesce(o.due, m.due),
                parts = coalesce(o.parts, m.parts),
                price = coalesce(o.price, m.price),
                sent = CASE WHEN o.state IN ('sent', 'shown') THEN coalesce(m.sent, clock_timestamp()) ELSE m.sent END,
                tries = m.tries - o.taken_back::int,
                -- A code is kept nowhere once it has left, or never will.
                text = CASE WHEN m.lane = %s AND o.state NOT IN ('queued', 'doubtful') THEN '' ELSE m.text END
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::numeric[],
                %s::bool[]) AS o (id, state, reference, error, due, parts, price, taken_back)
            WHERE m.id = o.id
            """,
            [
                int(Lane.ONE_TIME_CODE),
                [o.id for o in outcomes], [o.state for o in outcomes], [o.reference[:120] for o in outcomes],
                [o.error[:300] for o in outcomes], [o.due for o in outcomes], [o.parts for o in outcomes],
                [o.price for o in outcomes], [o.taken_back for o in outcomes],
            ],
        )  # fmt: skip
    back: dict[int, tuple[int, int, Decimal]] = {}
    for o in outcomes:
        if o.route is not None and o.state in (State.QUEUED, State.FAILED, State.CANCELLED):
            messages, parts, cost = back.get(o.route, (0, 0, Decimal(0)))
            back[o.route] = (messages + 1, parts + (o.parts or 0), cost + (o.price or 0))
    for route, (messages, parts, cost) in back.items():
        charge(route, -messages, -parts, -cost)


@transaction.atomic
def recover(lost_after: timedelta = LOST_AFTER) -> int:
    """What was taken and never came back: sent again where that is better than never, else reported as doubtful. Returns
    how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_message SET
                state = CASE WHEN lane >= %s AND tries <= %s THEN 'queued' ELSE 'doubtful' END,
                error = 'the server ended while it was being sent'
            WHERE state = 'sending' AND claimed < statement_timestamp() - %s
            """,
            list[Any]([URGENT, MOST_AGAIN, lost_after]),
        )
        return int(cursor.rowcount)


@transaction.atomic
def expire() -> int:
    """What could not leave for too long, because nothing was up: codes after minutes, all else after days."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "code": int(Lane.ONE_TIME_CODE),
            "minutes": CODE_GOOD_FOR,
            "days": GIVE_UP,
            "lanes": [int(lane) for lane in Lane if lane != Lane.ONE_TIME_CODE],
        }
        cursor.execute(
            """
            UPDATE channels_message SET state = 'failed', text = CASE WHEN lane = %(code)s THEN '' ELSE text END,
                error = CASE WHEN error = '' THEN 'too late: no way out was up' ELSE error END
            WHERE state = 'queued' AND publication_id IS NULL AND (
                (lane = %(code)s AND created < statement_timestamp() - %(minutes)s) OR (lane = ANY(%(lanes)s) AND due < statement_timestamp() - %(days)s
                    AND created < statement_timestamp() - %(days)s))
            """,
            values,
        )
        return int(cursor.rowcount)


@transaction.atomic
def send_again(message: int) -> bool:
    """Somebody of the town has decided that a doubtful or failed one is sent (once more). False when it is neither, or
    its words are no longer kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_message SET state = 'queued', due = statement_timestamp(), tries = 0, error = '', created = statement_timestamp()
            WHERE id = %s AND state IN ('doubtful', 'failed') AND (text <> '' OR publication_id IS NOT NULL)
            """,
            [message],
        )
        found = bool(cursor.rowcount)
        cursor.execute("NOTIFY toguna_messages")
    return found
