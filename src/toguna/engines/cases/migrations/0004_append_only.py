"""The history of a case is only ever added to."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_initial"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON cases_step "
            "FOR EACH STATEMENT EXECUTE FUNCTION toguna_append_only()",
            "DROP TRIGGER append_only ON cases_step",
        )
    ]
