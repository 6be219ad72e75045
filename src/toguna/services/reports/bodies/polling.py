"""What other bodies did with our reports, asked for every few minutes."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.kernel import tasks
from toguna.kernel.tasks import Lane
from toguna.services.reports.bodies import actions, sending
from toguna.services.reports.bodies.client import Row, Trouble, moment
from toguna.services.reports.models import Body, Transfer

OVERLAP = timedelta(minutes=15)  # asked for again each time: updates are known by their ids, and clocks differ
FURTHEST = timedelta(days=60)  # back; the standard's servers refuse more than 90
AFTERWARDS = timedelta(days=60)  # in which a report that they closed may be opened again there
TOO_LONG = timedelta(days=3)  # without a number for our token


def sweep() -> None:
    """Periodic: queues what is due: reports to send again, numbers to ask for, updates to read."""
    waiting = Transfer.objects.filter(state=Transfer.State.WAITING)
    tasks.defer_many(sending.send, Lane.TRANSACTIONAL, [{"transfer": row.pk} for row in waiting if sending.due(row)])
    bodies = Body.objects.filter(active=True, transfers__in=_followed()).distinct().exclude(endpoint="")
    tasks.defer_many(poll, Lane.TRANSACTIONAL, [{"body": body.pk} for body in bodies])


def _followed() -> QuerySet[Transfer]:
    lately = Q(state=Transfer.State.CLOSED, case__closed__gte=timezone.now() - AFTERWARDS)
    return Transfer.objects.filter(Q(state=Transfer.State.SENT) | lately)


@tasks.task
def poll(body: int) -> None:
    row = Body.objects.get(pk=body)
    now = timezone.now()
    try:
        _resolve(row)
        followed = {t.remote_id: t for t in _followed().filter(body=row).exclude(remote_id="")}
        for transfer, update in sorted(_news(row, followed, now), key=lambda news: news[1].at or now):
            actions.apply(transfer, update)
    except Trouble as trouble:
        Body.objects.filter(pk=body).update(trouble=str(trouble)[:300])
        return
    Body.objects.filter(pk=body).update(polled=now, checked=now, trouble="")


def _resolve(body: Body) -> None:
    """Numbers for the tokens that it gave."""
    for row in _followed().filter(body=body, remote_id="").exclude(token=""):
        number = sending.peer(body).resolve(row.token)
        if not number:
            if row.sent and timezone.now() - row.sent > TOO_LONG:
                Transfer.objects.filter(pk=row.pk).update(trouble=_("They took it and have given no number since."))
            continue
        sending.taken(row, number, row.token)


def _news(body: Body, followed: dict[str, Transfer], now: datetime) -> list[tuple[Transfer, actions.Update]]:
    if not followed:
        return []
    first = min((t.sent or t.created) for t in followed.values())
    start = max(body.polled or first, now - FURTHEST) - OVERLAP
    try:
        rows = sending.peer(body).updates(start, now)
    except Trouble as trouble:
        if not trouble.missing:
            raise
        rows = sending.peer(body).states(sorted(followed))
        return [(followed[n], _state(r)) for r in rows if (n := r.get("service_request_id", "")) in followed]
    return [
        (followed[n], _update(r))
        for r in rows
        if (n := r.get("service_request_id", "")) in followed and r.get("update_id")
    ]


def _update(row: Row) -> actions.Update:
    status = row.get("state") or row.get("status", "")
    return actions.Update(row["update_id"], status, row.get("description", ""), moment(row.get("updated_datetime", "")))


def _state(row: Row) -> actions.Update:
    """A body that lists no updates: what its request looks like now is one, unless it looked so before."""
    status, words, at = (
        row.get("state") or row.get("status", ""),
        row.get("status_notes", ""),
        row.get("updated_datetime", ""),
    )
    looks = "\0".join([row["service_request_id"], status, words, at])
    return actions.Update(f"state:{hashlib.sha256(looks.encode()).hexdigest()}", status, words, moment(at))
