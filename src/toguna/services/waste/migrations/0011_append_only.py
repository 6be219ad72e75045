"""What happened to an order, and the points of households, are only ever added to."""

from django.db import migrations

TABLES = ("waste_pickup_step", "waste_point_entry")


class Migration(migrations.Migration):
    dependencies = [("waste", "0010_orders"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION toguna_append_only()",
            f"DROP TRIGGER append_only ON {table}",
        )
        for table in TABLES
    ]
