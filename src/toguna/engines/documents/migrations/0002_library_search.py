"""Texts that are searched and their words; and the words of a published act are never changed, only added to."""

from django.db import migrations

CONFIGURATIONS = """
-- Words without their accents, then their stems: "délibérations" and "deliberation" are one. `plain` keeps whole words.
CREATE TEXT SEARCH CONFIGURATION documents_fr (COPY = french);
ALTER TEXT SEARCH CONFIGURATION documents_fr ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem;
CREATE TEXT SEARCH CONFIGURATION documents_pt (COPY = portuguese);
ALTER TEXT SEARCH CONFIGURATION documents_pt ALTER MAPPING FOR hword, hword_part, word WITH unaccent, portuguese_stem;
CREATE TEXT SEARCH CONFIGURATION documents_en (COPY = english);
ALTER TEXT SEARCH CONFIGURATION documents_en ALTER MAPPING FOR hword, hword_part, word WITH unaccent, english_stem;
CREATE TEXT SEARCH CONFIGURATION documents_plain (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION documents_plain ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
"""
NO_CONFIGURATIONS = "".join(f"DROP TEXT SEARCH CONFIGURATION documents_{c};" for c in ("fr", "pt", "en", "plain"))

TEXTS = """
CREATE TABLE documents_text (
    id bigserial PRIMARY KEY,
    subject text NOT NULL UNIQUE,          -- what it is the text of: "act:12"
    source text NOT NULL,                  -- "act"
    language text NOT NULL CHECK (language IN ('fr', 'pt', 'en')),
    title text NOT NULL,
    body text NOT NULL,
    kind text NOT NULL DEFAULT '',
    place text NOT NULL DEFAULT '',        -- who it comes from
    year smallint,
    day date NOT NULL,
    since date,                            -- from when to when it holds
    until date,
    public boolean NOT NULL DEFAULT false,
    title_tsv tsvector NOT NULL,
    tsv tsvector NOT NULL
) WITH (toast_tuple_target = 256);         -- rows that are short to walk over: texts and vectors stand beside
ALTER TABLE documents_text ALTER COLUMN tsv SET STORAGE EXTERNAL;
-- No pending list: a search must not pay for what was written before it.
CREATE INDEX documents_text_tsv ON documents_text USING gin (tsv) WITH (fastupdate = off);
CREATE INDEX documents_text_title ON documents_text USING gin (title_tsv) WITH (fastupdate = off);
CREATE INDEX documents_text_day ON documents_text (day DESC, id);
CREATE INDEX documents_text_language ON documents_text (language);
-- Texts whose words are not counted yet. Beside the texts: a flag on their rows would write all of their index anew.
CREATE TABLE documents_text_fresh (id bigint PRIMARY KEY REFERENCES documents_text ON DELETE CASCADE);
CREATE TABLE documents_word (
    language text NOT NULL,
    word text NOT NULL,
    n integer NOT NULL,                    -- texts that have it, about
    PRIMARY KEY (language, word)
);
CREATE INDEX documents_word_like ON documents_word USING gin (word gin_trgm_ops);
CREATE INDEX documents_word_prefix ON documents_word (word text_pattern_ops);
"""

KEPT = """
CREATE FUNCTION documents_act_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    act bigint := CASE WHEN TG_OP = 'INSERT' THEN NEW.act_id ELSE OLD.act_id END;
BEGIN
    IF current_setting('toguna.retention', true) = 'on' OR NOT EXISTS (
        SELECT FROM documents_act WHERE id = act AND published IS NOT NULL
    ) THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'act % is published: its % is append-only', act, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON documents_act_version FOR EACH ROW EXECUTE FUNCTION documents_act_kept();
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON documents_act_change FOR EACH ROW EXECUTE FUNCTION documents_act_kept();
"""
NOT_KEPT = """
DROP TRIGGER kept ON documents_act_version; DROP TRIGGER kept ON documents_act_change; DROP FUNCTION documents_act_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_library_acts"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(CONFIGURATIONS, NO_CONFIGURATIONS),
        migrations.RunSQL(
            TEXTS, "DROP TABLE documents_text_fresh; DROP TABLE documents_text; DROP TABLE documents_word;"
        ),
        migrations.RunSQL(KEPT, NOT_KEPT),
    ]
