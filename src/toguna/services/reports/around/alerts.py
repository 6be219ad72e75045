"""Alerts: somebody hears by e-mail of the new reports of a district, around a point, or of a category.

Asked for, confirmed by whoever reads that address, ended with one press. A digest tells each report once: `told` is the last
one (by id) that they heard of, and moves in the transaction that writes the message.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core import signing
from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import audit, limits, text, town, turns
from toguna.kernel.access import SYSTEM
from toguna.kernel.tasks import Lane
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.models import Alert
from toguna.services.reports.topics import topics

KEY = "report-alert"  # what the keys of all messages about an alert begin with
CONFIRM_WITHIN = timedelta(days=3)
MOST_PER_ADDRESS = 20
ASKED_PER_ADDRESS = 6  # an hour
RADII_M = (500, 1000, 2000, 5000)
SETTLED = timedelta(minutes=5)  # a report with a lower number may still be on its way into the database for that long
BATCH = 500  # alerts in one transaction
SHOWN = 20  # reports in one message; the rest are counted

_asked = signing.TimestampSigner(salt="reports.alert.confirm")
_ends = signing.Signer(salt="reports.alert.end")


class TooManyAlerts(cases.Refused):
    def __init__(self) -> None:
        super().__init__(_("This address has %(most)d alerts already: end one first.") % {"most": MOST_PER_ADDRESS})


@dataclass(frozen=True)
class Area:
    """What to hear of: all that are given must fit. zone, topic: ids; lon, lat: degrees; radius_m around them."""

    zone: int | None = None
    topic: int | None = None
    lon: float | None = None
    lat: float | None = None
    radius_m: int = 1000

    def fields(self) -> dict[str, Any]:
        point = Point(self.lon, self.lat, srid=4326) if self.lon is not None and self.lat is not None else None
        return {"zone_id": self.zone, "topic_id": self.topic, "point": point, "radius_m": self.radius_m}


@transaction.atomic
def ask(medium: str, address: str, area: Area, *, weekly: bool, language: str) -> Alert:
    """Asks for an alert: a link is sent to the address, and nothing else before it is used. The same alert asked for again
    is one, with the new rhythm and language. Raises limits.TooMany, TooManyAlerts."""
    limits.hit("reports.alert", address, at_most=ASKED_PER_ADDRESS, per=timedelta(hours=1))
    turns.one_at_a_time(f"{KEY} {address}")
    mine = Alert.objects.filter(medium=medium, address=address)
    row = mine.filter(**area.fields()).first()
    if row is None:
        if mine.count() >= MOST_PER_ADDRESS:
            raise TooManyAlerts
        row = Alert(medium=medium, address=address, **area.fields())
    row.weekly, row.language = weekly, language
    row.save()
    if row.confirmed is None:
        _send_link(row)
    return row


def _send_link(row: Alert) -> None:
    with translation.override(row.language or settings.LANGUAGE_CODE):
        words = _("You asked to hear of new reports: %(what)s. To get them, open this address and press the button:")
        last = _("If it was not you, do nothing: you will get nothing more.")
        link = f"{settings.TOGUNA_URL}{reverse('alert-confirm', args=[_asked.sign(row.public_id.hex)])}"
        # A day's key: a letter that got lost is sent again the next day, and no stranger fills a mailbox.
        channels.send(
            row.medium, row.address, key=f"{KEY}:{row.public_id.hex}:ask:{timezone.localdate():%Y%m%d}",
            subject=_("Do you want these alerts? %(town)s") % {"town": town.current().name},
            text=f"{words % {'what': about(row)}}\n{link}\n\n{last}", language=row.language,
        )  # fmt: skip


def about(row: Alert) -> str:
    """What an alert is about, in words of the reader's language."""
    names = {t.pk: text.pick(t.names) for t in topics()}
    zone = territory.zone(row.zone_id)
    parts = [names.get(row.topic_id, "") if row.topic_id else _("all categories"), zone.name if zone else ""]
    if row.point is not None:
        words = territory.reverse(row.point.x, row.point.y)
        parts.append(_("within %(km)s km of: %(place)s") % {"km": km(row.radius_m), "place": words})
    return ", ".join(part for part in parts if part)


