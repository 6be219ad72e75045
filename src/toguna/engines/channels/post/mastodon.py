"""The town's news on Mastodon (and on what speaks its API: Pleroma, GoToSocial...): https://docs.joinmastodon.org/methods/statuses

One post for each publication that was meant for social networks. Its Idempotency-Key lets it be sent again when the answer
was lost: the server knows it for an hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Setting, Unsendable
from toguna.engines.channels.models import Publication, Route
from toguna.engines.channels.post import wire
from toguna.engines.channels.publish import texts
from toguna.engines.channels.sending import send
from toguna.kernel import town
from toguna.kernel.tasks import Lane

LONGEST = 500
LATELY = timedelta(days=2)


def deliver(message: Outgoing) -> Sent:
    given = message.settings
    try:
        answer = wire.call(
            "POST",
            f"{str(given.get('server', '')).rstrip('/')}/api/v1/statuses",
            data={"status": message.text[:LONGEST], "visibility": "public", "language": message.language or None},
            headers={"Authorization": f"Bearer {given.get('token', '')}", "Idempotency-Key": message.key},
        )
    except Doubtful as error:  # the key makes the second one the same
        raise Busy(str(error), route_down=False) from error
    said = answer.json()
    if answer.status < 300 and said.get("id"):
        return Sent(reference=str(said.get("url") or said["id"])[:120])
    words = f"{answer.status}: {said.get('error', '')}"[:280]
    if answer.status == 429:
        raise Busy(words, after=_until(answer.headers.get("x-ratelimit-reset", "")) or answer.after)
    if answer.status in (401, 403, 404):
        raise Busy(words, after=300)
    if answer.status >= 500 or answer.status < 300:
        raise Busy(words, route_down=False)
    raise Unsendable(words)


def _until(moment: str) -> float | None:
    """Seconds until an ISO 8601 moment."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return max(1.0, (found - timezone.now()).total_seconds())


def post_new() -> None:
    """Asks for the posts of publications that went out lately; each once, however often this runs."""
    if not Route.objects.filter(medium="social", enabled=True).exists():
        return
    out = (Publication.State.SENDING, Publication.State.DONE)
    since = timezone.now() - LATELY
    language = town.current().languages[0]
    for row in Publication.objects.filter(media__contains=["social"], state__in=out, started__gt=since):
        with transaction.atomic():
            send(
                "social", "public", key=f"publication:{row.pk}:social", text=texts.fitted(row, "social", language).text,
                language=language, lane=Lane(row.lane) if row.lane in set(Lane) else Lane.CAMPAIGN,
            )  # fmt: skip


MASTODON = Medium(
    "mastodon",
    deliver,
    medium="social",
    title="Mastodon",
    connections=1,
    settings=(
        Setting("server", _("Address of the server, such as https://mastodon.example")),
        Setting("token", _("Access token with the right to write statuses"), secret=True),
    ),
)
