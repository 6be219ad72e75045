"""Readings and positions, partitioned by day (UTC); what every town measures; for how long things are kept."""

from django.db import migrations

from toguna.engines.telemetry.devices.standard import POLICIES, QUANTITIES

SQL = """
CREATE TABLE telemetry_reading (
    device integer NOT NULL, quantity smallint NOT NULL, at timestamptz NOT NULL, value double precision NOT NULL,
    seq bigint NOT NULL DEFAULT -1, flags smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_reading_at ON telemetry_reading USING brin (at) WITH (pages_per_range = 32);
CREATE TABLE telemetry_reading_other PARTITION OF telemetry_reading DEFAULT;
CREATE TABLE telemetry_position (
    device integer NOT NULL, at timestamptz NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
    speed real, course real, altitude real, seq bigint NOT NULL DEFAULT -1, flags smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_position_at ON telemetry_position USING brin (at) WITH (pages_per_range = 32);
CREATE TABLE telemetry_position_other PARTITION OF telemetry_position DEFAULT;
-- Late ones of long ago are few: an index costs nothing.
CREATE INDEX telemetry_reading_other_device ON telemetry_reading_other (device, at);
CREATE INDEX telemetry_position_other_device ON telemetry_position_other (device, at);
"""
UNDO = "DROP TABLE telemetry_reading; DROP TABLE telemetry_position"


def fill(apps, schema_editor):
    make = apps.get_model("telemetry", "Quantity").objects.get_or_create
    for code, unit, low, high, fr, pt, en in QUANTITIES:
        make(code=code, defaults={"unit": unit, "low": low, "high": high, "names": {"fr": fr, "pt": pt, "en": en}})
    keep = apps.get_model("telemetry", "Policy").objects.get_or_create
    for table, days in POLICIES.items():
        keep(table=table, defaults=days)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_telemetry")]
    operations = [migrations.RunSQL(SQL, UNDO), migrations.RunPython(fill, migrations.RunPython.noop)]
