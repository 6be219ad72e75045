"""Who a publication is for: one description, one SQL, each person once, whatever their number of phones.

An audience is {"known": true, "subscribed": [["zone", "12"], ["risk", "flood"]], "zones": [ids], "languages": ["fr"],
"seen_days": 90, "verified": true, "teams": [ids]}; with the publication's own `area`, whoever lives in a zone that it
touches. "known": everybody whose number the town has; else only those who subscribed to one of the subjects, of which
"*" is any (["zone", "*"]: any district, within `zones` when these are given). An alarm for everybody known is also for all
who ever asked for news of anything there: somebody who wrote "SUBSCRIBE Zongo" and nothing else must hear of its flood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import connection
from django.utils.translation import gettext as _

from toguna.engines.channels.models import Publication
from toguna.engines.territory import api as territory
from toguna.kernel.tasks import Lane

MEDIA = ("sms", "email", "push", "whatsapp", "telegram")


def has_addresses(publication: Publication) -> bool:
    """Whether it goes to addresses at all; what is only on the town's page, or on a social network, is for whoever looks."""
    return any(medium in MEDIA for medium in publication.media)


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
        values["zones"], values["where"] = zones, _where(publication).ewkb
        people.append("p.zone_id = ANY(%(zones)s)")
        # Who asked to hear of a danger, and lives we do not know where, is told: better once too often.
        subscriptions.append(
            "CASE s.about WHEN 'area' THEN ST_DWithin(s.point::geography, %(where)s::geography, s.radius_m) "
            "WHEN 'risk' THEN COALESCE(s.zone_id, p.zone_id, -1) = ANY(%(zones)s::bigint[] || -1::bigint) "
            "ELSE COALESCE(s.zone_id, p.zone_id) = ANY(%(zones)s) END"
        )
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
    everyone = known and publication.lane >= Lane.ALARM
    if subjects or everyone:
        if not everyone:
            values["abouts"], values["subjects"] = [a for a, _s in subjects], [s for _a, s in subjects]
            subscriptions.append(
                "EXISTS (SELECT FROM unnest(%(abouts)s::text[], %(subjects)s::text[]) w(about, subject) "
                "WHERE w.about = s.about AND w.subject IN (s.subject, '*'))"
            )
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


def _where(publication: Publication) -> GEOSGeometry:
    """The shape that is concerned: what was drawn, else the chosen zones together."""
    if publication.area is not None:
        return publication.area
    chosen = [int(pk) for pk in publication.audience.get("zones") or ()]
    return MultiPolygon([polygon for _name, shape in territory.zone_shapes(chosen) for polygon in shape], srid=4326)


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
SELECT DISTINCT ON (person_id, CASE WHEN person_id IS NULL THEN medium || address END)
    person_id, medium, address, language, zone_id
FROM ({found}) found
WHERE medium = ANY(%(media)s){where}
ORDER BY person_id, CASE WHEN person_id IS NULL THEN medium || address END, turn, unsure, array_position(%(media)s, medium)
"""
_NOT_STOPPED = """
  AND NOT EXISTS (SELECT FROM channels_opt_out o WHERE o.medium = found.medium AND o.address = found.address AND o.about = '')"""
# Whom an earlier source gave already: the same person by another medium, or another of their subscriptions.
_NOT_TOLD = """
  AND NOT EXISTS (SELECT FROM channels_message m WHERE m.person_id = found.person_id AND m.publication_id = %(publication)s)"""
LAST = {
    "c": "SELECT COALESCE(max(id), 0) FROM people_person",
    "s": "SELECT COALESCE(max(id), 0) FROM channels_subscription",
    "b": "SELECT COALESCE(max(id), 0) FROM channels_push_endpoint",
}


def chunk(publication: Publication, chosen: Selection, source: str) -> str:
    """The SELECT of those of one source, between the parameters `after` and `until`, who are not told already."""
    first = source == next(iter(chosen.sql))
    where = _stopped(publication) + ("" if first else _NOT_TOLD)
    return CHOSEN.format(found=_turned([chosen.sql[source]]), where=where)


def _turned(sources: Iterable[str]) -> str:
    return " UNION ALL ".join(f"SELECT *, {n} AS turn FROM ({sql}) s{n}" for n, sql in enumerate(sources))


def _stopped(publication: Publication) -> str:
    """What is said to everybody for their safety passes a STOP that was said to news."""
    return "" if publication.lane >= Lane.ALARM else _NOT_STOPPED


def counted(publication: Publication) -> Sequence[tuple[str, str, int | None, str, int]]:
    """(medium, language, zone, first digits of the number, how many) of whom it would reach. One statement."""
    chosen = selection(publication)
    each = CHOSEN.format(found=_turned(chosen.sql.values()), where=_stopped(publication))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT medium, language, zone_id, CASE medium WHEN 'sms' THEN left(address, 6) ELSE '' END, count(*) "
            f"FROM (SELECT DISTINCT ON (medium, address) * FROM ({each}) each_person ORDER BY medium, address) each_address "
            "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            {**chosen.values, "after": 0, "until": 2**62},
        )
        found: list[tuple[str, str, int | None, str, int]] = cursor.fetchall()
    return found
