"""Finding texts by their words: without accents, by stem in the language of each text, with spelling mistakes mended.

One index for all rooms of `documents`: a room says `index_text("act:12", ...)` when a text comes or changes, and asks
`search(...)`. Mistakes are looked for in a list of the words that there are, brought up to date by `count_words` every few
minutes; a word that is too new for it is found all the same.

What bounds the work: of words that stand in very many texts only the newest years are gone through, `LOOKED_AT` texts by title
and as many by body are put in order, and `COUNTED` is as far as they are counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from toguna.kernel import text

LANGUAGES = ("fr", "pt", "en")
LOOKED_AT, COUNTED = 150, 1000
# Texts that may be gone through for one question, and those whose order of words may be compared, which costs ten times more.
VISITED, COMPARED = 8_000, 600
WIDER = 4  # times as many when that gave less than a page
MOST_TOKENS = 12
LONGEST = 300_000  # characters of a text that are looked at: PostgreSQL keeps 1 MB of words of one
PAGE = 10
_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters: a text cannot hold markup of ours
_NOT_KEPT = dict.fromkeys((0, ord(_OPEN), ord(_CLOSE)))
_TOKEN = re.compile(r"(?<![\w-])-?\w+")


@dataclass(frozen=True)
class Facts:
    """What a text can be filtered by. since, until: the days from and to which it holds (until: the first day it does not)."""

    kind: str = ""
    place: str = ""
    year: int | None = None
    day: date | None = None
    since: date | None = None
    until: date | None = None
    public: bool = False


@dataclass(frozen=True)
class Wanted:
    """holding: only what holds on that day; public: only what everyone may read."""

    words: str
    source: str
    kind: str = ""
    place: str = ""
    year: int | None = None
    holding: date | None = None
    public: bool = True


@dataclass(frozen=True)
class Found:
    """subject: as it was indexed; extract: HTML with what was found in <mark>."""

    subject: str
    extract: SafeString


@dataclass(frozen=True)
class Results:
    """total: at most COUNTED, `many` when there are more; reachable: how many can be paged through; mended: words that nobody
    wrote -> what was looked for as well; newest: only the newest texts were gone through, there may be more among the others."""

    rows: Sequence[Found] = ()
    total: int = 0
    many: bool = False
    reachable: int = 0
    mended: Mapping[str, str] = field(default_factory=dict)
    newest: bool = False


# Beside its words a text is indexed with marks of what it is filtered by ("k:bylaw", "n:2023", "y:2023": no word has a colon).
_INDEX = """
WITH kept AS (INSERT INTO documents_text (subject, source, language, title, body, kind, place, year, day, since, until, public, title_tsv, tsv)
SELECT %(subject)s, split_part(%(subject)s, ':', 1), %(language)s, %(title)s, %(body)s, %(kind)s, %(place)s, %(year)s,
    day, %(since)s, %(until)s, %(public)s,
    to_tsvector(%(config)s, %(title)s) || marks,
    setweight(to_tsvector(%(config)s, %(title)s), 'A') || to_tsvector(%(config)s, %(body)s) || marks
FROM (SELECT COALESCE(%(day)s::date, current_date) AS day) d, LATERAL (SELECT array_to_tsvector(
    ARRAY['k:' || %(kind)s, 'n:' || COALESCE(%(year)s::text, ''), 'y:' || extract(year FROM day)]) AS marks) m
ON CONFLICT (subject) DO UPDATE SET language = EXCLUDED.language, title = EXCLUDED.title, body = EXCLUDED.body,
    kind = EXCLUDED.kind, place = EXCLUDED.place, year = EXCLUDED.year, day = EXCLUDED.day, since = EXCLUDED.since,
    until = EXCLUDED.until, public = EXCLUDED.public, title_tsv = EXCLUDED.title_tsv, tsv = EXCLUDED.tsv
RETURNING id)
INSERT INTO documents_text_fresh (id) SELECT id FROM kept ON CONFLICT DO NOTHING
"""


def index_text(subject: str, language: str, title: str, body: str, facts: Facts = Facts()) -> None:
    """Puts a text into the index, or anew, in the caller's transaction. subject: "source:id"; language: fr, pt or en."""
    said = {"title": title.translate(_NOT_KEPT), "body": body[:LONGEST].translate(_NOT_KEPT)}
    values = {**facts.__dict__, **said, "subject": subject, "language": language, "config": f"documents_{language}"}
    with connection.cursor() as cursor:
        cursor.execute(_INDEX, values)


