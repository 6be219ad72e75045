"""The SMS of a campaign: one to each who is billed and has a telephone, counted and priced before anybody says yes."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.kernel import access, audit, money, tasks, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.campaigns.actions import CAMPAIGN, Refused
from toguna.services.revenue.campaigns.notices import begins
from toguna.services.revenue.models import Campaign

PIECE = 2000

_WHO = """
SELECT COALESCE(k.id, x.id) AS id, COALESCE(k.phone, x.phone) AS phone, COALESCE(k.language, x.language) AS language,
    COALESCE(k.person_id, x.person_id) AS person, sum(b.amount - b.paid)::bigint AS owed, count(*) AS bills, min(b.reference) AS reference
FROM ledger_bill b JOIN revenue_taxpayer x ON x.payer_id = b.payer_id LEFT JOIN revenue_taxpayer k ON k.id = x.merged_into_id
WHERE b.key LIKE %(keys)s AND b.state = 'open' AND COALESCE(k.phone, x.phone) <> '' AND x.erased IS NULL
    AND COALESCE(k.id, x.id) > %(after)s
GROUP BY 1, 2, 3, 4
"""


def said(row: Campaign, owed: int, bills: int, reference: str) -> str:
    """The SMS, in the language of the moment."""
    facts: dict[str, Any] = {
        "town": town.current().name,
        "what": f"{text.pick(row.base.titles)} {row.label}",
        "amount": money.shown(owed, plain=True),
        "due": _day(row.due),
        "bills": bills,
        "code": reference,
        "link": f"{settings.TOGUNA_URL.partition('://')[2]}/pay/{reference}",
    }
    if bills > 1:
        return _("%(town)s: %(what)s, %(bills)d bills, %(amount)s to pay before %(due)s. The first: %(link)s") % facts
    return _("%(town)s: %(what)s, %(amount)s to pay before %(due)s. Code %(code)s. Pay: %(link)s") % facts


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def cost(row: Campaign) -> channels.Cost:
    """What the SMS would cost, exactly: references are all as long, so that only language and figures count."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT left(phone, 8), language, owed, bills, count(*) FROM ({_WHO}) w GROUP BY 1, 2, 3, 4",
            {"keys": begins(row.slug), "after": 0},
        )
        rows = cursor.fetchall()
    texts, known = [], {}
    for digits, language, owed, bills, count in rows:
        shape = (language or town.current().languages[0], len(str(owed)), min(bills, 2) if bills < 10 else bills)
        if shape not in known:
            with translation.override(shape[0]):
                known[shape] = said(row, owed, bills, "X" * 10)
        texts.append((digits, known[shape], count))
    return channels.sms_cost(texts)


@transaction.atomic
def tell(campaign: int, *, by: Actor) -> Campaign:
    """The SMS go out, behind everything else that the town sends. Said again, nothing. Raises Refused, Denied."""
    access.require(by, CAMPAIGN)
    row = Campaign.objects.select_for_update(of=("self",)).select_related("base").get(pk=campaign)
    if row.state != Campaign.State.ISSUED:
        raise Refused(_("Bill everybody first."))
    if row.telling is None:
        row.telling, row.said = timezone.now(), 0
        row.save(update_fields=["telling", "said"])
        audit.record(by, "revenue.tell", f"revenue.campaign:{row.pk}", slug=row.slug)
        tasks.defer(tell_all, tasks.Lane.CAMPAIGN, campaign=row.pk)
    return row


@tasks.task
def tell_all(campaign: int) -> None:
    while tell_piece(campaign):
        pass


@transaction.atomic
def tell_piece(campaign: int) -> bool:
    """Writes down the next SMS: they and how far it is are one transaction, and each has a key. Whether there are more."""
    row = Campaign.objects.select_for_update(of=("self",)).select_related("base").get(pk=campaign)
    if row.telling is None or row.told is not None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"{_WHO} ORDER BY 1 LIMIT {PIECE}", {"keys": begins(row.slug), "after": row.said})
        rows = cursor.fetchall()
    outgoing = []
    for pk, phone, language, person, owed, bills, reference in rows:
        spoken = language or town.current().languages[0]
        with translation.override(spoken):
            words = said(row, owed, bills, reference)
        outgoing.append(
            channels.Outgoing("sms", phone, f"revenue.campaign:{row.pk}:{pk}", words, language=spoken, person=person)
        )
    channels.send_many(outgoing)
    if rows:
        row.said = rows[-1][0]
    else:
        row.told = timezone.now()
    row.save(update_fields=["said", "told"])
    return bool(rows)
