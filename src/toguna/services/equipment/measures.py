"""What is counted of equipment, by month and district."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.assets import api as assets
from toguna.engines.indicators.api import Measure

_SERVED = """
SELECT a.zone_id, m.month::date AS month, round(sum(x.lasts) FILTER (WHERE s.state = 'service')) AS numerator, round(sum(x.lasts)) AS denominator
FROM generate_series(date_trunc('month', GREATEST(%(since)s::date, (SELECT min(at)::date FROM assets_state))), date_trunc('month', now()), '1 month') m(month)
JOIN (
    SELECT asset_id, state, at, lead(at, 1, now()) OVER (PARTITION BY asset_id ORDER BY at, id) AS gone FROM assets_state
) s ON s.at < m.month + interval '1 month' AND s.gone > m.month AND s.state <> 'retired'
JOIN assets_asset a ON a.id = s.asset_id
CROSS JOIN LATERAL (SELECT GREATEST(0, extract(epoch FROM LEAST(s.gone, m.month + interval '1 month', now()) - GREATEST(s.at, m.month))) AS lasts) x
GROUP BY 1, 2
"""

_COST_KM = """
SELECT a.zone_id, x.month, sum(x.cost)::float8 AS numerator, sum(x.km)::float8 AS denominator FROM (
    SELECT asset_id, date_trunc('month', at)::date AS month, price AS cost, 0.0 AS km FROM assets_fill WHERE NOT struck AND at >= %(since)s
    UNION ALL
    SELECT asset_id, date_trunc('month', closed)::date, parts + other, 0.0 FROM assets_order WHERE state = 'done' AND closed >= %(since)s
    UNION ALL
    SELECT asset_id, date_trunc('month', at)::date, 0, gone / 1000.0 FROM (
        SELECT asset_id, at, CASE WHEN source = 'changed' THEN 0
            ELSE GREATEST(0, metres - lag(metres) OVER (PARTITION BY asset_id ORDER BY at, id)) END AS gone
        FROM assets_reading WHERE metres IS NOT NULL
    ) r WHERE at >= %(since)s AND gone > 0
) x JOIN assets_asset a ON a.id = x.asset_id AND a.kind = 'vehicle' GROUP BY 1, 2
"""

MEASURES = (
    Measure(
        "equipment-served",
        _("Equipment in service"),
        _("Of all the hours of the month, the share in which equipment could be used: neither broken down nor in upkeep. What is retired is left out."),
        _SERVED,
        kind="ratio",
        unit="%",
        better="up",
        order=300,
        icon="repair",
    ),
    Measure(
        "equipment-breakdowns",
        _("Breakdowns of equipment"),
        _("How many times equipment broke down in the month."),
        "SELECT a.zone_id, date_trunc('month', s.at)::date AS month, count(*) AS numerator, 0 AS denominator FROM assets_state s"
        " JOIN assets_asset a ON a.id = s.asset_id WHERE s.state = 'broken' AND s.at >= %(since)s GROUP BY 1, 2",
        better="down",
        order=305,
        icon="warn",
    ),
    Measure(
        "equipment-fuel",
        _("Fuel of the town"),
        _("Litres that were put in vehicles and machines in the month; fills that were mistakes are left out."),
        "SELECT a.zone_id, date_trunc('month', f.at)::date AS month, round(sum(f.volume) / 1000.0) AS numerator, 0 AS denominator"
        " FROM assets_fill f JOIN assets_asset a ON a.id = f.asset_id WHERE NOT f.struck AND f.at >= %(since)s GROUP BY 1, 2",
        unit="l",
        order=310,
        icon="fuel",
    ),
    Measure(
        "equipment-cost-km",
        _("Cost of a kilometre"),
        _("Fuel, repairs and parts of the town's vehicles in the month, for a kilometre of their meters, in the smallest coin."),
        _COST_KM,
        kind="mean",
        unit=_("a kilometre"),
        better="down",
        permission=assets.READ,
        order=315,
        icon="bus",
    ),
)  # fmt: skip
