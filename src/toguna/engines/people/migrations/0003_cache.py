"""The table of Django's database cache: what log-in remembers for some minutes, over all processes."""

from django.core.management import call_command
from django.db import migrations


def make(apps, schema_editor):
    call_command("createcachetable", "people_cache", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("people", "0002_initial")]
    operations = [
        migrations.RunPython(make, lambda apps, schema_editor: schema_editor.execute("DROP TABLE people_cache"))
    ]