def km(metres: int) -> str:
    """Kilometres as the reader writes them: "0,5" in French."""
    return number_format(metres / 1000, decimal_pos=0 if metres % 1000 == 0 else 1)


def of_confirm_link(token: str) -> Alert | None:
    """The alert that somebody may confirm; None for an address that is not ours, too old, or of an alert that is ended."""
    try:
        return Alert.objects.filter(public_id=uuid.UUID(_asked.unsign(token, max_age=CONFIRM_WITHIN))).first()
    except (signing.BadSignature, ValueError):
        return None


def of_end_link(token: str) -> Alert | None:
    """The alert that somebody may end (these addresses are good for ever); None when it is ended, or not ours."""
    try:
        return Alert.objects.filter(public_id=uuid.UUID(_ends.unsign(token))).first()
    except (signing.BadSignature, ValueError):
        return None


def end_link(public_id: str) -> str:
    return f"{settings.TOGUNA_URL}{reverse('alert-end', args=[_ends.sign(public_id)])}"


def leaving(key: str) -> str:
    """For `channels.Leaving`: the address that ends the alert of this message."""
    public_id, kind = key.split(":")[1:3]
    return end_link(public_id) if kind == "new" else ""


@transaction.atomic
def confirm(row: Alert) -> None:
    """From now on: what was reported before is not told."""
    if Alert.objects.filter(pk=row.pk, confirmed=None).update(confirmed=timezone.now(), told=_settled()):
        audit.record(SYSTEM, "reports.alert", f"reports.alert:{row.pk}")


@transaction.atomic
def end(row: Alert) -> None:
    Alert.objects.filter(pk=row.pk).delete()
    audit.record(SYSTEM, "reports.alert_ended", f"reports.alert:{row.pk}")


def _settled() -> int:
    """The highest number below which no report can still come in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM cases_case WHERE created < now() - %s ORDER BY id DESC LIMIT 1", list[Any]([SETTLED])
        )
        row = cursor.fetchone()
    return row[0] if row else 0


@dataclass
class _Found:
    count: int = 0
    cases: list[int] = field(default_factory=list)


# Which alerts hear of which reports. `fresh` is read once: the reports after the oldest cursor, of which there are few.
_PAIRS = """
WITH due AS MATERIALIZED (SELECT id, told, zone_id, topic_id, point, radius_m FROM reports_alert WHERE id = ANY(%(alerts)s)),
inside AS MATERIALIZED (SELECT * FROM unnest(%(roots)s::bigint[], %(zones)s::bigint[]) AS t (root, zone)),
below AS MATERIALIZED (SELECT id AS root, id AS topic FROM cases_topic UNION SELECT parent_id, id FROM cases_topic WHERE parent_id IS NOT NULL),
fresh AS MATERIALIZED (
    SELECT id, zone_id, topic_id, point FROM cases_case
    WHERE type = %(type)s AND public AND merged_into_id IS NULL AND anonymised IS NULL
      AND id > (SELECT min(told) FROM due) AND id <= %(upto)s)
