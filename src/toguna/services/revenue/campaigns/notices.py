"""Notices on paper: a file for each part of a district, in the order in which a distributor walks, made in the background."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, money, paper, tasks, text, town
from toguna.kernel.access import Actor
from toguna.kernel.heavy import Heavy
from toguna.services.revenue.campaigns.events import CampaignIssued
from toguna.services.revenue.models import Campaign, NoticeFile, Taxed
from toguna.services.revenue.register import reads as register

segno = Heavy("segno")
DRAWING = Path(__file__).parent / "notice.typ"
A_FILE = 250  # notices: half a ream, some seconds of work


def begins(slug: str) -> str:
    """The keys of a campaign's bills, for LIKE."""
    return slug.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + ":%"


def district(zone: int | None) -> int | None:
    """The district that a zone is, or is in."""
    known = {one.id for one in territory.districts()}
    return next((one for one in territory.chain(zone) if one in known), zone) if zone else None


# Street by street, and in a street by what is near one another.
_TO_PRINT = """
SELECT b.id, t.zone_id FROM ledger_bill b JOIN revenue_taxed t ON t.code = b.about
WHERE b.about_kind = 'taxed' AND b.key LIKE %s AND b.state = 'open'
    AND b.id NOT IN (SELECT unnest(which) FROM revenue_notice_file WHERE campaign_id = %s)
ORDER BY t.street_name, t.street, ST_GeoHash(t.point, 9), t.code, b.id
"""


@transaction.atomic
def plan(campaign: int) -> int:
    """Says which notices are in which file, for the bills that are in none yet, and has them made. How many files."""
    row = Campaign.objects.select_for_update().get(pk=campaign)
    by_district: dict[int | None, list[int]] = {}
    found: dict[int | None, int | None] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TO_PRINT, [begins(row.slug), row.pk])
        for bill, zone in cursor.fetchall():
            if zone not in found:
                found[zone] = district(zone)
            by_district.setdefault(found[zone], []).append(bill)
    if row.market and by_district:  # whoever carries them walks the market, wherever a boundary crosses it
        most = max(by_district, key=lambda zone: len(by_district[zone]))
        by_district = {most: list(chain.from_iterable(by_district.values()))}
    last: dict[int | None, int] = {}
    for zone, part in row.files.values_list("zone", "part"):
        last[zone] = max(last.get(zone, 0), part)
    made = []
    for zone, bills in by_district.items():
        title = row.market_name or getattr(territory.zone(zone), "name", "–")
        for n, at in enumerate(range(0, len(bills), A_FILE), last.get(zone, 0) + 1):
            which = bills[at : at + A_FILE]
            name = f"{title[:100]} {zone or 0}-{n:03d}"
            made.append(NoticeFile(campaign=row, zone_id=zone, part=n, name=name, which=which, bills=len(which)))
    NoticeFile.objects.bulk_create(made)
    tasks.defer_many(make, tasks.Lane.CAMPAIGN, [{"file": one.pk} for one in made])
    return len(made)


def on_issued(event: CampaignIssued) -> None:
    """A reaction to CampaignIssued."""
    if Campaign.objects.filter(pk=event.campaign, notices=True).exists():
        plan(event.campaign)


def path(file: NoticeFile) -> Path:
    return Path(settings.MEDIA_ROOT) / "revenue" / "notices" / f"{file.campaign_id}-{file.pk}.pdf"


@tasks.task
def make(file: int) -> None:
    """Draws a file of notices; what was drawn before and is still there stays."""
    row = NoticeFile.objects.select_related("campaign__base").filter(pk=file).first()
    if row is None or (row.done and path(row).exists()):
        return
    drawn, pages = _drawn(row)
    target = path(row)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(drawn)
    temporary.replace(target)  # the whole file or none, when the power fails
    NoticeFile.objects.filter(pk=row.pk).update(done=timezone.now(), pages=pages)


def again(file: int, *, by: Actor) -> None:
    """Has a file made once more: it was lost, or bills were paid meanwhile (they are left out). Raises Denied."""
    row = NoticeFile.objects.get(pk=file)
    access.require(by, "revenue.campaign", zone=row.zone_id)
    with transaction.atomic():
        NoticeFile.objects.filter(pk=file).update(done=None)
        path(row).unlink(missing_ok=True)
        tasks.defer(make, tasks.Lane.CAMPAIGN, file=file)


def files(actor: Actor, campaign: Campaign) -> QuerySet[NoticeFile]:
    """The files that they may print: those of their districts."""
    zones = access.zones(actor, "revenue.campaign")
    rows = campaign.files.select_related("zone").defer("which")
    return rows if zones is None else rows.filter(zone__in=zones)