def forget_text(subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_text WHERE subject = %s", [subject])


_COUNT = """
WITH fresh AS MATERIALIZED (
    DELETE FROM documents_text_fresh WHERE id IN (
        SELECT id FROM documents_text_fresh ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ) RETURNING id
), counted AS (
    INSERT INTO documents_word AS w (language, word, n)
    SELECT language, word, count(*) FROM (
        SELECT t.language, unnest(tsvector_to_array(to_tsvector('documents_plain', t.title || ' ' || t.body))) AS word
        FROM fresh JOIN documents_text t USING (id)
    ) words WHERE length(word) BETWEEN 2 AND 40 AND word !~ '[^[:alpha:]]' GROUP BY 1, 2
    UNION ALL SELECT '', 'y:' || extract(year FROM t.day), count(*) FROM fresh JOIN documents_text t USING (id) GROUP BY 2
    ORDER BY 1, 2
    ON CONFLICT (language, word) DO UPDATE SET n = w.n + EXCLUDED.n
)
SELECT count(*) FROM fresh
"""


def count_words(at_once: int = 5000) -> int:
    """Takes the words of new and changed texts into the list of words. Returns how many texts that were.

    A text that changed counts again for its words: the numbers only say which words are common."""
    done = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_COUNT, [at_once])
            count: int = cursor.fetchone()[0]
        done += count
        if count < at_once:
            return done


def keep_words() -> None:
    """Every few minutes."""
    count_words()


def count_again() -> None:
    """The list of words from nothing, so that words of texts that are gone do not stay. Once a week."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_word")
        cursor.execute("INSERT INTO documents_text_fresh (id) SELECT id FROM documents_text ON CONFLICT DO NOTHING")
    count_words()


# The planner does not know that a text's words stand beside its row: to read all rows looks cheap to it, and is not. And two
# letters that changed places leave little alike: words are looked for wider than elsewhere. For these statements only.
_PLANNING = """SELECT set_config('enable_seqscan', %s, true), set_config('jit', %s, true),
    set_config('pg_trgm.similarity_threshold', %s, true)"""
_KNOWN = """
SELECT l.language, t.token, COALESCE(w.n, 0)
FROM unnest(%s::text[]) l(language) CROSS JOIN unnest(%s::text[]) t(token)
LEFT JOIN documents_word w ON w.language = l.language AND w.word = t.token
WHERE (SELECT true FROM documents_text d WHERE d.language = l.language LIMIT 1)  -- EXISTS would be a join with them all
UNION ALL SELECT '', substr(word, 3), n FROM documents_word WHERE language = ''
"""
_LIKE = """
SELECT t.token, w.word, w.n, to_tsvector(('documents_' || w.language)::regconfig, t.token)
    @@ plainto_tsquery(('documents_' || w.language)::regconfig, w.word)
FROM unnest(%s::text[]) t(token) CROSS JOIN LATERAL (
    SELECT word, language, n FROM (
        SELECT word, language, n, levenshtein_less_equal(word, t.token, 2) AS far FROM documents_word WHERE word %% t.token
        UNION ALL (SELECT word, language, n, 2 FROM documents_word WHERE word LIKE t.token || '%%' ORDER BY n DESC LIMIT 1)
        UNION ALL (  -- two letters that changed places
            SELECT word, language, n, 1 FROM documents_word JOIN (
                SELECT left(t.token, i - 1) || substr(t.token, i + 1, 1) || substr(t.token, i, 1) || substr(t.token, i + 2) AS swapped
                FROM generate_series(1, length(t.token) - 1) i
            ) s ON word IN (swapped, swapped || 's')
        )
    ) near WHERE far <= CASE WHEN length(t.token) < 5 THEN 1 ELSE 2 END OR starts_with(word, t.token)
    ORDER BY far, n DESC, word LIMIT 1
) w
"""


def _mended(cursor: Any, tokens: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Words that are in no text -> the one that is likeliest meant, and how many texts have it."""
    asked = [t for t in tokens if len(t) >= 4]
    if not asked:
        return {}
    cursor.execute(_LIKE, [asked])
    # "marché" where there is only "marchés": their stem is the same, it is found as it is.
    return {token: (word, n) for token, word, n, same_stem in cursor.fetchall() if not same_stem}


