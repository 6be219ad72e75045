from django.db import migrations

SQL = """
CREATE FUNCTION territory_grid_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE territory_grid;
    RETURN NULL;
END $$;
CREATE TRIGGER grid_emptied AFTER TRUNCATE ON territory_feature
    FOR EACH STATEMENT EXECUTE FUNCTION territory_grid_emptied();
"""


class Migration(migrations.Migration):
    """What empties the features at once empties their counts too."""

    dependencies = [("territory", "0005_lighter")]
    operations = [
        migrations.RunSQL(SQL, "DROP TRIGGER grid_emptied ON territory_feature; DROP FUNCTION territory_grid_emptied()")
    ]
