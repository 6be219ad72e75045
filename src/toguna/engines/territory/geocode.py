"""Finding a place from what people say: a landmark, "behind the mosque", a street, a district, a plus code, coordinates.

Two statements: the words that resemble what was typed, from a small vocabulary; then what bears them. Never a scan of
all the names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from toguna.engines.territory import zones
from toguna.engines.territory.kinds import kind as kind_of
from toguna.engines.territory.points import read_point
from toguna.kernel import text

CANDIDATES = 300
APART = 3000  # metres: what is said to be between two landmarks has them both near
# Words that place one thing by another, in our three languages; longest first. The landmark is what follows.
RELATIONS = (
    "derriere", "devant", "en face de", "en face du", "a cote de", "a cote du", "pres de", "pres du", "au bord de", "au bord du",
    "a l entree de", "au niveau de", "au niveau du", "non loin de", "vers", "chez", "face a", "face au", "apres", "avant",
    "behind", "in front of", "opposite", "next to", "near", "beside", "by", "at", "around", "before", "after",
    "atras da", "atras do", "atras de", "em frente da", "em frente do", "em frente a", "ao lado da", "ao lado do", "ao lado de",
    "perto da", "perto do", "perto de", "junto a", "junto ao", "depois da", "antes da", "entre", "between",
)  # fmt: skip
_BETWEEN = re.compile(r"^(?:entre|between) (.+?) (?:et|and|e) (.+)$")
_RELATION = re.compile(r"^(?:" + "|".join(sorted(map(re.escape, RELATIONS), key=len, reverse=True)) + r")\b\s*")
STOP = frozenset(
    [
        "le",
        "la",
        "les",
        "l",
        "un",
        "une",
        "de",
        "du",
        "des",
        "d",
        "au",
        "aux",
        "a",
        "et",
        "en",
        "the",
        "of",
        "and",
        "to",
        "o",
        "os",
        "as",
        "um",
        "uma",
        "da",
        "do",
        "das",
        "dos",
        "e",
        "no",
        "na",
        "sur",
        "sous",
        "dans",
        "quartier",
        "bairro",
        "district",
        "rue",
    ]
)
# What people write short.
SHORT = {
    "ste": "sainte", "st": "saint", "bd": "boulevard", "bld": "boulevard", "av": "avenue", "ave": "avenue", "r": "rue", "pl": "place",
    "csi": "sante", "cscom": "sante", "csps": "sante", "epp": "ecole", "ecol": "ecole", "lyc": "lycee", "hop": "hopital",
    "pharma": "pharmacie", "mche": "marche", "mosk": "mosquee", "gd": "grand", "gde": "grande", "ave.": "avenue", "sta": "santa", "esc": "escola",
}  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """A place found. label, detail: words for people; score: 0 to 1; sure: good enough to be taken without asking."""

    kind: str
    id: int
    label: str
    detail: str
    lon: float
    lat: float
    score: float
    sure: bool = False

    def __str__(self) -> str:
        return f"{self.label}, {self.detail}" if self.detail else self.label


def landmark(folded: str) -> str:
    """What is left of folded words without "behind the", "en face de"..."""
    while match := _RELATION.match(folded):
        rest = folded[match.end() :]
        if not rest:
            break
        folded = rest
        if folded.startswith(("le ", "la ", "les ", "l ", "the ", "o ", "a ")):
            folded = folded.partition(" ")[2]
    return folded


_ANYWHERE = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, RELATIONS), key=len, reverse=True)) + r")\b")


def where_in(words: str) -> str:
    """The part of somebody's words that says where: "gros trou devant école Sainte Marie" gives "devant ecole sainte
    marie" (folded); "" when no part of them does."""
    folded = text.fold(words)
    match = _ANYWHERE.search(folded)
    return folded[match.start() :] if match and match.end() < len(folded) else ""


def _tokens(folded: str) -> list[str]:
    words = [SHORT.get(w, w) for w in folded.split()]
    kept = [w for w in words if w not in STOP]
    return list(dict.fromkeys(kept or words))[:8]


