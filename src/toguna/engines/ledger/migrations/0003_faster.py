import django.db.models.deletion
from django.db import migrations, models

from toguna.engines.ledger import guards


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_orders")]

    operations = [
        migrations.AlterField(
            model_name="bill",
            name="payer",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bills",
                to="ledger.payer",
            ),
        ),
        migrations.AlterField(
            model_name="bill",
            name="tariff",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.tariff",
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="reverses",
            field=models.OneToOneField(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversed_by",
                to="ledger.entry",
            ),
        ),
        migrations.RunSQL(guards.FASTER, migrations.RunSQL.noop),
    ]
