"""What is counted of rounds, by month: what plans save, whether trucks come when it was said, and whom they reach."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators.api import Measure

# The plan beside the same bins in their present order: what is saved is saved by order and choice of truck alone, and only where it was
# driven: of a day's saving, the part of its metres that are of rounds that were begun.
_SAVED = """
SELECT NULL::bigint AS zone_id, date_trunc('month', day)::date AS month,
    sum(((figures->'present'->'same'->>'{what}')::numeric - (figures->'plan'->>'{what}')::numeric) * r.driven) AS numerator, 0 AS denominator
FROM waste_day_plan d CROSS JOIN LATERAL (
    SELECT sum(metres) FILTER (WHERE started IS NOT NULL)::numeric / NULLIF(sum(metres), 0) AS driven FROM waste_round WHERE plan_id = d.id
) r WHERE r.driven > 0 AND state = 'published' AND figures->'present' ? 'same' AND day >= %(since)s GROUP BY 2
"""


def _saved(name: str, title: object, what: str, unit: object, order: int) -> Measure:
    return Measure(
        name, title, _("Rounds that were driven: the same bins in their present order, less the plan, both on the same roads."),
        _SAVED.format(what=what), unit=unit, better="up", order=order, icon="bus",
    )  # fmt: skip


MEASURES = (
    _saved("waste-km-saved", _("Kilometres saved by planned rounds"), "km", _("km"), 310),
    _saved("waste-litres-saved", _("Fuel saved by planned rounds"), "litres", _("litres"), 311),
    _saved("waste-co2-saved", _("CO2 saved by planned rounds"), "co2", _("kg"), 312),
    Measure(
        "waste-on-time", _("Stops on time"), _("Of the stops that were done, the share done within 30 minutes of the planned hour."),
        """
        SELECT p.zone_id, date_trunc('month', d.day)::date AS month,
            count(*) FILTER (WHERE v.at <= v.leaves + interval '30 minutes') AS numerator, count(*) AS denominator
        FROM waste_visit v JOIN waste_round r ON r.id = v.round_id JOIN waste_day_plan d ON d.id = r.plan_id JOIN waste_place p ON p.id = v.place_id
        WHERE d.state = 'published' AND v.kind = 'stop' AND v.state = 'done' AND d.day >= %(since)s GROUP BY 1, 2
        """,
        kind="ratio", unit="%", better="up", order=313, icon="clock",
    ),
    Measure(
        "waste-stops-done", _("Planned stops served"), _("Of the stops of published rounds, the share where the crew did the work."),
        """
        SELECT p.zone_id, date_trunc('month', d.day)::date AS month,
            count(*) FILTER (WHERE v.state = 'done') AS numerator, count(*) AS denominator
        FROM waste_visit v JOIN waste_round r ON r.id = v.round_id JOIN waste_day_plan d ON d.id = r.plan_id JOIN waste_place p ON p.id = v.place_id
        WHERE d.state = 'published' AND v.kind = 'stop' AND d.day < CURRENT_DATE AND d.day >= %(since)s GROUP BY 1, 2
        """,
        kind="ratio", unit="%", better="up", order=314, icon="check",
    ),
)  # fmt: skip
