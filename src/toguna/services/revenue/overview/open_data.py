"""What is published of taxes: sums of at least five payers, no one's own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.api import Column, Dataset

COLLECTED = Dataset(
    "taxes-collected",
    _("Taxes and fees collected"),
    _(
        "What was paid by month, by kind of tax and by district, in the smallest unit of the currency. Where fewer than five paid, the"
        " district is left out; where that is still fewer than five, the line is."
    ),
    "ODbL-1.0",
    (
        Column("month", "date", _("First day of the month")),
        Column("base", "string", _("Kind of tax")),
        Column("district", "string", _("District, empty where too few paid")),
        Column("currency", "string", _("Currency")),
        Column("payments", "integer", _("Payments")),
        Column("amount", "integer", _("Amount, smallest unit")),
    ),
    """
    WITH each AS (
        SELECT date_trunc('month', p.at)::date AS month, k.slug AS base, z.name AS district, p.currency, p.id, b.payer_id, s.amount
        FROM ledger_payment p JOIN ledger_share s ON s.payment_id = p.id JOIN ledger_bill b ON b.id = s.bill_id AND b.about_kind = 'taxed'
        JOIN revenue_taxed t ON t.code = b.about JOIN revenue_base k ON k.id = t.base_id LEFT JOIN territory_zone z ON z.id = t.zone_id
        WHERE p.void = ''
    ), few AS (
        SELECT month, base, district, currency FROM each GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT payer_id) < 5
    ), merged AS (
        SELECT e.month, e.base, CASE WHEN f.month IS NULL THEN e.district END AS district, e.currency, e.id, e.payer_id, e.amount
        FROM each e LEFT JOIN few f ON f.month = e.month AND f.base = e.base AND f.district IS NOT DISTINCT FROM e.district AND f.currency = e.currency
    )
    SELECT month, base, district, currency, count(DISTINCT id)::int AS payments, sum(amount)::bigint AS amount
    FROM merged GROUP BY 1, 2, 3, 4 HAVING count(DISTINCT payer_id) >= 5 ORDER BY 1, 2, 3, 4
    """,
    keywords=("taxes", "recettes", "impostos"),
    version="SELECT concat((SELECT max(id) FROM ledger_payment), '-', (SELECT count(*) FROM ledger_payment WHERE void <> ''))",
)
