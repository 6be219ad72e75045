"""The index of names: which words there are, and what on the ground bears them. Built set by set, in SQL.

A thing is found by the words of its name in every language, of its kind ("école", "escola", "school"), and of the
district it stands in: "pharmacie Hamdallaye" finds one that has no name at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from toguna.engines.territory.kinds import kinds
from toguna.kernel import text

# Weight of what is no facility: how likely people are to say it.
_STREETS = {
    "motorway": 45, "trunk": 50, "primary": 50, "secondary": 48, "tertiary": 45, "residential": 38, "pedestrian": 42,
    "living_street": 38, "unclassified": 38,
}  # fmt: skip
_PLACES = {
    "city": 95,
    "town": 90,
    "suburb": 80,
    "quarter": 80,
    "neighbourhood": 75,
    "village": 75,
    "hamlet": 60,
    "locality": 50,
    "square": 65,
}

# What is indexed: (source, ref, label, all names, kind, weight, zone, point).
_THINGS = """
    SELECT 'f' AS source, f.id AS ref,
        CASE WHEN l.slug = 'addresses' THEN concat_ws(' ', f.attrs ->> 'addr:housenumber', f.attrs ->> 'addr:street') ELSE f.name END AS label,
        (SELECT string_agg(value, ' ') FROM jsonb_each_text(f.names)) AS names,
        f.kind, COALESCE(w.weight, CASE WHEN f.name <> '' OR l.slug = 'addresses' THEN 25 ELSE 0 END) AS weight, w.words AS kind_words,
        ST_PointOnSurface(f.geom) AS point
    FROM territory_feature f
    JOIN territory_layer l ON l.id = f.layer_id AND l.public
    LEFT JOIN kind_words w ON w.kind = f.kind AND w.layer = CASE WHEN l.slug IN ('streets', 'places') THEN l.slug ELSE '' END
    WHERE f.valid_to IS NULL AND (f.name <> '' OR (COALESCE(w.weight, 0) >= 20 AND l.slug NOT IN ('streets', 'places'))
        OR (l.slug = 'addresses' AND f.attrs ? 'addr:street')) {only}
"""
_ZONES = """
    UNION ALL
    SELECT 'z', z.id, z.name, (SELECT string_agg(value, ' ') FROM jsonb_each_text(z.names)), 'zone',
        (95 - 5 * z.level)::int, 'quartier bairro district', ST_PointOnSurface(z.geom)
    FROM territory_zone z WHERE z.closed IS NULL
"""
# The words of a thing, each once; its own name's come with their number, for ranking.
_FILL = """
CREATE TEMP TABLE thing ON COMMIT DROP AS
SELECT t.*, z.id AS zone, z.name AS zone_name, toguna_fold(t.label) AS folded
FROM ({things}) t
LEFT JOIN LATERAL (
    SELECT z.id, z.name FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, t.point) ORDER BY z.level DESC, z.id LIMIT 1
) z ON t.source = 'f';
CREATE TEMP TABLE thing_word ON COMMIT DROP AS
SELECT DISTINCT t.source, t.ref, w.word
FROM thing t, regexp_split_to_table(concat_ws(' ', t.folded, toguna_fold(t.names), t.kind_words, toguna_fold(t.zone_name)), ' +') AS w(word)
WHERE w.word <> '';
INSERT INTO territory_word (word) SELECT DISTINCT word FROM thing_word ON CONFLICT DO NOTHING;
"""
_NAMES = """
INSERT INTO {table} (source, ref, label, kind, weight, size, zone, words, point)
SELECT t.source, t.ref, t.label, t.kind, LEAST(100, t.weight), LEAST(99, cardinality(string_to_array(t.folded, ' '))), t.zone, w.ids, t.point
FROM thing t JOIN (
    SELECT source, ref, array_agg(v.id) AS ids FROM thing_word JOIN territory_word v USING (word) GROUP BY source, ref
) w USING (source, ref)
"""


def _kind_words() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS kind_words, thing, thing_word")
        cursor.execute(
            "CREATE TEMP TABLE kind_words (layer text, kind text, weight smallint, words text) ON COMMIT DROP"
        )
        rows = [
            ("", k.kind, k.weight, " ".join(sorted({text.fold(w) for w in k.names.values()}))) for k in kinds().values()
        ]
        rows += [("", "mosque", 75, "mosquee mesquita mosque"), ("", "church", 70, "eglise igreja church")]
        rows += [("streets", kind, weight, "") for kind, weight in _STREETS.items()]
        rows += [("places", kind, weight, "") for kind, weight in _PLACES.items()]
        cursor.executemany("INSERT INTO kind_words VALUES (%s, %s, %s, %s)", rows)


def rebuild() -> None:
    """Makes the whole index anew beside the old one, which answers until the new one is whole. After an import."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '96MB'")
        _kind_words()
        cursor.execute("ANALYZE kind_words")  # else the plan hashes every building instead of these few rows
        cursor.execute(_FILL.format(things=_THINGS.format(only="") + _ZONES))
        cursor.execute("CREATE TABLE territory_name_new (LIKE territory_name INCLUDING DEFAULTS)")
        cursor.execute(_NAMES.format(table="territory_name_new"))
        cursor.execute("ALTER SEQUENCE territory_name_id_seq OWNED BY NONE")
        cursor.execute("DROP TABLE territory_name")
        cursor.execute("ALTER TABLE territory_name_new RENAME TO territory_name")
        cursor.execute("ALTER SEQUENCE territory_name_id_seq OWNED BY territory_name.id")
        cursor.execute("""
            ALTER TABLE territory_name ADD PRIMARY KEY (id);
            CREATE INDEX territory_name_words ON territory_name USING gin (words);
            CREATE INDEX territory_name_point ON territory_name USING gist (point);
            CREATE INDEX territory_name_known ON territory_name USING gist (point) WHERE weight >= 40 AND label <> '';
            CREATE INDEX territory_name_ref ON territory_name (source, ref);
            UPDATE territory_word w SET n = c.n FROM (SELECT unnest(words) AS id, count(*) AS n FROM territory_name GROUP BY 1) c
                WHERE c.id = w.id AND w.n <> c.n;
            DELETE FROM territory_word w WHERE NOT EXISTS (SELECT FROM thing_word t WHERE t.word = w.word);
        """)
        cursor.execute("ANALYZE territory_name")
        cursor.execute("ANALYZE territory_word")


def refresh(features: Iterable[int]) -> None:
    """After an edit: the names of these features again, in the caller's transaction."""
    ids = list(features)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM territory_name WHERE source = 'f' AND ref = ANY(%s)", [ids])
        _kind_words()
        only = "AND f.id = ANY(ARRAY[{}]::bigint[])".format(",".join(str(int(i)) for i in ids))
        cursor.execute(_FILL.format(things=_THINGS.format(only=only)))
        cursor.execute(_NAMES.format(table="territory_name"))
        cursor.execute(
            "UPDATE territory_word w SET n = GREATEST(n, 1) WHERE n = 0 AND EXISTS (SELECT FROM thing_word t WHERE t.word = w.word)"
        )
