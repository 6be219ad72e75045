"""The index of names that people search by: a vocabulary of folded words, and what bears them (see names.py)."""

from django.db import migrations

SQL = """
-- The same folding as kernel.text.fold, for building the index set by set.
CREATE FUNCTION toguna_fold(words text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(unaccent(lower(words)), '[^[:alnum:]]+', ' ', 'g'))
$$;
CREATE TABLE territory_word (id bigserial PRIMARY KEY, word text NOT NULL UNIQUE, n integer NOT NULL DEFAULT 0);
CREATE INDEX territory_word_like ON territory_word USING gin (word gin_trgm_ops);
CREATE INDEX territory_word_prefix ON territory_word (word text_pattern_ops);
CREATE TABLE territory_name (
    id bigserial PRIMARY KEY,
    source char NOT NULL,      -- 'f' a feature, 'z' a zone
    ref bigint NOT NULL,
    label text NOT NULL,       -- its name; '' when only its kind is known
    kind text NOT NULL,
    weight smallint NOT NULL,  -- 0 to 100: how likely people are to name it
    size smallint NOT NULL,    -- words in its own name
    zone bigint,
    words bigint[] NOT NULL,
    point geometry(Point, 4326) NOT NULL
);
CREATE INDEX territory_name_words ON territory_name USING gin (words);
CREATE INDEX territory_name_point ON territory_name USING gist (point);
CREATE INDEX territory_name_known ON territory_name USING gist (point) WHERE weight >= 40 AND label <> '';
CREATE INDEX territory_name_ref ON territory_name (source, ref);
"""


class Migration(migrations.Migration):
    dependencies = [("territory", "0001_initial"), ("kernel", "0002_append_only")]
    operations = [
        migrations.RunSQL(SQL, "DROP TABLE territory_name; DROP TABLE territory_word; DROP FUNCTION toguna_fold(text)")
    ]
