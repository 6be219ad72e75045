from django.db import migrations

from toguna.engines.ledger import guards


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_faster")]

    operations = [migrations.RunSQL(guards.ONCE_THROUGH, migrations.RunSQL.noop)]
