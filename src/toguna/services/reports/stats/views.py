"""What became of reports: by month, district and category, for everyone; and the same to take away as CSV.

All of it from the counts that the database keeps, so that two years of a million reports are read in some milliseconds.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.indicators.api import charts
from toguna.engines.territory import api as territory
from toguna.kernel import text
from toguna.kernel.tables import safe
from toguna.kernel.web import public
from toguna.services.reports import finding
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk.lists import CHANNELS
from toguna.services.reports.topics import topic, topics

PERIODS = {"3": 3, "6": 6, "12": 12, "24": 24, "60": 60}
DONE = tuple(s.name for s in REPORT.states if s.kind == "done")
REFUSED = tuple(s.name for s in REPORT.states if s.kind == "refused")


def months(count: int, until: date) -> list[date]:
    """That many firsts of months, the last being that of `until`."""
    last = until.year * 12 + until.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(last - count + 1, last + 1)]


class Asked:
    """What the address asks for: a period in months, a district, a category. What is not understood is left out."""

    def __init__(self, request: HttpRequest) -> None:
        given = request.GET
        self.period = given.get("period", "24") if given.get("period") in PERIODS else "24"
        self.months = months(PERIODS[self.period], timezone.localdate())
        number = given.get("zone", "")
        self.zone = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else None
        self.topic = topic(given.get("topic", ""))

    def rows(self, by: str) -> list[cases.Row]:
        following = months(
            2, date(self.months[-1].year + self.months[-1].month // 12, self.months[-1].month % 12 + 1, 1)
        )
        return cases.counts(
            REPORT.name,
            by,
            since=self.months[0],
            until=following[-1],
            done=DONE,
            refused=REFUSED,
            zones=sorted(territory.zone_tree_ids(self.zone)) if self.zone is not None else None,
            topics=[self.topic.pk] if self.topic is not None else None,
        )


def _named(rows: list[cases.Row], names: dict[Any, str]) -> list[tuple[str, cases.Row]]:
    found = [(names.get(row.key, _("Not known")), row) for row in rows]
    return sorted(found, key=lambda pair: (-pair[1].received, pair[0]))


@public
def stats(request: HttpRequest) -> HttpResponse:
    """/reports/stats/?period=24&zone=&topic=; format=csv gives the tables as one file."""
    asked = Asked(request)
    by_month = {row.key: row for row in asked.rows("month")}
    whole = next(iter(asked.rows("")), None)
    zones = _named(asked.rows("zone"), {z.id: z.name for z in territory.zones()})
    kinds = _named(asked.rows("topic"), {t.pk: text.pick(t.names) for t in topics()})
    if request.GET.get("format") == "csv":
        return _csv(asked, by_month, zones, kinds)
    received = [by_month[m].received if m in by_month else 0 for m in asked.months]
    solved = [by_month[m].solved if m in by_month else 0 for m in asked.months]
    settled = [True] * (len(asked.months) - 1) + [False]  # the month that is not over
    names = {**{k: str(v) for k, v in CHANNELS.items()}}
    values = {
        **finding.choices(),
        "asked": asked,
        "periods": [(p, _("%(n)d months") % {"n": n}) for p, n in PERIODS.items()],
        "whole": whole,
        "received": charts.columns(asked.months, [float(n) for n in received], settled, title=_("Reports received")),
        "solved": charts.columns(asked.months, [float(n) for n in solved], settled, title=_("Of these, solved by now")),
        "by_month": [(charts.month_name(m), by_month[m]) for m in reversed(asked.months) if m in by_month],
        "tables": [
            (
                _("By district"),
                _("District"),
                [(n, r, charts.share(r.received, zones[0][1].received)) for n, r in zones],
            ),
            (
                _("By category"),
                _("Category"),
                [(n, r, charts.share(r.received, kinds[0][1].received)) for n, r in kinds],
            ),
        ],
        "channels": [
            (names.get(c, c), n)
            for c, n in cases.counts_by_channel(REPORT.name, since=asked.months[0], until=date(9999, 1, 1))
        ],
    }
    return render(request, "reports/stats.html", values)


def _csv(asked: Asked, by_month: dict[Any, cases.Row], *tables: list[tuple[str, cases.Row]]) -> HttpResponse:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["by", "name", "received", "open", "solved", "refused", "in_time_percent", "median_days", "p90_days"]
    )
    named = [("month", [(m.isoformat()[:7], by_month[m]) for m in asked.months if m in by_month])]
    named += list(zip(("district", "category"), tables, strict=True))
    for by, rows in named:
        for name, r in rows:
            writer.writerow([by, safe(name), r.received, r.open, r.solved, r.refused, r.in_time, r.median, r.ninetieth])
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="reports-statistics.csv"'
    return response
