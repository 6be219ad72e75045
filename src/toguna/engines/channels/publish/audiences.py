"""Who a publication is for: one description, one SQL, each person once, whatever their number of phones.

An audience is {"known": true, "subscribed": [["zone", "12"], ["risk", "flood"]], "zones": [ids], "languages": ["fr"],
"seen_days": 90, "verified": true, "teams": [ids]}; with the publication's own `area`, whoever lives in a zone that it
touches. "known": everybody whose number the town has; else only those who subscribed to one of the subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from toguna.engines.channels.models import Publication
from toguna.engines.territory import api as territory

MEDIA = ("sms", "email", "push", "whatsapp", "telegram")


class NoAudience(Exception):
    """Nobody is meant; str() says what to choose."""


@dataclass(frozen=True)
class Selection:
    """A SELECT of (source, id, person_id, medium, address, language, zone_id), its parameters, and how far it may go:
    sources are "c" (contacts, by person's id), "s" (subscriptions), "b" (browsers)."""

    sql: Mapping[str, str]
    values: dict[str, Any]


def selection(publication: Publication) -> Selection:
    """Raises NoAudience when the description means nobody."""
    audience = publication.audience
    values: dict[str, Any] = {"media": [m for m in publication.media if m in MEDIA]}
    people, subscriptions, browsers = [], ["s.confirmed IS NOT NULL", "s.ended IS NULL"], ["b.gone IS NULL"]
    zones = _zones(publication)
    if zones is not None:
        values["zones"] = zones
        people.append("p.zone_id = ANY(%(zones)s)")
        subscriptions.append("COALESCE(s.zone_id, p.zone_id) = ANY(%(zones)s)")
        browsers.append("COALESCE(b.zone_id, p.zone_id) = ANY(%(zones)s)")
    if languages := [str(code) for code in audience.get("languages", ())]:
        values["languages"] = languages
        people.append("p.language = ANY(%(languages)s)")
        subscriptions.append("COALESCE(NULLIF(s.language, ''), p.language) = ANY(%(languages)s)")
        browsers.append("COALESCE(NULLIF(b.language, ''), p.language) = ANY(%(languages)s)")
    if days := audience.get("seen_days"):
        values["days"] = int(days)
        people.append("p.seen > now() - make_interval(days => %(days)s)")
    if audience.get("verified"):
        people.append("c.verified IS NOT NULL")
    if teams := [int(pk) for pk in audience.get("teams", ())]:
        values["teams"] = teams
        people.append(
            "EXISTS (SELECT FROM people_account a JOIN people_team_member t ON t.account_id = a.id "
            "WHERE a.person_id = p.id AND t.team_id = ANY(%(teams)s))"
        )
    subjects = [(str(about), str(subject)) for about, subject in audience.get("subscribed", ())]
    known = bool(audience.get("known")) or bool(teams)
    if not known and not subjects:
        raise NoAudience(_("Choose whom it is for: everybody known, or those who subscribed to something."))
    found = {}
    if known:
        found["c"] = _CONTACTS.format(where=" AND ".join(["true", *people]))
        found["b"] = _BROWSERS.format(where=" AND ".join(browsers))
    if subjects:
        values["abouts"], values["subjects"] = [a for a, _s in subjects], [s for _a, s in subjects]
        subscriptions.append("(s.about, s.subject) IN (SELECT * FROM unnest(%(abouts)s::text[], %(subjects)s::text[]))")
        found["s"] = _SUBSCRIPTIONS.format(where=" AND ".join(subscriptions))
    return Selection(found, values)


def _zones(publication: Publication) -> list[int] | None:
    """The zones whose people are meant, None for all: those chosen, with all inside them, and those that the area touches."""
    chosen = publication.audience.get("zones") or ()
    if not chosen and publication.area is None:
        return None
    found: set[int] = set()
    for pk in chosen:
        found |= territory.zone_tree_ids(int(pk))
    if publication.area is not None:
        found |= set(territory.zones_touching(publication.area))
    return sorted(found)


_CONTACTS = """
SELECT p.id AS n, p.id AS person_id, CASE c.kind WHEN 'phone' THEN 'sms' ELSE c.kind END AS medium, c.value AS address,
    p.language, p.zone_id, c.verified IS NULL AS unsure
FROM people_person p JOIN people_contact c ON c.person_id = p.id
WHERE p.erased IS NULL AND c.lost IS NULL AND p.id > %(after)s AND p.id <= %(until)s AND {where}
"""
_SUBSCRIPTIONS = """
SELECT s.id AS n, s.person_id, s.medium, s.address, COALESCE(NULLIF(s.language, ''), p.language, '') AS language,
    COALESCE(s.zone_id, p.zone_id) AS zone_id, false AS unsure
FROM channels_subscription s LEFT JOIN people_person p ON p.id = s.person_id
WHERE s.id > %(after)s AND s.id <= %(until)s AND {where}
"""
_BROWSERS = """
SELECT b.id AS n, b.person_id, 'push' AS medium, b.id::text AS address,
    COALESCE(NULLIF(b.language, ''), p.language, '') AS language, COALESCE(b.zone_id, p.zone_id) AS zone_id, false AS unsure
FROM channels_push_endpoint b LEFT JOIN people_person p ON p.id = b.person_id
WHERE b.id > %(after)s AND b.id <= %(until)s AND {where}
"""
# One message a person (an SMS before a mail for what is urgent; what they confirmed before the rest), one an address.
CHOSEN = """
SELECT DISTINCT ON (COALESCE('p' || person_id, medium || address)) person_id, medium, address, language, zone_id
FROM ({found}) found
WHERE medium = ANY(%(media)s)
  AND NOT EXISTS (SELECT FROM channels_opt_out o WHERE o.medium = found.medium AND o.address = found.address AND o.about = '')
ORDER BY COALESCE('p' || person_id, medium || address), unsure, array_position(%(media)s, medium)
"""
# What is said to everybody for their safety passes a STOP that was said to news.
ALARM = CHOSEN.replace(
    "\n  AND NOT EXISTS (SELECT FROM channels_opt_out o WHERE o.medium = found.medium AND o.address = found.address AND o.about = '')",
    "",
)
LAST = {
    "c": "SELECT COALESCE(max(id), 0) FROM people_person",
    "s": "SELECT COALESCE(max(id), 0) FROM channels_subscription",
    "b": "SELECT COALESCE(max(id), 0) FROM channels_push_endpoint",
}


def counted(publication: Publication) -> Sequence[tuple[str, str, int | None, str, int]]:
    """(medium, language, zone, first digits of the number, how many) of whom it would reach. One statement a source."""
    chosen = selection(publication)
    template = ALARM if publication.lane >= 100 else CHOSEN
    found: dict[tuple[str, str, int | None, str], int] = {}
    with connection.cursor() as cursor:
        for sql in chosen.sql.values():
            cursor.execute(
                "SELECT medium, language, zone_id, CASE medium WHEN 'sms' THEN left(address, 6) ELSE '' END, count(*) "
                f"FROM ({template.format(found=sql)}) all_of_them GROUP BY 1, 2, 3, 4",
                {**chosen.values, "after": 0, "until": 2**62},
            )
            for medium, language, zone, digits, count in cursor.fetchall():
                key = (medium, language, zone, digits)
                found[key] = found.get(key, 0) + count
    return [(*key, count) for key, count in sorted(found.items(), key=lambda item: str(item[0]))]
