"""A layer's version grows with every statement that touches its features, whoever sends it: what caches of tiles compare."""

from django.db import migrations

SQL = """
CREATE FUNCTION territory_layer_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE territory_layer SET version = version + 1 WHERE id IN (SELECT layer_id FROM touched);
    RETURN NULL;
END $$;
CREATE TRIGGER layer_gains AFTER INSERT ON territory_feature REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION territory_layer_touched();
CREATE TRIGGER layer_changes AFTER UPDATE ON territory_feature REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION territory_layer_touched();
CREATE TRIGGER layer_loses AFTER DELETE ON territory_feature REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION territory_layer_touched();
"""


class Migration(migrations.Migration):
    dependencies = [("territory", "0003_grid")]
    operations = [
        migrations.RunSQL(
            SQL,
            "DROP TRIGGER layer_gains ON territory_feature; DROP TRIGGER layer_changes ON territory_feature; "
            "DROP TRIGGER layer_loses ON territory_feature; DROP FUNCTION territory_layer_touched();",
        )
    ]
