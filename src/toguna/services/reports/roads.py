"""Reports of a road that cannot be passed, and works that take one: an officer confirms, then routes avoid it until the report is settled or
the work has ended."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel import access, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.reports.casetype import REPORT

BLOCKING = ("road-obstruction", "fallen-tree", "flooding")
DUG = ("pothole", "broken-pipe", "blocked-drain")  # whose work, once it has started, may take the road
MOST = 100


def _source(case: int, works: bool = False) -> str:
    """Apart: what blocked a road may be over, and the work on it begin."""
    return f"reports:{case}:works" if works else f"reports:{case}"


def said(actor: Actor) -> list[territory.Blocked]:
    """Open reports whose kind may block a road, and works on a road that have started, where this person may see them."""
    rows = cases.Case.objects.select_related("topic").filter(type=REPORT.name, open=True, point__isnull=False)
    blocking = rows.filter(topic__slug__in=BLOCKING).order_by("-created")[:MOST]
    works = rows.filter(topic__slug__in=(*DUG, *BLOCKING), state="started").order_by("-updated")[:MOST]
    return [
        *(_blocked(row, row.created, "flood" if row.topic.slug == "flooding" else "obstacle") for row in blocking if _sees(actor, row)),
        *(_blocked(row, row.updated, "works") for row in works if _sees(actor, row)),
    ]  # fmt: skip


def _sees(actor: Actor, row: cases.Case) -> bool:
    return access.can(actor, "reports.read", zone=row.zone_id, subject=row.topic.slug)


def _blocked(row: cases.Case, at: datetime, reason: str) -> territory.Blocked:
    assert row.point is not None
    works = reason == "works"
    what = _("Works: %(what)s") % {"what": text.pick(row.topic.names)} if works else text.pick(row.topic.names)
    return territory.Blocked(
        _source(row.pk, works), row.point, f"{what}, {row.place}" if row.place else what, at, row.zone_id,
        reverse("desk-report", args=[row.code]), reason,
    )  # fmt: skip


ROADS = territory.BlockedRoads("reports", said)


def on_moved(event: cases.CaseMoved) -> None:
    """Settled: the road that was closed for it is open again; the work has ended: the road is whole. Opened again, it is proposed anew to
    nobody: an officer closes by hand."""
    if event.type != REPORT.name:
        return
    row = cases.Case.objects.filter(pk=event.case).only("open", "state").first()
    if row is None or not row.open:
        territory.open_road(_source(event.case), by=SYSTEM)
    if row is None or not row.open or row.state != "started":
        territory.open_road(_source(event.case, works=True), by=SYSTEM)
