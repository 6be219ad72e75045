"""What is counted of taxes, by zone and month."""

from __future__ import annotations

from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators.api import Measure
from toguna.engines.ledger import api as ledger
from toguna.kernel import money, town

_ONE = 10 ** money.exponent(town.current().currency)
_PAID = """FROM ledger_payment p JOIN ledger_share s ON s.payment_id = p.id JOIN ledger_bill b ON b.id = s.bill_id AND b.about_kind = 'taxed'
JOIN revenue_taxed t ON t.code = b.about WHERE p.void = '' AND p.at >= %(since)s"""
_AT_DESKS = "('cash', 'bank', 'cheque', 'card')"


def _collected(numerator: str, denominator: str = "0") -> str:
    return f"SELECT t.zone_id, date_trunc('month', p.at)::date AS month, {numerator} AS numerator, {denominator} AS denominator {_PAID} GROUP BY 1, 2"


MEASURES = (
    Measure(
        "revenue-collected",
        _("Taxes and fees collected"),
        _("What was paid in the month for what is in the register of taxpayers, by whatever way."),
        _collected(f"sum(s.amount)::float / {_ONE}"),
        unit=lazystr(town.current().currency),
        better="up",
        order=200,
        icon="bank",
    ),
    Measure(
        "revenue-cash",
        _("Collected in cash"),
        _("Of what was collected in the month, what came in cash, to a counter or a collector."),
        _collected(f"COALESCE(sum(s.amount) FILTER (WHERE p.method = 'cash'), 0)::float / {_ONE}"),
        unit=lazystr(town.current().currency),
        order=205,
        icon="bank",
        permission="revenue.read",
    ),
    Measure(
        "revenue-mobile",
        _("Paid by telephone"),
        _("Of what was collected in the month, the share that came by mobile money."),
        _collected(f"COALESCE(sum(s.amount) FILTER (WHERE p.method NOT IN {_AT_DESKS}), 0)", "sum(s.amount)"),
        kind="ratio",
        better="up",
        order=210,
        icon="phone",
    ),
    Measure(
        "revenue-recovery",
        _("Bills paid"),
        _("Of what was billed in the month, the share that is paid by now. Bills that were cancelled are not counted."),
        """SELECT t.zone_id, date_trunc('month', b.issued)::date AS month, sum(b.paid) AS numerator, sum(b.amount) AS denominator
        FROM ledger_bill b JOIN revenue_taxed t ON t.code = b.about
        WHERE b.about_kind = 'taxed' AND b.state <> 'cancelled' AND b.issued >= %(since)s GROUP BY 1, 2""",
        kind="ratio",
        better="up",
        order=220,
        icon="check",
        settles=6,
    ),
    Measure(
        "revenue-arrears",
        _("Still owed"),
        _("What is not paid by now of what was due in the month: the older the month, the older the debt."),
        f"""SELECT t.zone_id, date_trunc('month', b.due)::date AS month, sum(b.amount - b.paid)::float / {_ONE} AS numerator, 0 AS denominator
        FROM ledger_bill b JOIN revenue_taxed t ON t.code = b.about
        WHERE b.about_kind = 'taxed' AND b.state = 'open' AND b.due < current_date AND b.due >= %(since)s GROUP BY 1, 2""",
        unit=lazystr(town.current().currency),
        better="down",
        order=230,
        icon="clock",
        settles=12,
        permission="revenue.read",
    ),
    Measure(
        "revenue-cost-of-collecting",
        _("Cost of collecting"),
        _(
            "What collecting cost in the month, of all that was paid on bills in it, for the whole town: pay of collectors, commissions of payment"
            " providers, fees of banks, printing of notices, SMS. As the book has it, whoever wrote it: a cost that nobody"
            " entered is not there."
        ),
        f"""SELECT NULL::bigint AS zone_id, month, sum(cost) AS numerator, sum(came) AS denominator FROM (
            SELECT date_trunc('month', l.day)::date AS month, l.amount AS cost, 0 AS came FROM ledger_line l
            JOIN ledger_account a ON a.id = l.account_id AND split_part(a.code, '-', 1) IN {ledger.COLLECTING}
            WHERE l.day >= %(since)s
            UNION ALL SELECT date_trunc('month', p.at)::date, 0, s.amount FROM ledger_payment p
            JOIN ledger_share s ON s.payment_id = p.id AND s.bill_id IS NOT NULL WHERE p.void = '' AND p.at >= %(since)s) x GROUP BY 2""",
        kind="ratio",
        better="down",
        order=235,
        icon="bank",
        permission="revenue.read",
    ),
    Measure(
        "revenue-cost",
        _("Cost of reminders"),
        _(
            "What reminders cost in the month, of what was collected in it: SMS, letters and visits, at the cost that the plan says."
        ),
        f"""SELECT zone_id, month, sum(cost) AS numerator, sum(came) AS denominator FROM (
            SELECT t.zone_id, date_trunc('month', r.done)::date AS month, st.cost AS cost, 0 AS came
            FROM revenue_reminded r JOIN revenue_dunning_step st ON st.id = r.step_id JOIN ledger_bill b ON b.id = r.bill_id
            LEFT JOIN revenue_taxed t ON b.about_kind = 'taxed' AND t.code = b.about WHERE r.done >= %(since)s
            UNION ALL SELECT t.zone_id, date_trunc('month', p.at)::date, 0, s.amount {_PAID}) x GROUP BY 1, 2""",
        kind="ratio",
        better="down",
        order=240,
        icon="message",
        permission="revenue.read",
    ),
)