_WORDS = """
SELECT t.n, w.id, w.n, CASE WHEN w.word = t.token THEN 1.0
        WHEN w.word LIKE t.token || '%%' THEN 0.75 + 0.2 * length(t.token) / length(w.word)
        ELSE similarity(w.word, t.token) END AS alike
FROM unnest(%s::text[]) WITH ORDINALITY t(token, n)
CROSS JOIN LATERAL (
    (SELECT id, n, word FROM territory_word WHERE word = t.token)
    UNION
    (SELECT id, n, word FROM territory_word WHERE length(t.token) >= 3 AND word LIKE t.token || '%%' ORDER BY n DESC LIMIT 12)
    UNION
    (SELECT id, n, word FROM territory_word WHERE length(t.token) >= 4 AND word %% t.token
        AND levenshtein_less_equal(word, t.token, 2) <= CASE WHEN length(t.token) < 6 THEN 1 ELSE 2 END
     ORDER BY word <-> t.token LIMIT 8)
) w
"""
_THINGS = """
SELECT source, ref, label, kind, weight, size, zone, words, ST_X(point), ST_Y(point) FROM territory_name WHERE {where} {order} LIMIT %s
"""
# Two common words together are rare: what bears both is found first (by the index of words), and only then put in order.
# Asked in one step, PostgreSQL would rather walk the map outward from the middle, and walk far.
_BOTH = """
WITH found AS MATERIALIZED (SELECT * FROM territory_name WHERE {where} LIMIT 2000)
SELECT source, ref, label, kind, weight, size, zone, words, ST_X(point), ST_Y(point) FROM found {order} LIMIT %s
"""


def geocode(
    query: str, *, language: str | None = None, near: tuple[float, float] | None = None, limit: int = 8
) -> Sequence[Hit]:
    """Places that fit what was typed, the best first. near: (lon, lat) in degrees; nothing found is an empty list."""
    query = query.strip()[:200]
    if not query:
        return []
    if point := read_point(query):
        where = reverse(*point, language=language)
        return [
            Hit(
                "point",
                0,
                where or f"{point[1]:.5f}, {point[0]:.5f}",
                f"{point[1]:.5f}, {point[0]:.5f}",
                *point,
                1.0,
                True,
            )
        ]
    folded = text.fold(query)
    if match := _BETWEEN.match(folded):
        return _between(match[1], match[2], near, limit)
    return _named(landmark(folded), near, limit)


def _between(one: str, other: str, near: tuple[float, float] | None, limit: int) -> Sequence[Hit]:
    """Halfway from one landmark to the other, for the pairs that fit best and stand nearest; when one is not known, the other."""
    one, other = landmark(one), landmark(other)
    firsts = _named(one, near, 5)
    seconds = _named(other, (firsts[0].lon, firsts[0].lat) if firsts else near, 5)
    if not firsts or not seconds:
        return firsts or seconds
    firsts = _named(
        one, (seconds[0].lon, seconds[0].lat), 5
    )  # of those that bear the name, the one beside the other landmark
    pairs = []
    for a in firsts:
        for b in seconds:
            apart = _metres((a.lon, a.lat), (b.lon, b.lat))
            if (a.kind, a.id) != (b.kind, b.id) and apart < APART:
                score = (a.score + b.score) / 2
                pairs.append((score - apart / (10 * APART), round(score, 3), a, b))
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    return [
        Hit(
            "point", 0, _("Between %(one)s and %(other)s") % {"one": a.label, "other": b.label}, "",
            (a.lon + b.lon) / 2, (a.lat + b.lat) / 2, score, a.sure and b.sure,
        )
        for _order, score, a, b in pairs[:limit]
    ] or firsts  # fmt: skip


def _named(folded: str, near: tuple[float, float] | None, limit: int) -> list[Hit]:
    """Things by the words that they bear, already folded. Two statements."""
    tokens = _tokens(folded)
    if not tokens:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_WORDS, [tokens])
        groups: dict[int, dict[int, float]] = {}
        often: dict[int, int] = {}
        for number, word, n, alike in cursor.fetchall():
            group = groups.setdefault(number - 1, {})
            group[word] = max(float(alike), group.get(word, 0.0))
            often[number - 1] = often.get(number - 1, 0) + n
        if not groups:
            return []
        rows = _candidates(cursor, groups, often, near)
        if not rows and len(groups) > 1:  # one word was of no use: the rarest ones alone
            kept = sorted(groups, key=lambda g: often[g])[: max(1, len(groups) - 1)]
            rows = _candidates(cursor, {g: groups[g] for g in kept}, often, near)
            if not rows:
                rows = _candidates(cursor, {kept[0]: groups[kept[0]]}, often, near)
    return _ranked(rows, tokens, groups, often, near, limit)


def _candidates(
    cursor: object, groups: dict[int, dict[int, float]], often: dict[int, int], near: tuple[float, float] | None
) -> list[tuple]:  # type: ignore[type-arg]
    """What bears a word of every group. When even the rarest word is common, the nearest ones are looked at."""
    where = " AND ".join("words && %s::bigint[]" for _group in groups)
    values: list[object] = [list(group) for group in groups.values()]
    order = ""
    if min(often[g] for g in groups) > CANDIDATES:
        at = near or _middle()
        if at:
            order = "ORDER BY point <-> ST_SetSRID(ST_MakePoint(%s, %s), 4326)"
            values += list(at)
    statement = _BOTH if len(groups) > 1 and order else _THINGS
    cursor.execute(statement.format(where=where, order=order), [*values, CANDIDATES])  # type: ignore[attr-defined]
    return cursor.fetchall()  # type: ignore[attr-defined, no-any-return]


