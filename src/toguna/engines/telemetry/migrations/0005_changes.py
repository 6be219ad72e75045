"""What changed of the register and the rules, for `devices.changes`; which hours are to be summed up; the number of the key of network
servers."""

from django.db import migrations, models
from django.db.models.functions import Now

SQL = """
CREATE TABLE telemetry_change (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(), about text NOT NULL, device integer NOT NULL DEFAULT 0,
    made timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX telemetry_change_xid ON telemetry_change (xid);
CREATE TABLE telemetry_touched (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, hour timestamptz NOT NULL, device integer NOT NULL DEFAULT 0
);
INSERT INTO telemetry_touched (hour) SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour' FROM generate_series(0, 72) n;
CREATE FUNCTION telemetry_note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_TABLE_NAME = 'telemetry_device' THEN
        INSERT INTO telemetry_change (about, device) SELECT TG_TABLE_NAME, id FROM touched;
    ELSIF EXISTS (SELECT FROM touched) THEN
        INSERT INTO telemetry_change (about) VALUES (TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$;
"""
UNDO = "DROP FUNCTION telemetry_note_change() CASCADE; DROP TABLE telemetry_change; DROP TABLE telemetry_touched"
TRIGGERS = "".join(
    f"CREATE TRIGGER note_{event.lower()} AFTER {event} ON telemetry_{table} REFERENCING {which} TABLE AS touched "
    "FOR EACH STATEMENT EXECUTE FUNCTION telemetry_note_change();\n"
    for table in ("device", "decoder", "quantity", "policy", "network_key", "rule")
    for event, which in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD"))
)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0004_alarm_does")]
    operations = [
        migrations.CreateModel(
            name="NetworkKey",
            fields=[
                ("number", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("made", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "telemetry_network_key"},
        ),
        migrations.RunSQL(SQL, UNDO),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
    ]
