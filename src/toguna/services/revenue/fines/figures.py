"""What is counted of infractions, by zone and month, and where they were."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators.api import Measure
from toguna.engines.territory.api import TileLayer
from toguna.services.revenue.fines.reads import READ

MEASURES = (
    Measure(
        "fines",
        _("Tickets"),
        _("Infractions written up in the month, without those that were cancelled."),
        """SELECT zone_id, date_trunc('month', at)::date AS month, count(*) AS numerator, 0 AS denominator
        FROM revenue_ticket WHERE state <> 'cancelled' AND at >= %(since)s GROUP BY 1, 2""",
        order=250,
        icon="warn",
    ),
    Measure(
        "fines-paid",
        _("Tickets paid"),
        _("Of the tickets of the month, the share that is paid by now. Cancelled ones are not counted."),
        """SELECT t.zone_id, date_trunc('month', t.at)::date AS month, count(*) FILTER (WHERE b.state = 'paid') AS numerator, count(*) AS denominator
        FROM revenue_ticket t JOIN ledger_bill b ON b.id = t.bill_id
        WHERE t.state <> 'cancelled' AND t.at >= %(since)s GROUP BY 1, 2""",
        kind="ratio",
        better="up",
        order=255,
        icon="check",
        settles=6,
    ),
)

_STATE = "CASE WHEN b.state = 'paid' THEN 'paid' WHEN t.due < current_date THEN 'late' ELSE 'open' END"
_FROM = "FROM revenue_ticket t JOIN ledger_bill b ON b.id = t.bill_id WHERE t.state <> 'cancelled' AND t.point && {bounds} AND {reach:t.zone_id}"
INFRACTIONS = TileLayer(
    "fines",
    _("Infractions"),
    raw=f"SELECT t.number, t.words AS name, '/desk/fines/ticket/' || t.number AS url, {_STATE} AS state, t.point AS geom {_FROM}",
    grouped=f"SELECT count(*)::int AS n, {_STATE} AS state, ST_Centroid(ST_Collect(t.point)) AS geom {_FROM}"
    " GROUP BY floor(ST_X(t.point) / {cell}), floor(ST_Y(t.point) / {cell}), 2",
    version="SELECT concat((SELECT max(id) FROM revenue_ticket), '-', (SELECT max(id) FROM ledger_payment), '-', current_date)",
    icon="warn",
    permission=READ,
)
