"""Map tiles of 1,000,000 reports, made anew each time: the worst of every zoom.

Method: `_million.timed`, for two tiles of each zoom: the one with most reports, and the one with most among those that are
drawn one by one. The slowest of all is the result. Rival: the target.
"""

from __future__ import annotations

import psycopg

from bench import Result, _million

TARGET, ZOOMS, ONE_BY_ONE = 50.0, range(21), 1500
_FULLEST = """
SELECT x, y FROM (
    SELECT floor((ST_X(point) + 180) / 360 * %(n)s)::int AS x,
        floor((1 - asinh(tand(ST_Y(point))) / pi()) / 2 * %(n)s)::int AS y, count(*) AS reports
    FROM cases_case WHERE type = 'reports' AND public AND point IS NOT NULL GROUP BY 1, 2) tiles
WHERE reports <= %(most)s ORDER BY reports DESC LIMIT 1
"""


def run() -> Result:
    database = _million.ready()
    try:
        paths = []
        with psycopg.connect(database.dsn()) as sql:
            for z in ZOOMS:
                for most in (10**9, ONE_BY_ONE):
                    row = sql.execute(_FULLEST, {"n": 2.0**z, "most": most}).fetchone()
                    paths += [f"/tiles/reports/{z}/{row[0]}/{row[1]}.mvt"] if row else []
        found = _million.timed(list(dict.fromkeys(paths)))
    finally:
        database.stop()
    worst = max(found, key=lambda path: found[path][0])
    took = found[worst][0]
    return Result(
        "report-tiles", "ms", round(took, 1), TARGET, "target", round(TARGET / took, 2),
        f"the slowest of {len(found)} tiles of zooms {ZOOMS[0]} to {ZOOMS[-1]} ({worst}), {_million.OF}",
    )  # fmt: skip
