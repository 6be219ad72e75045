from django.db import migrations

from toguna.engines.ledger import guards


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_one_pass")]

    operations = [migrations.RunSQL(guards.TOGETHER, migrations.RunSQL.noop)]
