"""Counts of cases, kept exact by statement triggers: what inboxes, statistics and maps read at a million cases.

Each is a sum that a new case changes by one: rows are added up in the order of their keys, so that two transactions that
touch the same ones wait for one another and never in a ring. A change that alters none of the keys writes nothing.

cases_count_team: open cases of a team by the day of their deadline. cases_count_zone, cases_count_topic: by month (UTC) of
opening, state, days that it took (-1: open; 99: 99 and more) and whether that was too late. cases_count_channel: by month.
cases_count_cell: public cases on grids of 12, 48, 190 and 760 metres (level 0, 2, 4, 6), with the sums of their coordinates.
"""

from django.db import migrations

CELL = 360 / 2**17 * 0.625 / 16  # as the finest cell of the territory's grid, halved four times

TABLES = """
CREATE TABLE cases_count_team (
    type text NOT NULL, team bigint NOT NULL, day date NOT NULL, n integer NOT NULL, PRIMARY KEY (type, team, day));
CREATE TABLE cases_count_zone (
    type text NOT NULL, month date NOT NULL, zone bigint NOT NULL, state text NOT NULL, took smallint NOT NULL,
    late boolean NOT NULL, n integer NOT NULL, PRIMARY KEY (type, month, zone, state, took, late));
CREATE TABLE cases_count_topic (
    type text NOT NULL, month date NOT NULL, topic bigint NOT NULL, state text NOT NULL, took smallint NOT NULL,
    late boolean NOT NULL, n integer NOT NULL, PRIMARY KEY (type, month, topic, state, took, late));
CREATE TABLE cases_count_channel (
    type text NOT NULL, month date NOT NULL, channel text NOT NULL, n integer NOT NULL, PRIMARY KEY (type, month, channel));
CREATE TABLE cases_count_cell (
    type text NOT NULL, level smallint NOT NULL, gx integer NOT NULL, gy integer NOT NULL, n integer NOT NULL,
    open integer NOT NULL, lon float8 NOT NULL, lat float8 NOT NULL, PRIMARY KEY (type, level, gx, gy));
"""
_TOOK = """
    SELECT type, (date_trunc('month', created AT TIME ZONE 'UTC'))::date AS month, {what}, state,
        CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400)))::smallint END AS took,
        COALESCE(closed > due, false) AS late, s
    FROM ({rows}) changed
"""


def adding(rows: str) -> str:
    """The statements that add up `rows`: a SELECT of cases with s, +1 or -1."""
    zone, topic = (
        f"""
INSERT INTO cases_count_{name} AS c (type, month, {name}, state, took, late, n)
SELECT type, month, {name}, state, took, late, sum(s) FROM ({_TOOK.format(what=what, rows=rows)}) k
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(s) <> 0 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (type, month, {name}, state, took, late) DO UPDATE SET n = c.n + excluded.n;"""
        for name, what in (("zone", "COALESCE(zone_id, 0) AS zone"), ("topic", "topic_id AS topic"))
    )
    return f"""
INSERT INTO cases_count_team AS c (type, team, day, n)
SELECT type, COALESCE(team_id, 0), COALESCE((due AT TIME ZONE 'UTC')::date, 'infinity'), sum(s) FROM ({rows}) changed WHERE open
GROUP BY 1, 2, 3 HAVING sum(s) <> 0 ORDER BY 1, 2, 3
ON CONFLICT (type, team, day) DO UPDATE SET n = c.n + excluded.n;
{zone}{topic}
INSERT INTO cases_count_channel AS c (type, month, channel, n)
SELECT type, (date_trunc('month', created AT TIME ZONE 'UTC'))::date, channel, sum(s) FROM ({rows}) changed
GROUP BY 1, 2, 3 HAVING sum(s) <> 0 ORDER BY 1, 2, 3
ON CONFLICT (type, month, channel) DO UPDATE SET n = c.n + excluded.n;
INSERT INTO cases_count_cell AS c (type, level, gx, gy, n, open, lon, lat)
SELECT type, level, gx >> level, gy >> level, sum(s), sum(s) FILTER (WHERE open), sum(s * x), sum(s * y)
FROM (SELECT type, open, s, x, y, floor((x + 180) / {CELL!r})::int AS gx, floor((y + 90) / {CELL!r})::int AS gy
      FROM (SELECT type, open, s, ST_X(point) AS x, ST_Y(point) AS y FROM ({rows}) changed WHERE public AND point IS NOT NULL) p) q,
    unnest(ARRAY[0, 2, 4, 6]) level
GROUP BY 1, 2, 3, 4 HAVING sum(s) <> 0 OR sum(s) FILTER (WHERE open) <> 0 OR abs(sum(s * x)) + abs(sum(s * y)) > 1e-9
ORDER BY 1, 2, 3, 4
ON CONFLICT (type, level, gx, gy) DO UPDATE
    SET n = c.n + excluded.n, open = c.open + COALESCE(excluded.open, 0), lon = c.lon + excluded.lon, lat = c.lat + excluded.lat;
""".replace("sum(s) FILTER (WHERE open), sum(s * x)", "COALESCE(sum(s) FILTER (WHERE open), 0), sum(s * x)")


_COLUMNS = "type, team_id, due, open, public, zone_id, topic_id, state, channel, created, closed, point"
_COME, _GONE = f"SELECT {_COLUMNS}, 1 AS s FROM come", f"SELECT {_COLUMNS}, -1 AS s FROM gone"


def function(name: str, rows: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {adding(rows)} RETURN NULL; END $$;"


SQL = (
    TABLES
    + function("cases_count_added", _COME)
    + function("cases_count_removed", _GONE)
    + function("cases_count_changed", f"{_COME} UNION ALL {_GONE}")
    + """
CREATE TRIGGER count_added AFTER INSERT ON cases_case REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_added();
CREATE TRIGGER count_removed AFTER DELETE ON cases_case REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_removed();
CREATE TRIGGER count_changed AFTER UPDATE ON cases_case REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_changed();
"""
    + adding(f"SELECT {_COLUMNS}, 1 AS s FROM cases_case")
)
UNDO = """
DROP TRIGGER count_added ON cases_case; DROP TRIGGER count_removed ON cases_case; DROP TRIGGER count_changed ON cases_case;
DROP FUNCTION cases_count_added(); DROP FUNCTION cases_count_removed(); DROP FUNCTION cases_count_changed();
DROP TABLE cases_count_team, cases_count_zone, cases_count_topic, cases_count_channel, cases_count_cell;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_step_flag")]
    operations = [migrations.RunSQL(SQL, UNDO)]