def _middle() -> tuple[float, float] | None:
    bounds = zones.town_bounds()
    return ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2) if bounds else None


def _ranked(
    rows: list[tuple],  # type: ignore[type-arg]
    tokens: list[str],
    groups: dict[int, dict[int, float]],
    often: dict[int, int],
    near: tuple[float, float] | None,
    limit: int,
) -> list[Hit]:
    """Words matched (rare ones count more), then how much of the name they cover, how well known it is, and how near."""
    total = sum(1 / math.log(3 + often.get(i, 0)) for i in range(len(tokens)))
    scored = []
    for source, ref, label, kind, weight, size, zone, words, lon, lat in rows:
        bears = set(words)
        got = matched = 0.0
        for number, group in groups.items():
            best = max((alike for word, alike in group.items() if word in bears), default=0.0)
            got += best / math.log(3 + often[number])
            matched += best > 0
        fit = got / total
        cover = min(1.0, matched / size) if size else 0.5
        distance = _metres(near, (lon, lat)) if near else 0.0
        score = 0.62 * fit + 0.16 * cover + 0.14 * weight / 100 + (0.08 / (1 + distance / 500) if near else 0.0)
        scored.append((score, -distance, source, ref, label, kind, zone, lon, lat, fit, cover))
    scored.sort(key=lambda s: (s[0], s[1]), reverse=True)
    hits: list[Hit] = []
    seen: set[tuple[str, int | None]] = set()
    for score, _distance, source, ref, label, kind, zone, lon, lat, fit, cover in scored:
        shown = label or _kind_name(kind)
        if (shown, zone) in seen:  # a street is many pieces: people want it once
            continue
        seen.add((shown, zone))
        in_zone = zones.zone(zone)
        detail = ", ".join(
            part for part in (_kind_name(kind) if label else "", in_zone.name if in_zone else "") if part
        )
        hits.append(
            Hit(
                kind if source == "f" else "zone",
                ref,
                shown,
                detail,
                lon,
                lat,
                round(score, 3),
                fit > 0.85 and cover >= 0.5,
            )
        )
        if len(hits) == limit:
            break
    if len(hits) > 1 and hits[0].sure and hits[1].sure and hits[0].score - hits[1].score < 0.02:
        hits = [Hit(**{**h.__dict__, "sure": False}) for h in hits]  # two that are alike: somebody must choose
    return hits


def _kind_name(kind: str) -> str:
    special = {"mosque": _("Mosque"), "church": _("Church"), "zone": _("District"), "address": _("Address")}
    found = kind_of(kind)
    return special.get(kind) or (found.name if found else "")


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance on a small part of the Earth, good to 1%."""
    x = math.radians(b[0] - a[0]) * math.cos(math.radians((a[1] + b[1]) / 2))
    return 6_371_000 * math.hypot(x, math.radians(b[1] - a[1]))


_REVERSE = """
SELECT n.label, n.kind, ST_Distance(n.point::geography, p.g::geography) AS d, (
    SELECT z.id FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, p.g) ORDER BY z.level DESC, z.id LIMIT 1)
FROM (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS g) p
LEFT JOIN LATERAL (
    SELECT label, kind, weight, point FROM territory_name WHERE weight >= 40 AND label <> '' AND source = 'f' ORDER BY point <-> p.g LIMIT 12
) n ON true
ORDER BY ST_Distance(n.point::geography, p.g::geography) * (1.6 - n.weight / 100.0) LIMIT 1
"""


def reverse(lon: float, lat: float, *, language: str | None = None) -> str:
    """Where a point is, in words: "near Marché central, 120 m, Zongo". "" when nothing is known around. One statement."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return ""
    with connection.cursor() as cursor:
        cursor.execute(_REVERSE, [lon, lat])
        row = cursor.fetchone()
    label, _kind, distance, zone = row or (None, None, None, None)
    where = zones.zone(zone)
    parts = []
    if label and distance is not None and distance < 3000:
        rounded = max(10, round(distance / 10) * 10)
        parts.append(
            label if distance < 15 else _("near %(landmark)s, %(metres)d m") % {"landmark": label, "metres": rounded}
        )
    if where:
        parts.append(where.name)
    return ", ".join(parts)
