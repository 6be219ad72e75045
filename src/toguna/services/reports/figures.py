"""What is counted of reports, by district and month of the day on which they were opened."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators.api import Measure

_BY = """
SELECT zone_id, date_trunc('month', created)::date AS month, {numerator} AS numerator, {denominator} AS denominator
FROM cases_case WHERE type = 'reports' AND created >= %(since)s GROUP BY 1, 2
"""


def _query(numerator: str, denominator: str = "0") -> str:
    return _BY.format(numerator=numerator, denominator=denominator)


MEASURES = (
    Measure(
        "reports-opened",
        _("Reports received"),
        _("Every report of the month, by whatever channel, the private ones too."),
        _query("count(*)"),
        order=10,
        icon="report",
    ),
    Measure(
        "reports-solved",
        _("Reports solved"),
        _("Of the reports received in the month, the share that is solved by now. Those refused are not counted."),
        _query("count(*) FILTER (WHERE state = 'solved')", "count(*) FILTER (WHERE state <> 'refused')"),
        kind="ratio",
        unit="%",
        better="up",
        order=20,
        icon="check",
        settles=2,  # most are solved within three months; the newer ones would make every trend look bad
    ),
    Measure(
        "reports-in-time",
        _("Solved in time"),
        _(
            "Of the reports received in the month and solved by now, the share that was solved before the deadline of its category."
        ),
        _query(
            "count(*) FILTER (WHERE state = 'solved' AND closed <= due)", "count(*) FILTER (WHERE state = 'solved')"
        ),
        kind="ratio",
        unit="%",
        better="up",
        order=30,
        icon="clock",
        settles=2,
    ),
    Measure(
        "reports-days",
        _("Days until solved"),
        _(
            "Mean number of days from the report to its solution, for the reports received in the month and solved by now."
        ),
        _query(
            "COALESCE(sum(extract(epoch FROM closed - created) / 86400) FILTER (WHERE state = 'solved'), 0)",
            "count(*) FILTER (WHERE state = 'solved')",
        ),
        kind="mean",
        unit=_("days"),
        better="down",
        order=40,
        icon="calendar",
        settles=2,
    ),
)
