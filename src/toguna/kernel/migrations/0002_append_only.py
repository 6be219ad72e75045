"""Extensions that the rooms rely on, and the rule that history is only ever added to."""

from django.db import migrations

EXTENSIONS = ("postgis", "pg_trgm", "btree_gist", "unaccent", "fuzzystrmatch")

FUNCTION = """
CREATE OR REPLACE FUNCTION toguna_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention and erasure say so for their own transaction: SET LOCAL toguna.retention = 'on'.
    IF current_setting('toguna.retention', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel_audit
    FOR EACH STATEMENT EXECUTE FUNCTION toguna_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]
    operations = [
        *(migrations.RunSQL(f"CREATE EXTENSION IF NOT EXISTS {name}", migrations.RunSQL.noop) for name in EXTENSIONS),
        migrations.RunSQL(
            FUNCTION,
            "DROP TRIGGER append_only ON kernel_audit; DROP FUNCTION toguna_append_only();",
        ),
    ]
