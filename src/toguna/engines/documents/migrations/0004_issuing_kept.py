"""What is written in a register book is never changed nor deleted, and a closed book stays closed."""

from django.db import migrations

TABLES = ("documents_entry", "documents_entry_name", "documents_entry_note")
KEPT = "".join(
    f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION toguna_append_only();"
    for table in TABLES
)
CLOSED = """
CREATE FUNCTION documents_register_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM documents_register WHERE id = NEW.register_id AND closed IS NOT NULL) THEN
        RAISE EXCEPTION 'register % is closed', NEW.register_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER open BEFORE INSERT ON documents_entry FOR EACH ROW EXECUTE FUNCTION documents_register_open();
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0003_issuing_papers"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(KEPT, "".join(f"DROP TRIGGER append_only ON {table};" for table in TABLES)),
        migrations.RunSQL(CLOSED, "DROP TRIGGER open ON documents_entry; DROP FUNCTION documents_register_open();"),
    ]
