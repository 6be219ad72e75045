"""In what state equipment was, what its meters showed and what moved in the store are only ever added to."""

from django.db import migrations

TABLES = ("assets_state", "assets_reading", "assets_part_move")


class Migration(migrations.Migration):
    dependencies = [("assets", "0001_equipment"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION toguna_append_only()",
            f"DROP TRIGGER append_only ON {table}",
        )
        for table in TABLES
    ]
