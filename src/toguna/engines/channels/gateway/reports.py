"""Delivery reports: whatever their order and however often they come, a message only gets nearer to its end."""

from __future__ import annotations

from typing import Literal

from django.db import connection

from toguna.engines.channels.models import Message

Said = Literal["taken", "delivered", "failed"]
State = Message.State

# From which states each report moves a message. "failed" after "delivered" is late, or a lie; so is "taken".
_MOVES: dict[Said, tuple[str, list[str]]] = {
    "taken": (State.SENT, [State.SENDING, State.DOUBTFUL]),
    "delivered": (State.DELIVERED, [State.SENDING, State.DOUBTFUL, State.SENT, State.FAILED]),
    "failed": (State.FAILED, [State.SENDING, State.DOUBTFUL, State.SENT]),
}


def report(message: int, said: Said, words: str = "") -> bool:
    """Writes down what a gateway says of a message. False when that changes nothing (a repeat, or too late)."""
    state, before = _MOVES[said]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE channels_message SET state = %s,
                error = CASE WHEN %s = 'failed' THEN %s ELSE '' END,
                sent = coalesce(sent, now()),
                delivered = CASE WHEN %s = 'delivered' THEN now() ELSE delivered END,
                text = CASE WHEN lane = 75 THEN '' ELSE text END
            WHERE id = %s AND state = ANY(%s)
            """,
            [state, said, words[:300], said, message, [str(b) for b in before]],
        )
        return bool(cursor.rowcount)


def find(kind: str, reference: str, address: str = "") -> int | None:
    """The message that a gateway of that kind calls `reference`. When we never heard that name, because its answer was
    lost: the one doubtful message to that address, if there is one and no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id FROM channels_message m JOIN channels_route r ON r.id = m.route_id
            WHERE m.reference = %s AND m.reference <> '' AND r.kind = %s LIMIT 1
            """,
            [reference[:120], kind],
        )
        if row := cursor.fetchone():
            return int(row[0])
        cursor.execute(
            """
            SELECT m.id FROM channels_message m JOIN channels_route r ON r.id = m.route_id
            WHERE m.address = %s AND r.kind = %s AND m.state IN ('sending', 'doubtful') AND m.reference = ''
                AND m.claimed > now() - interval '3 days' LIMIT 2
            """,
            [address, kind],
        )
        found = cursor.fetchall()
        if len(found) != 1:
            return None
        cursor.execute("UPDATE channels_message SET reference = %s WHERE id = %s", [reference[:120], found[0][0]])
        return int(found[0][0])
