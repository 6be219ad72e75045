import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_book")]

    operations = [
        migrations.RemoveField(model_name="standingorder", name="last"),
        # Nothing made an order before: the table is empty, and no row takes this default.
        migrations.AddField(
            model_name="standingorder",
            name="key",
            field=models.CharField(default="", max_length=120, unique=True),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="standingorder", name="why", field=models.CharField(blank=True, db_default="", max_length=120)
        ),
        migrations.AddField(
            model_name="standingorder", name="language", field=models.CharField(default="fr", max_length=2)
        ),
        migrations.AddField(model_name="standingorder", name="month", field=models.DateField(null=True)),
        migrations.AddField(model_name="standingorder", name="told", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="standingorder", name="tries", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddField(model_name="standingorder", name="next_try", field=models.DateField(null=True)),
        migrations.AddField(
            model_name="standingorder", name="missed", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AddField(
            model_name="standingorder",
            name="created",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddIndex(
            model_name="standingorder",
            index=models.Index(condition=models.Q(("ended", None)), fields=["phone"], name="ledger_order_phone"),
        ),
        migrations.AddField(
            model_name="paymentrequest",
            name="order",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="ledger.standingorder",
            ),
        ),
        migrations.AddField(
            model_name="paymentrequest",
            name="wish",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="ledger.wish",
            ),
        ),
        migrations.AddIndex(
            model_name="paymentrequest",
            index=models.Index(
                condition=models.Q(("order__isnull", False)), fields=["order"], name="ledger_request_order"
            ),
        ),
        migrations.AddIndex(
            model_name="paymentrequest",
            index=models.Index(
                condition=models.Q(("wish__isnull", False)), fields=["wish"], name="ledger_request_wish"
            ),
        ),
        migrations.AlterField(
            model_name="wish",
            name="state",
            field=models.CharField(
                choices=[
                    ("asked", "waits for approval"),
                    ("sent", "approved: the operator was asked"),
                    ("done", "approved and done"),
                    ("failed", "approved, and the operator did not do it"),
                    ("refused", "refused"),
                ],
                default="asked",
                max_length=7,
            ),
        ),
    ]
