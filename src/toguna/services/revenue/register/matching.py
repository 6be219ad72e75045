"""Who the lines of a table may be of those who are in the register: all at once, as one by one would find them.

A line is weighed against whoever has its tax number, its telephone, a name alike close by, or a name that is nearly the same. The last
are found by names, not by lines, and by keys: two names of which 91 of a hundred of the threes of letters (trigrams) are the same have
three in common among the few that are rarest in each, so only names that share such a key are compared. None is missed by it.
"""

from __future__ import annotations

from django.db import connection

LEAST = 55  # of a hundred: may be the same
NEAR = 0.0004  # degrees: some 45 metres
_ALONE, _CLOSE = (LEAST - 0.5) / 60, (LEAST - 15.5) / 60  # how alike a name must be that is all there is; that is near

_LINES = """
CREATE TEMPORARY TABLE revenue_line ON COMMIT DROP AS
SELECT id, values ->> 'folded' AS folded, values ->> 'phone' AS phone, values ->> 'tax_number' AS tax_number,
    CASE WHEN values ? 'lon' THEN ST_SetSRID(ST_MakePoint((values ->> 'lon')::float8, (values ->> 'lat')::float8), 4326) END AS point
FROM revenue_import_row WHERE run_id = %(run)s AND problem = ''
"""
# Each name once, however many have it; `rare`: the ranks of its rarest threes of letters, as many as it may lack and three more.
_NAMES = f"""
CREATE TEMPORARY TABLE revenue_name ON COMMIT DROP AS
WITH named AS MATERIALIZED (
    SELECT row_number() OVER ()::int AS n, folded, show_trgm(folded) AS grams, here, sent FROM (
        SELECT folded, bool_or(here) AS here, bool_or(NOT here) AS sent FROM (
            SELECT folded, true AS here FROM revenue_taxpayer WHERE active UNION ALL SELECT folded, false FROM revenue_line
        ) names GROUP BY folded
    ) once
), gram AS MATERIALIZED (SELECT n, unnest(grams) AS gram FROM named),
rank AS (SELECT gram, row_number() OVER (ORDER BY count(*), gram)::int AS rank FROM gram GROUP BY gram),
ranked AS (SELECT n, array_agg(rank ORDER BY rank) AS ranks, count(*)::int AS size FROM gram JOIN rank USING (gram) GROUP BY n)
SELECT n, folded, here, sent, size, ranks[:size - ceil({_ALONE} * size - 0.001)::int + 3] AS rare FROM named JOIN ranked USING (n)
"""
_ALIKE = f"""
CREATE TEMPORARY TABLE revenue_name_alike ON COMMIT DROP AS
WITH key AS MATERIALIZED (
    SELECT n, here, sent, size, one.rank AS one, two.rank AS two, three.rank AS three FROM revenue_name
    CROSS JOIN LATERAL unnest(rare) WITH ORDINALITY one(rank, place)
    JOIN LATERAL unnest(rare) WITH ORDINALITY two(rank, place) ON two.place > one.place
    JOIN LATERAL unnest(rare) WITH ORDINALITY three(rank, place) ON three.place > two.place
), pair AS (
    SELECT a.n AS sent, b.n AS here FROM key a JOIN key b USING (one, two, three)
    WHERE a.sent AND b.here AND b.size BETWEEN a.size * {_ALONE - 0.001} AND a.size / {_ALONE - 0.001}
    UNION SELECT n, n FROM revenue_name WHERE sent AND here
)
SELECT a.folded AS sent, b.folded AS here FROM pair JOIN revenue_name a ON a.n = pair.sent JOIN revenue_name b ON b.n = pair.here
WHERE similarity(a.folded, b.folded) >= {_ALONE - 0.001}
"""
# Of those who have nothing but the name alike, the first stands for all: they weigh the same, but for a tax number that is another.
_BEST = f"""
UPDATE revenue_import_row r SET same_id = best.taxpayer, score = best.score FROM (
    SELECT DISTINCT ON (line) line, taxpayer, score FROM (
        SELECT l.id AS line, t.id AS taxpayer, LEAST(99, round(60 * similarity(t.folded, l.folded)
            + CASE WHEN t.phone <> '' AND t.phone = l.phone THEN 35 ELSE 0 END
            + CASE WHEN t.tax_number <> '' AND t.tax_number = l.tax_number THEN 60 ELSE 0 END
            - CASE WHEN t.tax_number <> '' AND l.tax_number NOT IN ('', t.tax_number) THEN 40 ELSE 0 END
            + CASE WHEN ST_Expand(t.point, {NEAR}) && l.point THEN 15 ELSE 0 END))::int AS score
        FROM (
            SELECT l.id AS line, t.id AS taxpayer FROM revenue_line l JOIN revenue_taxpayer t ON t.tax_number = l.tax_number AND t.tax_number <> ''
            UNION SELECT l.id, t.id FROM revenue_line l JOIN revenue_taxpayer t ON t.phone = l.phone AND t.phone <> ''
            UNION SELECT l.id, t.id FROM revenue_line l JOIN revenue_taxpayer t ON t.point && ST_Expand(l.point, {NEAR})
                AND similarity(t.folded, l.folded) >= {_CLOSE - 0.001}
            UNION SELECT l.id, unnest(ARRAY[first.any_of, first.without]) FROM revenue_line l JOIN revenue_name_alike a ON a.sent = l.folded
            JOIN (SELECT folded, min(id) AS any_of, min(id) FILTER (WHERE tax_number = '') AS without
                  FROM revenue_taxpayer WHERE active GROUP BY folded) first ON first.folded = a.here
        ) pair JOIN revenue_line l ON l.id = pair.line JOIN revenue_taxpayer t ON t.id = pair.taxpayer AND t.active
    ) weighed WHERE score >= {LEAST} ORDER BY line, score DESC, taxpayer
) best WHERE r.id = best.line
"""


def match(run: int) -> None:
    """Writes on each line of a table that can be brought the one who weighs most, the first of them, from LEAST up. In the caller's
    transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_LINES, {"run": run})
        cursor.execute("ANALYZE revenue_line")
        cursor.execute(_NAMES)
        cursor.execute("ANALYZE revenue_name")
        cursor.execute(_ALIKE)
        cursor.execute("ANALYZE revenue_name_alike")
        cursor.execute(_BEST)
        cursor.execute("DROP TABLE revenue_line, revenue_name, revenue_name_alike")
