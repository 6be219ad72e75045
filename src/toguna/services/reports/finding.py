"""Which reports a list shows: the same filters on the web, in the back office and in the API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel import codes, text
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topic, topics


def narrowed(found: QuerySet[cases.Case], asked: Mapping[str, str]) -> QuerySet[cases.Case]:
    """state: a state's name or "open"; topic: a category's slug; zone: an id, with all inside it; code: as typed.

    What is not understood is left out: a filter never breaks a page.
    """
    state = asked.get("state", "")
    if state in {s.name for s in REPORT.states}:
        found = found.filter(state=state)
    elif state == "open":
        found = found.filter(open=True)
    if (chosen := topic(asked.get("topic", ""))) is not None:
        found = found.filter(topic=chosen.pk)
    zone = asked.get("zone", "")
    if zone.isascii() and zone.isdigit() and len(zone) < 18:
        found = found.filter(zone__in=territory.zone_tree_ids(int(zone)))
    if code := codes.read(asked.get("code", "")):
        found = found.filter(code=code)
    return found


def public(asked: Mapping[str, str]) -> QuerySet[cases.Case]:
    """Public reports that fit."""
    return narrowed(cases.Case.objects.filter(type=REPORT.name, public=True), asked)


def points(rows: Iterable[tuple[cases.Case, cases.State]], *, links: bool = False) -> str:
    """The reports of a page for the map beside it, as JSON; "" when none has a point. links: on a page of another address
    than theirs."""
    found = [
        {"lon": c.point.x, "lat": c.point.y, "code": c.code, "title": text.pick(c.topic.names), "kind": state.kind}
        | ({"url": reverse("report", args=[c.code])} if links else {})
        for c, state in rows
        if c.point and not c.anonymised  # only where it was about
    ]
    return json.dumps(found) if found else ""


def choices() -> dict[str, Any]:
    districts = territory.districts()
    return {
        "topics": topics(),
        "districts": districts,
        "states": REPORT.states,
        "topic_options": [(t.slug, text.pick(t.names)) for t in topics()],
        "district_options": [(zone.id, zone.name) for zone in districts],
    }