SELECT alert, report, n FROM (
    SELECT a.id AS alert, c.id AS report, count(*) OVER (PARTITION BY a.id) AS n,
        row_number() OVER (PARTITION BY a.id ORDER BY c.id DESC) AS place
    FROM due a JOIN fresh c ON c.id > a.told
    WHERE (a.zone_id IS NULL OR EXISTS (SELECT FROM inside WHERE root = a.zone_id AND zone = c.zone_id))
      AND (a.topic_id IS NULL OR EXISTS (SELECT FROM below WHERE root = a.topic_id AND topic = c.topic_id))
      AND (a.point IS NULL OR ST_DWithin(a.point::geography, c.point::geography, a.radius_m))
) found WHERE place <= %(shown)s ORDER BY alert, report DESC
"""


def send_digests() -> None:
    """Tells every confirmed alert that is due what is new since the last time. Run again at once, it sends nothing: the
    cursor of each alert moves in the transaction that writes its message, which has a key of its own besides."""
    Alert.objects.filter(confirmed=None, created__lt=timezone.now() - CONFIRM_WITHIN).delete()
    upto, after = _settled(), 0
    while (last := _batch(upto, after)) is not None:
        after = last


@transaction.atomic
def _batch(upto: int, after: int) -> int | None:
    """The next alerts in order; the id of the last one, None at the end."""
    now = timezone.now()
    due = (
        Q(sent=None)
        | Q(weekly=False, sent__lt=now - timedelta(hours=20))
        | Q(sent__lt=now - timedelta(days=6, hours=20))
    )
    rested = Q(weekly=False) | Q(confirmed__lt=now - timedelta(days=6, hours=20))
    rows = list(
        Alert.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(due, rested, confirmed__isnull=False, pk__gt=after, told__lt=upto)
        .order_by("pk")[:BATCH]
    )
    if not rows:
        return None
    found = _pairs(rows, upto)
    reports = (
        cases.Case.objects.select_related("topic", "zone")
        .defer("zone__geom")
        .in_bulk({pk for hit in found.values() for pk in hit.cases})
    )
    for row in rows:
        if hit := found.get(row.pk):
            _tell(row, [reports[pk] for pk in hit.cases], hit.count)
    Alert.objects.filter(pk__in=[row.pk for row in rows]).update(told=upto)
    Alert.objects.filter(pk__in=found).update(sent=now)
    return rows[-1].pk


def _pairs(rows: Sequence[Alert], upto: int) -> dict[int, _Found]:
    """{alert: the newest reports that it hears of, and how many they are}. One statement."""
    roots = {row.zone_id for row in rows if row.zone_id}
    pairs = [(root, zone) for root in roots for zone in territory.zone_tree_ids(root)]
    values: dict[str, Any] = {
        "alerts": [row.pk for row in rows], "roots": [root for root, _zone in pairs], "zones": [zone for _root, zone in pairs],
        "type": REPORT.name, "upto": upto, "shown": SHOWN,
    }  # fmt: skip
    found: dict[int, _Found] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, values)
        for alert, report, count in cursor.fetchall():
            hit = found.setdefault(alert, _Found(count))
            hit.cases.append(report)
    return found


def _tell(row: Alert, reports: Iterable[cases.Case], count: int) -> None:
    """Writes one message, in the language of the alert."""
    with translation.override(row.language or settings.LANGUAGE_CODE):
        lines = [_line(case) for case in reports]
        if count > len(lines):
            lines.append(
                _("And %(n)d more: %(link)s")
                % {"n": count - len(lines), "link": f"{settings.TOGUNA_URL}{list_of(row)}"}
            )
        subject = ngettext("%(n)d new report: %(what)s", "%(n)d new reports: %(what)s", count) % {
            "n": count,
            "what": about(row),
        }
        stop = _("To get no more of these, open this address:")
        channels.send(
            row.medium, row.address, key=f"{KEY}:{row.public_id.hex}:new:{row.told}", subject=subject,
            text="\n\n".join([*lines, f"{stop}\n{end_link(row.public_id.hex)}"]),
            language=row.language, lane=Lane.CAMPAIGN,
        )  # fmt: skip


def list_of(row: Alert) -> str:
    """The page that lists the same, as near as its filters go."""
    slug = next((t.slug for t in topics() if t.pk == row.topic_id), "")
    asked = [f"{k}={v}" for k, v in (("topic", slug), ("zone", row.zone_id)) if v]
    return reverse("reports") + ("?" + "&".join(asked) if asked else "")


def _line(case: cases.Case) -> str:
    where = ", ".join(part for part in (case.zone.name if case.zone else "", case.place) if part)
    words = " ".join(case.text.split())
    head = " – ".join(
        part
        for part in (text.pick(case.topic.names), where, date_format(timezone.localtime(case.created), "DATE_FORMAT"))
        if part
    )
    link = f"{settings.TOGUNA_URL}{reverse('report', args=[case.code])}"
    return "\n".join(part for part in (head, words[:200] + ("…" if len(words) > 200 else ""), link) if part)


# What erasing a person means here: an alert belongs to an address.


def _of(person: int) -> Q:
    return Q(person=person) | Q(address__in=people.Contact.objects.filter(person=person).values("value"))


def forget(person: int) -> None:
    Alert.objects.filter(_of(person)).delete()


def export(person: int) -> list[dict[str, Any]]:
    return [
        {"address": row.address, "about": about(row), "weekly": row.weekly, "since": row.created.isoformat()}
        for row in Alert.objects.filter(_of(person)).order_by("pk")
    ]