_SEARCH = """
WITH body AS MATERIALIZED (
    SELECT id, day FROM documents_text d WHERE {matches} AND {filters}
), titled AS MATERIALIZED (
    SELECT id, day FROM documents_text d WHERE {titles} AND {filters} LIMIT 5000
), chosen AS MATERIALIZED (
    (SELECT id FROM titled ORDER BY day DESC, id LIMIT %(looked)s) UNION (SELECT id FROM body ORDER BY day DESC, id LIMIT %(looked)s)
), ranked AS MATERIALIZED (
    SELECT id, ts_rank('{{0.1, 0.2, 0.4, 1.0}}', d.tsv, {query}, 1) AS score, d.day FROM chosen JOIN documents_text d USING (id)
    ORDER BY score DESC, d.day DESC, id LIMIT %(most)s OFFSET %(start)s
), counted AS (SELECT count(*) AS n FROM body), reached AS (SELECT count(*) AS n FROM chosen)
SELECT d.subject, ts_headline(('documents_' || d.language)::regconfig, d.body, {query},
        'MaxFragments=2, MaxWords=22, MinWords=9, FragmentDelimiter=" … ", StartSel=' || %(open)s || ', StopSel=' || %(close)s),
    counted.n, reached.n
FROM counted CROSS JOIN reached LEFT JOIN (ranked JOIN documents_text d USING (id)) ON true
ORDER BY ranked.score DESC, ranked.day DESC, ranked.id
"""


def search(wanted: Wanted, page: int = 1) -> Results:
    """What has these words, the best first; words as people type them for a search engine: "in this order", or, -without.
    Four statements, five when a word is misspelt, six when the newest texts gave less than a page."""
    typed = text.clean(wanted.words)[:200]
    tokens = list(dict.fromkeys(_tokens(typed)))[:MOST_TOKENS]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PLANNING, ["off", "off", "0.24"])
        cursor.execute(_KNOWN, [list(LANGUAGES), tokens or [""]])
        rows = cursor.fetchall()
        languages = sorted({language for language, *_rest in rows if language})
        often: dict[str, int] = {}
        for _language, token, n in (row for row in rows if row[0]):
            often[token] = often.get(token, 0) + n
        years = {int(year): n for language, year, n in rows if not language}
        likely = _mended(cursor, [t for t in tokens if not often.get(t)])
        mended = {token: word for token, (word, _n) in likely.items()}
        often |= {token: n for token, (_word, n) in likely.items()}
        ways = {code: _ways(code, typed, mended) for code in languages}
        found: list[Any] = [(None, None, 0, 0)]
        share = 1.0
        if ways and typed:
            share = _share(typed, [often.get(t, 0) for t in tokens], years, narrow=bool(wanted.year))
            for part in (share, share * WIDER):
                share = part
                within = _within(wanted, years, share)
                cursor.execute(_sql(wanted, ways, bool(within)), {**_values(wanted, ways, page), "within": within})
                found = cursor.fetchall()
                if share >= 1 or found[0][3] >= PAGE:
                    break
        cursor.execute(_PLANNING, ["on", "on", "0.3"])
    count, reached = found[0][2], found[0][3]
    return Results(
        [Found(subject, _marked(extract)) for subject, extract, _n, _r in found if subject is not None],
        min(count, COUNTED),
        count > COUNTED,
        reached,
        mended,
        share < 1 and count <= COUNTED,
    )


def _share(typed: str, often: Sequence[int], years: Mapping[int, int], *, narrow: bool) -> float:
    """Which part of all texts, the newest, can be gone through for these words: 1 or more when all can."""
    texts = sum(years.values())
    if not often or not texts:
        return 1
    either = " or " in typed.lower()
    likely = float(sum(often)) if either else texts * math.prod(min(1.0, n / texts) for n in often)
    if narrow:
        likely /= max(1, len(years))
    most = COMPARED if '"' in typed or "-" in typed else VISITED
    return min(1.0, most / likely) if likely else 1


