"""When the truck comes, for who lives there: what is said on the web and by SMS, and the message when it is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.services.waste import households
from toguna.services.waste.models import DayPlan, LeftOut, Nearing, Round, Visit, WastePlace
from toguna.services.waste.rounds import drawing, reads, ways
from toguna.services.waste.rounds.ways import Point, apart

AROUND = 1500  # metres: a place farther than this is nobody's
ALIKE = 150  # metres: whoever says a landmark does not mean one of two bins so near to each other
NEAR = 700  # metres: the truck is near
SOON = timedelta(minutes=20)
LARGE = 3.5  # times the drawing of the office: it is looked at on a telephone
MARGIN = timedelta(minutes=30)  # of a time that was only planned


@dataclass(frozen=True)
class Coming:
    """A place and when a truck is expected. live: as the truck is under way; None: no round of today or tomorrow goes there; done: it
    came today; left: it was to come today, and does not; truck: where it is now, away: the metres from there as the crow flies, when its tracker says so."""

    place: WastePlace
    metres: int
    at: datetime | None = None
    live: bool = False
    done: datetime | None = None
    left: bool = False
    truck: Point | None = None
    plate: str = ""

    @property
    def away(self) -> int | None:
        return None if self.truck is None else round(apart(self.truck, ways.spot(self.place.point)) / 10) * 10

    @property
    def between(self) -> tuple[datetime, datetime] | None:
        if self.at is None:
            return None
        half = MARGIN / 2 if self.live else MARGIN
        return max(self.at - half, timezone.now()), self.at + half


def near(point: Point, many: int = 5) -> list[WastePlace]:
    """The bins and collection points around somebody, the nearest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM waste_place WHERE kind IN ('bin', 'point') AND state = 'open' AND public "
            "AND point && ST_Expand(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 0.02) ORDER BY point <-> ST_SetSRID(ST_MakePoint(%s, %s), 4326) LIMIT %s",
            [*point, *point, many],
        )
        pks = [row[0] for row in cursor.fetchall()]
    found = WastePlace.objects.in_bulk(pks)
    return [found[pk] for pk in pks if apart(point, ways.spot(found[pk].point)) <= AROUND]


def coming(places: Sequence[WastePlace], point: Point | None = None) -> list[Coming]:
    """For each place: the next truck of today or tomorrow. Five statements however many places."""
    now, today = timezone.now(), timezone.localdate()
    visits = (
        Visit.objects.filter(
            place__in=places, kind=Visit.Kind.STOP, round__plan__state=DayPlan.State.PUBLISHED, round__plan__day__range=(today, today + timedelta(days=1))
        )
        .exclude(why="point")
        .select_related("round__plan")
        .order_by("arrives")
    )  # fmt: skip
    by_place: dict[int, list[Visit]] = {}
    for visit in visits:
        if visit.place_id is not None:
            by_place.setdefault(visit.place_id, []).append(visit)
    under_way = {v.round_id for v in visits if v.round.state == Round.State.STARTED}
    rounds = list(Round.objects.filter(pk__in=under_way).select_related("truck").prefetch_related("visits"))
    late, plates = {r.pk: reads.lateness(r) for r in rounds}, {r.pk: r.truck.plate for r in rounds}
    spots = {pk: spot.point for pk, spot in reads.positions(rounds).items() if now - spot.at < reads.FRESH}
    left = set(
        LeftOut.objects.filter(place__in=places, plan__state=DayPlan.State.PUBLISHED, plan__day=today).values_list(
            "place", flat=True
        )
    )
    found = []
    for place in places:
        metres = round(apart(point, ways.spot(place.point))) if point else 0
        mine = by_place.get(place.pk, [])
        done = next((v.at for v in mine if v.state == Visit.State.DONE and v.round.plan.day == today), None)
        then = next(
            (
                v
                for v in mine
                if v.state == Visit.State.PLANNED and v.round.state not in (Round.State.BROKEN, Round.State.ENDED)
            ),
            None,
        )
        if then is None:
            missed = place.pk in left or any(v.round.plan.day == today for v in mine)
            found.append(Coming(place, metres, done=done, left=missed and done is None))
        elif then.round_id in late:
            found.append(
                Coming(
                    place, metres, reads.expected(then, late[then.round_id], now), live=True, done=done,
                    truck=spots.get(then.round_id), plate=plates[then.round_id],
                )
            )  # fmt: skip
        else:
            found.append(
                Coming(
                    place, metres, then.arrives if then.round.plan.day > today else max(then.arrives, now), done=done
                )
            )
    return found


