"""Scales are devices of telemetry: keys, signatures, clocks and places are judged there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("waste", "0011_append_only"), ("telemetry", "0002_readings")]
    operations = [
        *(
            migrations.RemoveField(model_name="scale", name=name)
            for name in ("key", "metres", "last", "seen", "device")
        ),
        migrations.AddField(
            model_name="scale",
            name="device",
            field=models.BigIntegerField(unique=True, default=0),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name="weighing", name="body"),
        migrations.AddField(model_name="weighing", name="refused", field=models.BigIntegerField(null=True)),
    ]