def _within(wanted: Wanted, years: Mapping[int, int], share: float) -> str:
    """What a text must be for its words to be looked at, as a query of the marks that it is indexed with (see _INDEX): the
    index itself then leaves the others out, before any text is opened."""
    marks = [f"k:{wanted.kind}"] if wanted.kind else []
    marks += [f"n:{wanted.year}"] if wanted.year else []
    parts = [_mark(mark) for mark in marks]
    if share < 1:
        kept, left = {date.today().year}, share * sum(years.values())
        for year in sorted(years, reverse=True):
            if left <= 0:
                break
            kept.add(year)
            left -= years[year]
        parts.append("(" + " | ".join(_mark(f"y:{year}") for year in sorted(kept)) + ")")
    return " & ".join(parts)


def _mark(mark: str) -> str:
    return "'" + mark.replace("\\", "\\\\").replace("'", "''") + "'"


def _tokens(typed: str) -> list[str]:
    """The words that may be misspelt, folded: no numbers, none that is not wanted."""
    found = (m[0] for m in _TOKEN.finditer(typed))
    return [w for t in found if not t.startswith("-") for w in text.fold(t).split() if w.isalpha() and w != "or"]


def _with(typed: str, change: Callable[[str], str]) -> str:
    """What was typed with each word that is wanted changed, the rest (quotes, "or", -without) as it is."""
    return _TOKEN.sub(lambda m: m[0] if m[0].startswith("-") else change(m[0]), typed)


def _ways(language: str, typed: str, mended: Mapping[str, str]) -> list[str]:
    """How the words may stand in texts of that language."""
    ways = [typed, _with(typed, lambda word: mended.get(text.fold(word), word))] if mended else [typed]
    if language == "pt":  # without its tilde the stemmer does not see that "reuniões" are more than one "reunião"
        for ending, other in ((r"(?:õ|o)es$", "ão"), (r"(?:ã|a)o$", "ões")):
            ways += [_with(way, lambda word, e=ending, o=other: re.sub(e, o, word)) for way in ways[:2]]  # type: ignore[misc]
    return list(dict.fromkeys(ways))


def _values(wanted: Wanted, ways: Mapping[str, Sequence[str]], page: int) -> dict[str, Any]:
    return {
        **{f"{code}{n}": way for code, each in ways.items() for n, way in enumerate(each)},
        "source": wanted.source,
        "kind": wanted.kind,
        "place": wanted.place,
        "year": wanted.year,
        "holding": wanted.holding,
        "looked": LOOKED_AT,
        "most": PAGE,
        "start": (max(1, page) - 1) * PAGE,
        "open": _OPEN,
        "close": _CLOSE,
    }


def _sql(wanted: Wanted, ways: Mapping[str, Sequence[str]], within: bool) -> str:
    """The statement for what is wanted. Queries are written out in it, each in its language, so that the planner sees how
    rare its words are."""

    def query(code: str) -> str:
        each = (f"websearch_to_tsquery('documents_{code}', %({code}{n})s)" for n in range(len(ways[code])))
        return "(" + " || ".join(each) + ")"

    def matching(column: str, also: str = "") -> str:
        each = (f"(d.language = '{code}' AND d.{column} @@ ({query(code)}{also}))" for code in ways)
        return "(" + " OR ".join(each) + ")"

    also = " && %(within)s::tsquery" if within else ""
    filters = ["d.source = %(source)s"]
    filters += ["d.public"] if wanted.public else []
    filters += [f"d.{name} = %({name})s" for name in ("kind", "place", "year") if getattr(wanted, name)]
    if wanted.holding:
        filters.append("d.since <= %(holding)s AND (d.until IS NULL OR d.until > %(holding)s)")
    cases = " ".join(f"WHEN '{code}' THEN {query(code)}" for code in ways)
    return _SEARCH.format(
        matches=matching("tsv", also),
        titles=matching("title_tsv", also),
        filters=" AND ".join(filters),
        query=f"CASE d.language {cases} END" if len(ways) > 1 else query(next(iter(ways))),
    )


def _marked(extract: str) -> SafeString:
    return mark_safe(escape(extract).replace(_OPEN, "<mark>").replace(_CLOSE, "</mark>"))  # noqa: S308 - escaped before
