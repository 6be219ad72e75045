"""Reports of a road that cannot be passed: an officer confirms, then routes avoid it until the report is settled."""

from __future__ import annotations

from django.urls import reverse

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel import access, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.reports.casetype import REPORT

BLOCKING = ("road-obstruction", "fallen-tree", "flooding")
MOST = 100


def _source(case: int) -> str:
    return f"reports:{case}"


def said(actor: Actor) -> list[territory.Blocked]:
    """Open reports whose kind may block a road, where this person may see them."""
    rows = cases.Case.objects.select_related("topic").filter(
        type=REPORT.name, open=True, topic__slug__in=BLOCKING, point__isnull=False
    )
    return [
        territory.Blocked(
            _source(row.pk), row.point, f"{text.pick(row.topic.names)}, {row.place}" if row.place else text.pick(row.topic.names), row.created,
            row.zone_id, reverse("desk-report", args=[row.code]), "flood" if row.topic.slug == "flooding" else "obstacle",
        )
        for row in rows.order_by("-created")[:MOST]
        if row.point is not None and access.can(actor, "reports.read", zone=row.zone_id, subject=row.topic.slug)
    ]  # fmt: skip


ROADS = territory.BlockedRoads("reports", said)


def on_moved(event: cases.CaseMoved) -> None:
    """Settled: the road that was closed for it is open again. Opened again, it is proposed anew to nobody: an officer closes by hand."""
    if event.type == REPORT.name and not cases.Case.objects.filter(pk=event.case, open=True).exists():
        territory.open_road(_source(event.case), by=SYSTEM)
