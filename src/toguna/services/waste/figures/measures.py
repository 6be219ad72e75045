"""What is counted of waste, by district and month."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators.api import Measure

_DONE = """
SELECT zone_id, date_trunc('month', closed)::date AS month, {numerator} AS numerator, {denominator} AS denominator
FROM waste_pickup WHERE state = 'done' AND closed >= %(since)s GROUP BY 1, 2
"""
# What rounds that began cost, as their plan reckons it (`making.money`): the planned kilometres, the hours as they were driven where the round has
# ended. Shared among the districts by their stops; a round whose stops are in none is the town's. What of it is written on reports that it fetched
# (`driving._share`, at the very moment of the stop) is a work of those, and left out here.
_ROUNDS = """
SELECT s.zone_id, date_trunc('month', d.day)::date AS month,
    (t.cost_day + t.cost_km * r.metres / 1000.0 + t.cost_hour * extract(epoch FROM COALESCE(r.ended - r.started, r.returns - r.departs)) / 3600.0 - w.cost)::float
        * COALESCE(s.stops / sum(s.stops) OVER (PARTITION BY r.id), 1) AS cost
FROM waste_round r JOIN waste_day_plan d ON d.id = r.plan_id JOIN waste_truck t ON t.id = r.truck_id
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(w.cost), 0) AS cost, COALESCE(array_agg(v.id), '{}') AS visits FROM waste_visit v
    JOIN waste_call c ON c.id = v.call_id JOIN cases_work w ON w.case_id = c.case AND w.at = v.at AND w.account IS NULL
    WHERE v.round_id = r.id AND v.state = 'done'
) w
LEFT JOIN LATERAL (
    SELECT COALESCE(p.zone_id, c.zone_id) AS zone_id, count(*)::float AS stops FROM waste_visit v
    LEFT JOIN waste_place p ON p.id = v.place_id LEFT JOIN waste_call c ON c.id = v.call_id
    WHERE v.round_id = r.id AND v.kind = 'stop' AND v.id <> ALL (w.visits) GROUP BY 1
) s ON true
WHERE d.state = 'published' AND r.started IS NOT NULL AND d.day >= %(since)s
"""
NEAR_M = 250  # metres that one walks with a bag

MEASURES = (
    Measure(
        "waste-orders",
        _("Pick-ups ordered"),
        _("Every pick-up at a door that was ordered in the month, by whatever channel, with those of subscriptions."),
        "SELECT zone_id, date_trunc('month', created)::date AS month, count(*) AS numerator, 0 AS denominator FROM waste_pickup"
        " WHERE created >= %(since)s GROUP BY 1, 2",
        order=200,
        icon="full-bin",
    ),
    Measure(
        "waste-households",
        _("Households served"),
        _("Households at whose door something was fetched in the month, each once."),
        _DONE.format(numerator="count(DISTINCT household_id)", denominator="0"),
        better="up",
        order=205,
        icon="home",
    ),
    Measure(
        "waste-served",
        _("Pick-ups that were done"),
        _(
            "Of the pick-ups whose hour was in the month, the share that was done. Those that the household cancelled are not counted."
        ),
        "SELECT zone_id, date_trunc('month', start)::date AS month, count(*) FILTER (WHERE state = 'done') AS numerator,"
        " count(*) FILTER (WHERE state <> 'cancelled') AS denominator FROM waste_pickup WHERE start >= %(since)s AND start < now() GROUP BY 1, 2",
        kind="ratio",
        unit="%",
        better="up",
        order=210,
        icon="check",
    ),
    Measure(
        "waste-rating",
        _("What households think of pick-ups"),
        _("Mean of the stars, 1 to 5, that households gave to the pick-ups done in the month."),
        _DONE.format(numerator="COALESCE(sum(stars), 0)", denominator="count(stars)"),
        kind="mean",
        unit=_("of 5"),
        better="up",
        order=215,
        icon="person",
    ),
    Measure(
        "waste-sorted",
        _("Sorted by households"),
        _("Kilogrammes that households sorted and brought to a sorting point, or to a scale, in the month."),
        "SELECT zone_id, date_trunc('month', at)::date AS month, round(sum(grammes) / 1000.0) AS numerator, 0 AS denominator"
        " FROM waste_point_entry WHERE grammes > 0 AND at >= %(since)s GROUP BY 1, 2",
        unit="kg",
        better="up",
        order=220,
        icon="waste-pile",
    ),
    Measure(
        "waste-weighed",
        _("Waste weighed"),
        _(
            "Tonnes that the town's scales weighed in the month, of households and of trucks; refused readings are left out."
        ),
        "SELECT zone_id, date_trunc('month', at)::date AS month, sum(grammes) / 1000000.0 AS numerator, 0 AS denominator"
        " FROM waste_weighing WHERE why = '' AND at >= %(since)s GROUP BY 1, 2",
        unit="t",
        order=225,
        icon="figures",
    ),
    Measure(
        "waste-cost-tonne",
        _("Cost of a tonne"),
        _(
            "What pre-collectors earned, what rounds of trucks cost (kilometres, hours, days) and what cleaning wild dumps cost in the month, for a tonne that was weighed, in the smallest coin."
        ),
        f"""
        SELECT zone_id, month, sum(cost) AS numerator, sum(tonnes) AS denominator FROM (
            SELECT zone_id, date_trunc('month', closed)::date AS month, earned::float AS cost, 0.0 AS tonnes FROM waste_pickup
            WHERE state = 'done' AND closed >= %(since)s
            UNION ALL
            SELECT c.zone_id, date_trunc('month', w.at)::date, w.cost::float, 0.0 FROM cases_work w JOIN cases_case c ON c.id = w.case_id
            JOIN cases_topic t ON t.id = c.topic_id WHERE c.type = 'reports' AND t.slug = 'waste-pile' AND w.at >= %(since)s
            UNION ALL
            SELECT zone_id, month, cost, 0.0 FROM ({_ROUNDS}) driven
            UNION ALL
            SELECT zone_id, date_trunc('month', at)::date, 0.0, grammes / 1000000.0 FROM waste_weighing WHERE why = '' AND at >= %(since)s
        ) x GROUP BY 1, 2
        """,
        kind="mean",
        unit=_("a tonne"),
        better="down",
        order=230,
        icon="figures",
    ),
    Measure(
        "waste-recovery",
        _("Fees of waste that were paid"),
        _("Of what was billed in the month for pick-ups, subscriptions and weighings, the share that is paid by now."),
        """
        SELECT h.zone_id, date_trunc('month', b.issued)::date AS month, sum(b.paid) AS numerator, sum(b.amount) AS denominator
        FROM ledger_bill b LEFT JOIN LATERAL (SELECT zone_id FROM waste_household h WHERE h.payer_id = b.payer_id ORDER BY h.id LIMIT 1) h ON true
        WHERE b.about_kind = 'waste' AND b.state IN ('open', 'paid') AND b.issued >= %(since)s GROUP BY 1, 2
        """,
        kind="ratio",
        unit="%",
        better="up",
        order=235,
        icon="check",
        settles=1,
    ),
    Measure(
        "waste-near",
        _("Homes near a bin"),
        _("Of all buildings, the share with a bin or a collection point in use within 250 metres, as it is now."),
        f"""
        SELECT z.id AS zone_id, date_trunc('month', now())::date AS month, count(*) FILTER (WHERE near.yes) AS numerator, count(*) AS denominator
        FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
        CROSS JOIN LATERAL (SELECT ST_PointOnSurface(f.geom) AS point) p
        JOIN LATERAL (SELECT z.id FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, p.point) ORDER BY z.level DESC, z.id LIMIT 1) z ON true
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM waste_place w WHERE w.kind IN ('bin', 'point') AND w.state = 'open'
            AND w.point && ST_Expand(p.point, {NEAR_M / 111_000 * 1.2:.6f}) AND ST_DWithin(w.point::geography, p.point::geography, {NEAR_M})) AS yes) near
        WHERE l.slug = 'buildings' AND f.valid_to IS NULL AND date_trunc('month', now()) >= date_trunc('month', %(since)s::date) GROUP BY 1, 2
        """,
        kind="ratio",
        unit="%",
        better="up",
        order=240,
        icon="pin",
    ),
    Measure(
        "waste-places",
        _("Places put on the map"),
        _("Bins, points, buyers and other places that were added to the register in the month."),
        "SELECT zone_id, date_trunc('month', created)::date AS month, count(*) AS numerator, 0 AS denominator FROM waste_place"
        " WHERE created >= %(since)s GROUP BY 1, 2",
        order=245,
        icon="pin",
    ),
)