def progress(campaign: Campaign) -> dict[str, int]:
    """{"files", "made", "notices"}."""
    rows = campaign.files.aggregate(notices=Sum("bills"))
    return {
        "files": campaign.files.count(),
        "made": campaign.files.exclude(done=None).count(),
        "notices": rows["notices"] or 0,
    }


def _drawn(row: NoticeFile) -> tuple[bytes, int]:
    place = {pk: n for n, pk in enumerate(row.which)}
    rows = ledger.Bill.objects.filter(pk__in=row.which, state=ledger.Bill.State.OPEN)
    bills = sorted(rows.select_related("tariff").prefetch_related("lines"), key=lambda bill: place[bill.pk])
    about = f"{text.pick(row.campaign.base.titles)} {row.campaign.label}"
    drawn = sheets(bills, about=about, district=row.name.rpartition(" ")[0], part=row.part)
    return drawn, drawn.count(b"/Type /Page\n") or len(bills)


def _notice(_bill: ledger.Bill) -> tuple[str, str]:
    return _("Tax notice"), ""


def sheets(
    bills: Sequence[ledger.Bill],
    *,
    about: str,
    district: str,
    part: int,
    said_of: Callable[[ledger.Bill], tuple[str, str]] = _notice,
) -> bytes:
    """A sheet for each bill behind the list of whoever carries them, as PDF. said_of: (title, words before the figures) of each, in the
    language of the moment."""
    things = {one.code: one for one in Taxed.objects.filter(code__in=[bill.about for bill in bills])}
    owners = register.of_payers([bill.payer_id for bill in bills])
    payers = dict(ledger.Payer.objects.filter(pk__in=[bill.payer_id for bill in bills]).values_list("pk", "name"))
    pictures: dict[str, Path | bytes] = {}
    said: list[dict[str, Any]] = []
    for number, bill in enumerate(bills, 1):
        owner, thing = owners.get(bill.payer_id), things.get(bill.about)
        address = f"{settings.TOGUNA_URL}/pay/{bill.reference}"
        pictures[f"q{number}.svg"] = qr(address)
        with translation.override((owner.language if owner else "") or town.current().languages[0]):
            title, intro = said_of(bill)
            said.append(
                {
                    "n": number,
                    "name": owner.name if owner else payers.get(bill.payer_id, ""),
                    "number": owner.number if owner else "",
                    "address": owner.address if owner else "",
                    "thing": f"{thing.words} {thing.plate}".strip() if thing else "",
                    "code": bill.about,
                    "street": thing.street_name if thing else "",
                    "title": title,
                    "intro": intro,
                    "what": bill.words,
                    "lines": [(line.words, money.shown(line.amount, bill.currency)) for line in bill.lines.all()],
                    "paid": money.shown(-bill.paid, bill.currency) if bill.paid else "",
                    "total": money.shown(bill.left, bill.currency),
                    "due": date_format(bill.due, "DATE_FORMAT"),
                    "reference": spaced(bill.reference),
                    "link": address.partition("://")[2],
                    "words": words(bill.tariff.law if bill.tariff else ""),
                }
            )
    with translation.override(town.current().languages[0]):
        streets = [
            {
                "street": street or "–",
                "notices": [[one["n"], one["name"], one["thing"], one["code"]] for one in of_street],
            }
            for street, of_street in groupby(said, key=lambda one: one["street"])
        ]
        data = {
            "about": about, "district": district, "part": part, "list": _("List for who distributes them"), "streets": streets,
            "notices": said,
        }  # fmt: skip
        return paper.drawn(DRAWING, data, pictures)


def words(law: str) -> dict[str, str]:
    """What stands on each notice, in the language of the moment."""
    ways = ", ".join(ledger.ways())
    return {
        "due": _("To be paid before"), "total": _("Amount"), "paid": _("Paid already"), "code": _("Code for paying by telephone"),
        "web": _("Scan, or open this page:"),
        "ways": _("By %(ways)s: give the code above as the reference.") % {"ways": ways} if ways else "",
        "desk": _("At the town hall or with a collector: show this notice, and ask for a receipt."),
        "contest": _("Something is wrong? Say so at the town hall before that day, with this notice."),
        "law": law, "taxpayer": _("Taxpayer"), "thing": _("What is taxed"),
    }  # fmt: skip


def qr(address: str) -> bytes:
    made = io.BytesIO()
    segno.make(address, error="l", mask=3, micro=False, boost_error=False).save(
        made, kind="svg", border=2, omitsize=True, xmldecl=False
    )
    return made.getvalue()


def spaced(reference: str) -> str:
    """As it is read aloud, and typed without."""
    whole = codes.read(reference)
    return f"{whole[:5]} {whole[5:]}" if len(whole) > 6 else whole
