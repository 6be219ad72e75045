import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_together")]

    operations = [
        migrations.AddField(
            model_name="payer",
            name="joined",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.payer",
            ),
        ),
        migrations.AddIndex(
            model_name="payer",
            index=models.Index(
                condition=models.Q(("joined__isnull", False)), fields=["joined"], name="ledger_payer_joined"
            ),
        ),
    ]
