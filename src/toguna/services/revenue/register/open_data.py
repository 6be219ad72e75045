"""What is published of the register: how much is taxed where, never whose it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.api import Column, Dataset

FEWEST = 5  # a smaller number could point at somebody

REGISTER = Dataset(
    "taxed",
    _("What is taxed in the town"),
    _("How many stalls, houses, licences and signs are in the register, by tax and district. Numbers under five are left out: they could point at somebody."),
    "ODbL-1.0",
    (
        Column("tax", "string", _("Tax")),
        Column("title", "string", _("Its name in French")),
        Column("district", "string", _("District")),
        Column("count", "integer", _("Things taxed")),
        Column("seen", "integer", _("Of which the town has seen")),
        Column("surface", "number", _("Surface in all, m²")),
    ),
    f"""
    SELECT b.slug AS tax, COALESCE(b.titles ->> 'fr', b.slug) AS title, z.name AS district, count(*)::int AS count,
        count(*) FILTER (WHERE t.state = 'seen')::int AS seen,
        round(sum(CASE WHEN t.measures ->> 'm2' ~ '^[0-9.]+$' THEN (t.measures ->> 'm2')::numeric ELSE 0 END), 1)::float8 AS surface
    FROM revenue_taxed t JOIN revenue_base b ON b.id = t.base_id JOIN territory_zone z ON z.id = t.zone_id
    WHERE t.state <> 'gone' GROUP BY b.slug, b.titles, z.id, z.name HAVING count(*) >= {FEWEST} ORDER BY b.slug, z.name
    """,
    keywords=("taxes", "fiscalité", "register"),
    version="SELECT COALESCE(max(pgh_id), 0) FROM revenue_taxedevent",
)  # fmt: skip
