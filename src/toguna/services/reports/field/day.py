"""The reports of an inspector's day: which, in which order, and all that is needed to work on them without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, text
from toguna.kernel.access import Actor
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.field import records, rounds
from toguna.services.reports.topics import topics

MOST = 60
STEPS = 5  # of each history: the last ones


def start_of(typed: str) -> rounds.Point:
    """Where the round begins: the position that was given, else the middle of the town."""
    if (found := territory.read_point(typed)) is not None:
        return found
    west, south, east, north = territory.town_bounds() or (0.0, 0.0, 0.0, 0.0)
    return (west + east) / 2, (south + north) / 2


def chosen(actor: Actor, asked: Mapping[str, str], codes_: Sequence[str] = ()) -> list[cases.Case]:
    """Open reports that the actor may work on, at most MOST, in the order of the visits.

    codes_: these ones; else view=zone with zone=ID: all of that zone; else those given to the actor or to their teams.
    order=due: by deadline; else a short round from `from` ("lat, lon"). Those without a point come last.
    """
    found = cases.scope(actor, REPORT.name, "reports.handle").filter(open=True)
    zone = asked.get("zone", "")
    if codes_:
        found = found.filter(code__in=[codes.read(code) for code in codes_])
    elif zone.isascii() and zone.isdigit() and len(zone) < 18:
        found = found.filter(zone__in=territory.zone_tree_ids(int(zone)))
    else:
        found = found.filter(Q(assignee=actor.account) | Q(assignee=None, team__in=actor.teams))
    rows = list(found.select_related("topic", "zone").order_by("due", "id")[:MOST])
    rows = [c for c in rows if access.can(actor, "reports.handle", zone=c.zone_id, subject=c.topic.slug)]
    if asked.get("order") == "due":
        return rows
    placed = [c for c in rows if c.point]
    order = rounds.ordered(start_of(asked.get("from", "")), [_at(c) for c in placed])
    return [placed[i] for i in order] + [c for c in rows if not c.point]


def _at(case: cases.Case) -> rounds.Point:
    assert case.point is not None
    return case.point.x, case.point.y


def legs(start: rounds.Point, rows: Sequence[cases.Case]) -> list[int | None]:
    """Metres to each from the one before it that has a point."""
    here, found = start, list[int | None]()
    for case in rows:
        if case.point is None:
            found.append(None)
            continue
        found.append(round(rounds.metres(here, _at(case))))
        here = _at(case)
    return found


def whole(actor: Actor, rows: Sequence[cases.Case], start: rounds.Point) -> dict[str, Any]:
    """All that the telephone keeps, as JSON: nothing of who reported."""
    pks, now = [c.pk for c in rows], timezone.now()
    steps: dict[int, list[cases.Step]] = {}
    for step in cases.Step.objects.filter(case__in=pks).order_by("id"):
        steps.setdefault(step.case_id, []).append(step)
    photos: dict[int, list[str]] = {}
    for photo in cases.Photo.objects.filter(case__in=pks, state=cases.Photo.State.READY).order_by("id"):
        photos.setdefault(photo.case_id, []).append(reverse("photo", args=[photo.public_id, "small"]))
    ready = list(cases.ReplyTemplate.objects.filter(case_type=REPORT.name, active=True))
    return {
        "account": actor.account,
        "made": now.isoformat(),
        "start": start,
        "sketch": sketch(start, rows),
        "topics": [
            {"slug": t.slug, "name": text.pick(t.names)} for t in topics() if t.active and not any(t.stop.values())
        ],
        "districts": [{"id": z.id, "name": z.name} for z in territory.districts()],
        "cases": [
            {
                "code": c.code,
                "slip": records.slip(c, actor),
                "topic": text.pick(c.topic.names),
                "state": c.state,
                "state_title": str(REPORT.state(c.state).title),
                "words": c.text,
                "place": c.place,
                "district": c.zone.name if c.zone else "",
                "lon": c.point.x if c.point else None,
                "lat": c.point.y if c.point else None,
                "metres": leg,
                "due": c.due.isoformat() if c.due else None,
                "late": bool(c.due and c.due < now),
                "history": [
                    {"at": s.at.isoformat(), "title": str(REPORT.state(s.to_state).title) if s.to_state else "", "text": s.text}
                    for s in steps.get(c.pk, [])
                    if s.to_state or s.text
                ][-STEPS:],
                "photos": photos.get(c.pk, []),
                "transitions": [
                    {"name": t.name, "title": str(t.verb), "ask": t.ask} for t in REPORT.possible(c.state)
                ],
                "templates": [
                    {"transition": t.transition, "title": text.pick(t.titles), "text": text.pick(t.texts, c.language or None)}
                    for t in ready
                    if t.topic_id in (None, c.topic_id)
                ],
            }
            for c, leg in zip(rows, legs(start, rows), strict=True)
        ],
    }  # fmt: skip


def sketch(start: rounds.Point, rows: Sequence[cases.Case], size: int = 320) -> str:
    """An SVG of the visits in their order, the shape of the ground kept. It needs no tiles."""
    points = [start, *(_at(c) for c in rows if c.point)]
    numbers = [0, *(n for n, c in enumerate(rows, 1) if c.point)]
    west, north = min(p[0] for p in points), max(p[1] for p in points)
    wide, high = max(p[0] for p in points) - west, north - min(p[1] for p in points)
    shrink = rounds.metres((0, north), (1, north)) / rounds.metres((0, 0), (1, 0)) or 1.0
    scale = (size - 40) / (max(wide * shrink, high) or 1.0)
    spots = [(20 + (x - west) * shrink * scale, 20 + (north - y) * scale) for x, y in points]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in spots)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="{"#fff" if n else "#1f2a5c"}" stroke="#1f2a5c"/>'
        + (f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" font-size="11" font-family="sans-serif">{n}</text>' if n else "")
        for n, (x, y) in zip(numbers, spots, strict=True)
    )  # fmt: skip
    height = f"{40 + high * scale:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {height}" width="{size}" height={quoteattr(height)}>'
        f'<rect width="100%" height="100%" fill="#fff"/><polyline points="{line}" fill="none" stroke="#1f2a5c"/>{marks}</svg>'
    )
