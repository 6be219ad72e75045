"""The counts of 0007, without waiting: a change of a case appends its difference to `cases_count_delta`, and a task adds
these up (`cases_count_compact`) into the tables `cases_kept_*`. The names that are read, `cases_count_*`, are now views of
both, so that every statement still sees exact counts, and may see several rows of one key.

Adding up in the trigger itself made every report of a channel wait for the one before, its photos included, and two
transactions with several cases each, as a split or a merge, wait in a ring.
"""

from importlib import import_module

from django.db import migrations

before = import_module("toguna.engines.cases.migrations.0007_counts")

DELTA = """
CREATE TABLE cases_count_delta (
    type text NOT NULL, team bigint NOT NULL, day date NOT NULL, open boolean NOT NULL, month date NOT NULL, zone bigint NOT NULL,
    topic bigint NOT NULL, state text NOT NULL, took smallint NOT NULL, late boolean NOT NULL, channel text NOT NULL,
    gx integer, gy integer, n integer NOT NULL, lon float8, lat float8);
"""
# table: (its keys, what is summed, and as which of the delta's rows)
LEVELS = "d, unnest(ARRAY[0, 2, 4, 6]::smallint[]) l(level) WHERE gx IS NOT NULL"
PARTS = {
    "team": ("type, team, day", "n", "type, team, day", "n", "d WHERE open"),
    "zone": ("type, month, zone, state, took, late", "n", "type, month, zone, state, took, late", "n", "d"),
    "topic": ("type, month, topic, state, took, late", "n", "type, month, topic, state, took, late", "n", "d"),
    "channel": ("type, month, channel", "n", "type, month, channel", "n", "d"),
    "cell": (
        "type, level, gx, gy", "n, open, lon, lat",
        "type, level, gx >> level AS gx, gy >> level AS gy", "n, CASE WHEN open THEN n ELSE 0 END AS open, lon, lat", LEVELS,
    ),
}  # fmt: skip


def view(name: str, parts: dict[str, tuple[str, str, str, str, str]] = PARTS) -> str:
    keys, sums, fresh_keys, fresh_sums, rows = parts[name]
    return f"""
ALTER TABLE cases_count_{name} RENAME TO cases_kept_{name};
CREATE VIEW cases_count_{name} AS SELECT {keys}, {sums} FROM cases_kept_{name}
UNION ALL SELECT {fresh_keys}, {fresh_sums} FROM cases_count_delta {rows};"""


def _adding(keys: str, sums: str, fresh_keys: str, fresh_sums: str, rows: str, *, name: str) -> str:
    names = sums.split(", ")
    return f"""
INSERT INTO cases_kept_{name} AS c ({keys}, {sums})
SELECT {keys}, {", ".join(f"sum({s})" for s in names)} FROM (SELECT {fresh_keys}, {fresh_sums} FROM taken {rows}) q GROUP BY {keys}
ON CONFLICT ({keys}) DO UPDATE SET {", ".join(f"{s} = c.{s} + excluded.{s}" for s in names)}"""


def compacting(parts: dict[str, tuple[str, str, str, str, str]] = PARTS) -> str:
    return f"""
CREATE OR REPLACE FUNCTION cases_count_compact() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE found bigint; BEGIN
IF NOT pg_try_advisory_xact_lock('cases_count_delta'::regclass::bigint) THEN RETURN 0; END IF;
WITH taken AS (DELETE FROM cases_count_delta RETURNING *),
{", ".join(f"{name} AS ({_adding(*part, name=name)})" for name, part in parts.items())}
SELECT count(*) INTO found FROM taken;
IF found > 0 THEN {"".join(f"DELETE FROM cases_kept_{name} WHERE n = 0; " for name in parts)}END IF;
RETURN found; END $$;"""


def emptying(parts: dict[str, tuple[str, str, str, str, str]] = PARTS) -> str:
    return f"""
CREATE OR REPLACE FUNCTION cases_count_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
TRUNCATE cases_count_delta, {", ".join(f"cases_kept_{name}" for name in parts)}; RETURN NULL; END $$;"""


def appending(name: str, rows: str) -> str:
    """A trigger's function. rows: a SELECT of cases with s, +1 or -1. What alters none of the keys appends nothing."""
    return f"""
CREATE FUNCTION cases_count_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO cases_count_delta
SELECT type, COALESCE(team_id, 0), COALESCE((due AT TIME ZONE 'UTC')::date, 'infinity'), open,
    (date_trunc('month', created AT TIME ZONE 'UTC'))::date, COALESCE(zone_id, 0), topic_id, state,
    CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400)))::smallint END,
    COALESCE(closed > due, false), channel,
    floor((x + 180) / {before.CELL!r})::int, floor((y + 90) / {before.CELL!r})::int, sum(s), sum(s * x), sum(s * y)
FROM (SELECT *, CASE WHEN public THEN ST_X(point) END AS x, CASE WHEN public THEN ST_Y(point) END AS y FROM ({rows}) c) changed
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
HAVING sum(s) <> 0 OR abs(sum(s * x)) + abs(sum(s * y)) > 1e-9;
RETURN NULL; END $$;"""


SQL = f"""
DROP TRIGGER count_added ON cases_case; DROP TRIGGER count_removed ON cases_case; DROP TRIGGER count_changed ON cases_case;
DROP FUNCTION cases_count_added(); DROP FUNCTION cases_count_removed(); DROP FUNCTION cases_count_changed();
{DELTA}{"".join(map(view, PARTS))}
{compacting()}
{appending("added", before._COME)}
{appending("removed", before._GONE)}
{appending("changed", f"{before._COME} UNION ALL {before._GONE}")}
{emptying()}
CREATE TRIGGER count_added AFTER INSERT ON cases_case REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_added();
CREATE TRIGGER count_removed AFTER DELETE ON cases_case REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_removed();
CREATE TRIGGER count_changed AFTER UPDATE ON cases_case REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION cases_count_changed();
CREATE TRIGGER count_emptied AFTER TRUNCATE ON cases_case FOR EACH STATEMENT EXECUTE FUNCTION cases_count_emptied();
"""
UNDO = f"""
DROP TRIGGER count_added ON cases_case; DROP TRIGGER count_removed ON cases_case; DROP TRIGGER count_changed ON cases_case;
DROP TRIGGER count_emptied ON cases_case;
DROP FUNCTION cases_count_added(); DROP FUNCTION cases_count_removed(); DROP FUNCTION cases_count_changed();
DROP FUNCTION cases_count_emptied(); DROP FUNCTION cases_count_compact();
DROP VIEW {", ".join(f"cases_count_{name}" for name in PARTS)};
DROP TABLE cases_count_delta, {", ".join(f"cases_kept_{name}" for name in PARTS)};
{before.SQL}
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0009_lately")]
    operations = [migrations.RunSQL(SQL, UNDO)]