def served(point: Point) -> WastePlace | None:
    """Where somebody around a landmark brings their waste: of the bins about as near as the nearest, the one that a truck comes to."""
    rows = coming(near(point), point)
    return next(
        (r.place for r in rows if r.between and r.metres <= rows[0].metres + ALIKE), rows[0].place if rows else None
    )


def picture(rows: Sequence[Coming]) -> SafeString:
    """The bins, and the trucks that are on their way to them; "" when none is."""
    tracks = {
        one.plate: drawing.Track(one.plate, (), truck=drawing.Mark(one.truck, one.plate)) for one in rows if one.truck
    }
    if not tracks:
        return SafeString("")
    bins = [
        drawing.Mark(ways.spot(one.place.point), one.place.name, str(number), done=one.between is None)
        for number, one in enumerate(rows, 1)
    ]
    bins.sort(key=lambda mark: not mark.done)  # those that a truck comes to lie over the others
    first, *others = tracks.values()
    return drawing.drawn([replace(first, stops=bins), *others], (), title=_("Where the truck is now"), large=LARGE)


def said(one: Coming) -> str:
    """In one SMS."""
    if one.between is None:
        if one.done:
            return _("%(place)s: emptied today at %(hour)s.") % {"place": one.place.name, "hour": _hour(one.done)}
        if one.left:
            return _("%(place)s: the truck does not come today after all. It comes on one of the next days.") % {
                "place": one.place.name
            }
        return _("%(place)s: no truck today or tomorrow. It comes when the bin is nearly full.") % {
            "place": one.place.name
        }
    start, end = one.between
    day = _("today") if timezone.localdate(start) == timezone.localdate() else _("tomorrow")
    return _("%(place)s: truck %(day)s between %(from)s and %(to)s.") % {
        "place": one.place.name, "day": day, "from": _hour(start), "to": _hour(end),
    }  # fmt: skip


def _hour(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"


def ask(address: str, language: str, place: WastePlace) -> None:
    """From now on, a message when the truck is near that place; asked again, it is the same."""
    Nearing.objects.get_or_create(address=address, place=place, defaults={"language": language})


def end(address: str) -> int:
    return Nearing.objects.filter(address=address).delete()[0]


def tell_near() -> None:
    """A message to who asked, by the way by which they did, when the truck that goes to their place is near it, or will be there soon: once a day."""
    today = timezone.localdate()
    waiting = list(
        Visit.objects.filter(
            kind=Visit.Kind.STOP, state=Visit.State.PLANNED, round__state=Round.State.STARTED, round__plan__state=DayPlan.State.PUBLISHED,
            round__plan__day=today, place__nearing__isnull=False,
        ).exclude(place__nearing__told=today).select_related("place").distinct()
    )  # fmt: skip
    if not waiting:
        return
    rounds = {
        r.pk: r
        for r in Round.objects.filter(pk__in={v.round_id for v in waiting})
        .select_related("truck")
        .prefetch_related("visits__place")
    }
    spots, now = reads.positions(list(rounds.values())), timezone.now()
    for visit in waiting:
        one, place = rounds[visit.round_id], visit.place
        spot = spots.get(one.pk)
        fresh = spot is not None and now - spot.at < reads.FRESH
        assert place is not None
        close = fresh and spot is not None and apart(spot.point, ways.spot(place.point)) <= NEAR
        upcoming = [v for v in one.visits.all() if v.state == Visit.State.PLANNED][:4]
        # Near as the crow flies is not yet: the truck may pass by on its way elsewhere, so it must also be among its next stops.
        if not (
            visit.pk in {v.pk for v in upcoming}
            and (close or reads.expected(visit, reads.lateness(one), now) - now <= SOON)
        ):
            continue
        for who in Nearing.objects.filter(place=place).exclude(told=today):
            if not Nearing.objects.filter(pk=who.pk).exclude(told=today).update(told=today):
                continue
            with translation.override(who.language or None):
                words = _("The waste truck is near %(place)s. Bring out your waste.") % {"place": place.name}
            medium, to = households.way(who.address)
            channels.send(medium, to, key=f"waste.near:{who.pk}:{today}", text=words, language=who.language)


def _addresses(person: int) -> list[str]:
    return list(people.Contact.objects.filter(person=person, kind="phone").values_list("value", flat=True))


def export(person: int) -> list[dict[str, Any]]:
    rows = Nearing.objects.filter(address__in=_addresses(person)).select_related("place")
    return [{"place": r.place.name, "since": r.since.isoformat()} for r in rows]


def forget(person: int) -> None:
    Nearing.objects.filter(address__in=_addresses(person)).delete()
