"""Equipment as open data: what the town has and in what state, and what it costs by month. Nothing of who drives it or where it stands."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.api import Column, Dataset

REGISTER = Dataset(
    "equipment",
    _("Equipment of the town"),
    _("Vehicles, pumps, generators, computers and other equipment of the town: kind, age, and whether it serves. Number plates and places are left out."),
    "ODbL-1.0",
    (
        Column("code", "string", _("Code on its label")),
        Column("kind", "string", _("Kind: vehicle, machine, pump, generator, bin, computer, furniture, tool or other")),
        Column("name", "string", _("Name")),
        Column("maker", "string", _("Maker and model")),
        Column("unit", "string", _("Department that has it")),
        Column("state", "string", _("State: service, broken, upkeep or retired")),
        Column("since", "datetime", _("In this state since")),
        Column("bought", "date", _("Bought on")),
        Column("district", "string", _("District")),
    ),
    """
    SELECT a.code, a.kind, a.name, a.maker, a.unit, a.state, a.since, a.bought, z.name AS district
    FROM assets_asset a LEFT JOIN territory_zone z ON z.id = a.zone_id WHERE a.public ORDER BY a.id
    """,
    keywords=("équipement", "equipment", "vehicles", "véhicules"),
    version="SELECT concat(count(*), '-', max(changed)) FROM assets_asset",
)  # fmt: skip

COSTS = Dataset(
    "equipment-costs",
    _("What equipment costs"),
    _("Fuel and repairs of the town's equipment by month and kind of equipment, in the smallest coin."),
    "ODbL-1.0",
    (
        Column("month", "date", _("Month")),
        Column("kind", "string", _("Kind: vehicle, machine, pump, generator, bin, computer, furniture, tool or other")),
        Column("litres", "integer", _("Litres of fuel")),
        Column("fuel", "integer", _("Cost of fuel")),
        Column("work", "integer", _("Cost of repairs and parts")),
    ),
    """
    SELECT x.month, a.kind, round(sum(x.ml) / 1000.0)::bigint AS litres, sum(x.fuel)::bigint AS fuel, sum(x.work)::bigint AS work FROM (
        SELECT asset_id, date_trunc('month', at)::date AS month, volume AS ml, price AS fuel, 0 AS work FROM assets_fill WHERE NOT struck
        UNION ALL
        SELECT asset_id, date_trunc('month', closed)::date, 0, 0, parts + other FROM assets_order WHERE state = 'done'
    ) x JOIN assets_asset a ON a.id = x.asset_id WHERE a.public GROUP BY 1, 2 ORDER BY 1, 2
    """,
    keywords=("carburant", "fuel", "entretien", "upkeep"),
    version="SELECT concat((SELECT concat(count(*), '-', count(*) FILTER (WHERE struck)) FROM assets_fill), '-',"
    " (SELECT concat(count(*), '-', max(closed)) FROM assets_order WHERE state = 'done'))",
)  # fmt: skip
