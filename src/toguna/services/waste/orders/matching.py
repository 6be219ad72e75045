"""Who is asked to come: one after the other, the likeliest first. The order of the list is explained in docs/waste.md."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from toguna.engines.territory import api as territory
from toguna.services.waste.models import PickUp, PickUpOffer, PreCollector
from toguna.services.waste.orders import actions

ANSWER = timedelta(minutes=30)  # then it goes to the next
SOONEST = timedelta(minutes=5)
MORNING, EVENING = (
    time(7, 0),
    time(21, 0),
)  # nobody is rung at night: what is offered then may be answered until the morning
BATCH = 200

# load: the share of their day that is taken; far: kilometres from where they set out, or from their pick-up nearest in time that day;
# stars: of people, with three ratings of 4 to begin with. Each weighs as much as it says here.
_NEXT = """
SELECT id, 2 * load + least(far, 6) / 3.0 + (5 - stars) / 2.0 AS score FROM (
    SELECT c.id, day.n::float / greatest(c.most, 1) AS load, (c.stars + 12.0) / (c.rated + 3) AS stars,
        COALESCE(ST_Distance(p.point::geography, COALESCE(day.near, c.point)::geography) / 1000, 1.5) AS far, c.most, day.n
    FROM waste_precollector c CROSS JOIN waste_pickup p
    LEFT JOIN LATERAL (
        SELECT count(*) AS n, (array_agg(o.point ORDER BY abs(extract(epoch FROM o.start - p.start)), o.id) FILTER (WHERE o.point IS NOT NULL))[1] AS near
        FROM waste_pickup o WHERE o.collector_id = c.id AND o.state IN ('offered', 'accepted', 'done')
            AND o.start >= %(day)s AND o.start < %(next)s
    ) day ON true
    WHERE p.id = %(pickup)s AND c.state = 'active'
        AND NOT EXISTS (SELECT FROM waste_pickup_offer f WHERE f.pickup_id = p.id AND f.collector_id = c.id)
        AND (NOT EXISTS (SELECT FROM waste_precollector_zone z WHERE z.precollector_id = c.id)
            OR EXISTS (SELECT FROM waste_precollector_zone z WHERE z.precollector_id = c.id AND z.zone_id = ANY(%(zones)s)))
        AND (c.hours = '[]' OR EXISTS (SELECT FROM jsonb_array_elements(c.hours) h
            WHERE h->'days' @> to_jsonb(%(weekday)s::int) AND (h->>'from')::time < %(closes)s::time AND (h->>'to')::time > %(opens)s::time))
) found WHERE n < most ORDER BY score, id LIMIT 1
"""


def best(row: PickUp) -> tuple[int, float] | None:
    """(pre-collector, score) of whoever is to be asked next; None when nobody is left. One statement."""
    start, end = timezone.localtime(row.start), timezone.localtime(row.end)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT,
            {
                "pickup": row.pk, "day": day, "next": day + timedelta(days=1), "weekday": start.isoweekday(),
                "opens": f"{start:%H:%M}", "closes": f"{end:%H:%M}" if end.date() == start.date() else "23:59",
                "zones": list(territory.chain(row.zone_id)) if row.zone_id else [],
            },
        )  # fmt: skip
        found = cursor.fetchone()
    return (int(found[0]), float(found[1])) if found else None


def until(row: PickUp, now: datetime) -> datetime:
    """By when they answer: half an hour, less when the slot is near, longer at night."""
    last = now + max(SOONEST, min(ANSWER, (row.start - now) / 4))
    local = timezone.localtime(last)
    if MORNING <= local.time() < EVENING:
        return last
    morning = (
        timezone.make_aware(datetime.combine(local.date() + timedelta(days=local.time() >= EVENING), MORNING)) + ANSWER
    )
    return min(morning, max(row.start, last))


def offer_next(pickup: int, now: datetime | None = None) -> bool:
    """Offers an order that has nobody to the next; whether there was one. Whoever comes second finds it offered, and does nothing."""
    now = now or timezone.now()
    try:
        with transaction.atomic():
            row = PickUp.objects.select_related("kind", "household").get(pk=pickup)
            if row.state not in (PickUp.State.ASKED, PickUp.State.UNSERVED) or row.end <= now:
                return False
            found = best(row)
            if found is None:
                if row.state == PickUp.State.ASKED:
                    actions.unserved(row)
                return False
            collector = PreCollector.objects.get(pk=found[0])
            actions.offer(row, collector, until=until(row, now), score=found[1])
    except (actions.Conflict, IntegrityError):
        return False
    return True


def sweep(now: datetime | None = None) -> None:
    """Offers that nobody answered go to the next; what nobody could do is offered again when somebody new works. Each alone: cut at
    any line, the rest is done the next time."""
    now = now or timezone.now()
    late = PickUpOffer.objects.filter(answer="", until__lt=now).select_related("pickup", "collector")
    for offer in late.order_by("until")[:BATCH]:
        try:
            actions.refuse(offer.pickup, offer.collector, late=True)
        except actions.Conflict:
            continue
    waiting = PickUp.objects.filter(state__in=(PickUp.State.UNSERVED, PickUp.State.ASKED), end__gt=now)
    for pk in waiting.order_by("start").values_list("pk", flat=True)[:BATCH]:
        offer_next(pk, now)
