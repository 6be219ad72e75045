"""Counts of points and buildings on a fine grid, kept exact by statement triggers: what tiles below zoom 14 read.

A cell holds how many features stand in it and the sum of their longitudes and latitudes (their middle). Coarser cells
are sums of finer ones. The triggers see a whole statement at once (transition tables), so an import of a million rows
costs one grouped insert, not a million.
"""

from django.db import migrations

CELL = 360 / 2**17 * 0.625

SQL = f"""
CREATE TABLE territory_grid (
    layer_id bigint NOT NULL,
    gx integer NOT NULL, gy integer NOT NULL,
    n integer NOT NULL, lon float8 NOT NULL, lat float8 NOT NULL,
    PRIMARY KEY (layer_id, gx, gy)
);
CREATE FUNCTION territory_grid_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO territory_grid AS g (layer_id, gx, gy, n, lon, lat)
    SELECT layer_id, floor((x + 180) / {CELL!r})::int, floor((y + 90) / {CELL!r})::int, count(*), sum(x), sum(y)
    FROM (SELECT layer_id, ST_X(p) AS x, ST_Y(p) AS y FROM added,
          LATERAL (SELECT CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_Centroid(geom) END AS p) c
          WHERE valid_to IS NULL) s
    GROUP BY 1, 2, 3
    ON CONFLICT (layer_id, gx, gy) DO UPDATE SET n = g.n + excluded.n, lon = g.lon + excluded.lon, lat = g.lat + excluded.lat;
    RETURN NULL;
END $$;
CREATE FUNCTION territory_grid_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE territory_grid g SET n = g.n - r.n, lon = g.lon - r.x, lat = g.lat - r.y
    FROM (SELECT layer_id, floor((x + 180) / {CELL!r})::int AS gx, floor((y + 90) / {CELL!r})::int AS gy, count(*) AS n, sum(x) AS x, sum(y) AS y
          FROM (SELECT layer_id, ST_X(p) AS x, ST_Y(p) AS y FROM removed,
                LATERAL (SELECT CASE WHEN GeometryType(geom) = 'POINT' THEN geom ELSE ST_Centroid(geom) END AS p) c
                WHERE valid_to IS NULL) s
          GROUP BY 1, 2, 3) r
    WHERE g.layer_id = r.layer_id AND g.gx = r.gx AND g.gy = r.gy;
    RETURN NULL;
END $$;
CREATE TRIGGER grid_added AFTER INSERT ON territory_feature REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION territory_grid_added();
CREATE TRIGGER grid_removed AFTER DELETE ON territory_feature REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION territory_grid_removed();
CREATE TRIGGER grid_changed_from AFTER UPDATE ON territory_feature REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION territory_grid_removed();
CREATE TRIGGER grid_changed_to AFTER UPDATE ON territory_feature REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION territory_grid_added();
INSERT INTO territory_grid (layer_id, gx, gy, n, lon, lat)
SELECT layer_id, floor((ST_X(p) + 180) / {CELL!r})::int, floor((ST_Y(p) + 90) / {CELL!r})::int, count(*), sum(ST_X(p)), sum(ST_Y(p))
FROM (SELECT layer_id, ST_Centroid(geom) AS p FROM territory_feature WHERE valid_to IS NULL) s GROUP BY 1, 2, 3;
"""


class Migration(migrations.Migration):
    dependencies = [("territory", "0002_names")]
    operations = [
        migrations.RunSQL(
            SQL,
            "DROP TRIGGER grid_added ON territory_feature; DROP TRIGGER grid_removed ON territory_feature; "
            "DROP TRIGGER grid_changed_from ON territory_feature; DROP TRIGGER grid_changed_to ON territory_feature; "
            "DROP FUNCTION territory_grid_added(); DROP FUNCTION territory_grid_removed(); DROP TABLE territory_grid;",
        )
    ]
