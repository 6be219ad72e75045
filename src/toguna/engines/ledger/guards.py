"""What the database itself refuses, also to its owner: see the first migration."""

GUARDS = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger: % of % is refused: what was written stays, it is corrected by a reversal', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_entry_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_line_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_line FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- All lines of an entry come in one statement, numbered from 1, and sum to zero: so nothing is ever added to an entry.
CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql
-- Row by row by the index: the planner knows nothing of tables that the same statement fills.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE wrong bigint;
BEGIN
    -- Set by set, not row by row as foreign keys do: accounts and payers that are there, entries that were written before.
    SELECT a.account_id INTO wrong FROM (SELECT DISTINCT account_id FROM added) a
    WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.account_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: there is no account %', wrong USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT a.payer_id INTO wrong FROM added a LEFT JOIN ledger_payer p ON p.id = a.payer_id
    WHERE a.payer_id IS NOT NULL AND p.id IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: there is no payer %', wrong USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT a.entry_id INTO wrong FROM (
        SELECT entry_id, sum(amount) AS sum, count(*) AS n, max(number) AS last, min(day) AS first_day, max(day) AS last_day
        FROM added GROUP BY entry_id
    ) a LEFT JOIN ledger_entry e ON e.id = a.entry_id
    WHERE e.id IS NULL OR a.sum <> 0 OR a.n <> e.lines_count OR a.last <> e.lines_count OR a.first_day <> e.day OR a.last_day <> e.day LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: the lines of entry % do not balance, or are not all there', wrong USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_line_balanced AFTER INSERT ON ledger_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_balanced();

CREATE FUNCTION ledger_bill_lines_whole() RETURNS trigger LANGUAGE plpgsql
-- Row by row by the index: the planner knows nothing of tables that the same statement fills.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added a LEFT JOIN ledger_bill b ON b.id = a.bill_id WHERE b.id IS NULL)
        OR EXISTS (SELECT 1 FROM (SELECT DISTINCT income_id FROM added) a WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.income_id)) THEN
        RAISE EXCEPTION 'ledger: a line of a bill without its bill or its account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_bill_lines_whole AFTER INSERT ON ledger_bill_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_bill_lines_whole();

CREATE FUNCTION ledger_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'ledger_account' AND EXISTS (SELECT 1 FROM ledger_line WHERE account_id = OLD.id)
        OR TG_TABLE_NAME = 'ledger_payer' AND EXISTS (SELECT 1 FROM ledger_line WHERE payer_id = OLD.id) THEN
        RAISE EXCEPTION 'ledger: % % has lines in the book', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER ledger_account_in_use BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_in_use();
CREATE TRIGGER ledger_payer_in_use BEFORE DELETE ON ledger_payer FOR EACH ROW EXECUTE FUNCTION ledger_in_use();

CREATE FUNCTION ledger_period_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_period p WHERE p.closed IS NOT NULL
               AND EXISTS (SELECT 1 FROM added WHERE added.day BETWEEN p.since AND p.until)) THEN
        RAISE EXCEPTION 'ledger closed period' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_open AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_period_open();
"""

UNGUARD = """
DROP TRIGGER ledger_bill_lines_whole ON ledger_bill_line; DROP FUNCTION ledger_bill_lines_whole;
DROP TRIGGER ledger_account_in_use ON ledger_account; DROP TRIGGER ledger_payer_in_use ON ledger_payer; DROP FUNCTION ledger_in_use;
DROP TRIGGER ledger_entry_open ON ledger_entry; DROP FUNCTION ledger_period_open;
DROP TRIGGER ledger_line_balanced ON ledger_line; DROP FUNCTION ledger_balanced;
DROP TRIGGER ledger_line_keep ON ledger_line; DROP TRIGGER ledger_entry_keep ON ledger_entry; DROP FUNCTION ledger_refuse;
"""

# A reference as codes.make gives it, made where the rows are: ten letters out of 48 random bits.
REFERENCES = """
CREATE FUNCTION ledger_reference() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    letters CONSTANT text := '23456789ACDEFGHJKMNPRSTVWXYZ';
    r bigint := ('x' || right(gen_random_uuid()::text, 12))::bit(48)::bigint;
BEGIN
    RETURN substr(letters, 1 + (r % 28)::int, 1) || substr(letters, 1 + (r / 28 % 28)::int, 1)
        || substr(letters, 1 + (r / 784 % 28)::int, 1) || substr(letters, 1 + (r / 21952 % 28)::int, 1)
        || substr(letters, 1 + (r / 614656 % 28)::int, 1) || substr(letters, 1 + (r / 17210368 % 28)::int, 1)
        || substr(letters, 1 + (r / 481890304 % 28)::int, 1) || substr(letters, 1 + (r / 13492928512 % 28)::int, 1)
        || substr(letters, 1 + (r / 377801998336 % 28)::int, 1) || substr(letters, 1 + (r / 10578455953408 % 28)::int, 1);
END $$;
"""

# One pass over the lines says all that is wrong with them; closed periods and the payers of bills are looked at there too: each trigger
# that sees the rows of a statement costs a copy of them.
FASTER = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql
-- Row by row by the index: the planner knows nothing of tables that the same statement fills.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE wrong bigint; stranger bigint; several boolean; first_day date; last_day date;
BEGIN
    SELECT a.account_id INTO wrong FROM (SELECT DISTINCT account_id FROM added) a
    WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.account_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: there is no account %', wrong USING ERRCODE = 'foreign_key_violation';
    END IF;
    -- Nearly every entry is of one payer, who is looked for once.
    SELECT min(a.entry_id) FILTER (WHERE e.id IS NULL OR a.sum <> 0 OR a.n <> e.lines_count OR a.last <> e.lines_count
                                   OR a.first_day <> e.day OR a.last_day <> e.day
                                   OR e.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry r WHERE r.id = e.reverses_id)),
           min(a.payer) FILTER (WHERE a.payer IS NOT NULL AND p.id IS NULL), bool_or(a.payer <> a.other), min(a.first_day), max(a.last_day)
    INTO wrong, stranger, several, first_day, last_day
    FROM (
        SELECT entry_id, sum(amount) AS sum, count(*) AS n, max(number) AS last, min(day) AS first_day, max(day) AS last_day,
               min(payer_id) AS payer, max(payer_id) AS other
        FROM added GROUP BY entry_id
    ) a LEFT JOIN ledger_entry e ON e.id = a.entry_id LEFT JOIN ledger_payer p ON p.id = a.payer;
    IF several AND stranger IS NULL THEN
        SELECT a.payer_id INTO stranger FROM (SELECT DISTINCT payer_id FROM added WHERE payer_id IS NOT NULL) a
        LEFT JOIN ledger_payer p ON p.id = a.payer_id WHERE p.id IS NULL LIMIT 1;
    END IF;
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: there is no payer %', stranger USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: the lines of entry % do not balance, or are not all there', wrong USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_period p WHERE p.closed IS NOT NULL AND p.since <= last_day AND p.until >= first_day
               AND EXISTS (SELECT 1 FROM added WHERE added.day BETWEEN p.since AND p.until)) THEN
        RAISE EXCEPTION 'ledger closed period' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER ledger_entry_open ON ledger_entry;
DROP FUNCTION ledger_period_open;

CREATE OR REPLACE FUNCTION ledger_bill_lines_whole() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added a LEFT JOIN ledger_bill b ON b.id = a.bill_id LEFT JOIN ledger_payer p ON p.id = b.payer_id WHERE p.id IS NULL)
        OR EXISTS (SELECT 1 FROM (SELECT DISTINCT income_id FROM added) a WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.income_id))
        OR EXISTS (SELECT 1 FROM (SELECT DISTINCT b.tariff_id FROM added a JOIN ledger_bill b ON b.id = a.bill_id WHERE b.tariff_id IS NOT NULL) a
                   WHERE NOT EXISTS (SELECT 1 FROM ledger_tariff k WHERE k.id = a.tariff_id)) THEN
        RAISE EXCEPTION 'ledger: a line of a bill without its bill, its payer, its tariff or its account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ledger_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'ledger_account' AND EXISTS (SELECT 1 FROM ledger_line WHERE account_id = OLD.id)
        OR TG_TABLE_NAME = 'ledger_payer' AND EXISTS (SELECT 1 FROM ledger_line WHERE payer_id = OLD.id)
        OR TG_TABLE_NAME = 'ledger_payer' AND EXISTS (SELECT 1 FROM ledger_bill WHERE payer_id = OLD.id)
        OR TG_TABLE_NAME = 'ledger_tariff' AND EXISTS (SELECT 1 FROM ledger_bill WHERE tariff_id = OLD.id) THEN
        RAISE EXCEPTION 'ledger: % % is in use', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER ledger_tariff_in_use BEFORE DELETE ON ledger_tariff FOR EACH ROW EXECUTE FUNCTION ledger_in_use();
"""

# The lines of bills are looked at in one pass, too: accounts and tariffs are few, most often one, and then only those are looked for.
ONCE_THROUGH = """
CREATE OR REPLACE FUNCTION ledger_bill_lines_whole() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE lone boolean; first_income bigint; last_income bigint; first_tariff bigint; last_tariff bigint;
BEGIN
    SELECT bool_or(p.id IS NULL), min(a.income_id), max(a.income_id), min(b.tariff_id), max(b.tariff_id)
    INTO lone, first_income, last_income, first_tariff, last_tariff
    FROM added a LEFT JOIN ledger_bill b ON b.id = a.bill_id LEFT JOIN ledger_payer p ON p.id = b.payer_id;
    IF lone OR NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = first_income) AND first_income IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM ledger_tariff k WHERE k.id = first_tariff) AND first_tariff IS NOT NULL
        OR first_income <> last_income AND EXISTS (
            SELECT 1 FROM (SELECT DISTINCT income_id FROM added) a WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.income_id))
        OR first_tariff <> last_tariff AND EXISTS (
            SELECT 1 FROM (SELECT DISTINCT b.tariff_id FROM added a JOIN ledger_bill b ON b.id = a.bill_id WHERE b.tariff_id IS NOT NULL) a
            WHERE NOT EXISTS (SELECT 1 FROM ledger_tariff k WHERE k.id = a.tariff_id)) THEN
        RAISE EXCEPTION 'ledger: a line of a bill without its bill, its payer, its tariff or its account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""

# What a run writes lies together, and is looked at in one go: row by row, in the order in which a table of sums gives them, it cost a
# fifth of the run. And by itself the planner may not choose row by row: where it believes a table empty (the statistics of one that an
# interrupted run had filled) it looked through all of it for each row, which took hours. Hence LATERAL and OFFSET 0.
TOGETHER = """
CREATE OR REPLACE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE n bigint; wrong bigint; stranger bigint; several boolean; first_day date; last_day date;
    first_entry bigint; last_entry bigint; first_payer bigint; last_payer bigint;
BEGIN
    SELECT count(*), min(entry_id), max(entry_id), min(payer_id), max(payer_id), min(day), max(day)
    INTO n, first_entry, last_entry, first_payer, last_payer, first_day, last_day FROM added;
    SELECT a.account_id INTO wrong FROM (SELECT DISTINCT account_id FROM added) a
    WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.account_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: there is no account %', wrong USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF n > 1000 AND last_entry - first_entry < 2 * n THEN
        -- A run: its entries lie together, and are read in one go beside their lines. What others wrote between them has no line here.
        SELECT min(id) INTO wrong FROM (
            SELECT id FROM (
                SELECT entry_id AS id, amount, number, day, 0 AS lines_count, NULL::bigint AS reverses_id FROM added
                UNION ALL
                SELECT id, 0, 0, day, lines_count, reverses_id FROM ledger_entry WHERE id BETWEEN first_entry AND last_entry
            ) both_of
            GROUP BY id HAVING max(number) > 0 AND (
                sum(amount) <> 0 OR count(*) <> max(lines_count) + 1 OR max(number) <> max(lines_count) OR min(day) <> max(day)
                OR max(reverses_id) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry r WHERE r.id = max(both_of.reverses_id)))
        ) found;
        IF (SELECT count(*) FROM ledger_payer WHERE id BETWEEN first_payer AND last_payer) <= last_payer - first_payer THEN
            SELECT payer_id INTO stranger FROM (
                SELECT payer_id FROM added WHERE payer_id IS NOT NULL
                EXCEPT SELECT id FROM ledger_payer WHERE id BETWEEN first_payer AND last_payer
            ) a LIMIT 1;
        END IF;
    ELSE
        SELECT min(a.entry_id) FILTER (WHERE e.id IS NULL OR a.sum <> 0 OR a.n <> e.lines_count OR a.last <> e.lines_count
                                       OR a.first_day <> e.day OR a.last_day <> e.day
                                       OR e.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_entry r WHERE r.id = e.reverses_id)),
               min(a.payer) FILTER (WHERE a.payer IS NOT NULL AND p.id IS NULL), bool_or(a.payer <> a.other)
        INTO wrong, stranger, several
        FROM (
            SELECT entry_id, sum(amount) AS sum, count(*) AS n, max(number) AS last, min(day) AS first_day, max(day) AS last_day,
                   min(payer_id) AS payer, max(payer_id) AS other
            FROM added GROUP BY entry_id
        ) a LEFT JOIN LATERAL (SELECT * FROM ledger_entry WHERE id = a.entry_id OFFSET 0) e ON true
        LEFT JOIN LATERAL (SELECT id FROM ledger_payer WHERE id = a.payer OFFSET 0) p ON true;
        IF several AND stranger IS NULL THEN
            SELECT a.payer_id INTO stranger FROM (SELECT DISTINCT payer_id FROM added WHERE payer_id IS NOT NULL) a
            LEFT JOIN LATERAL (SELECT id FROM ledger_payer WHERE id = a.payer_id OFFSET 0) p ON true WHERE p.id IS NULL LIMIT 1;
        END IF;
    END IF;
    IF stranger IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: there is no payer %', stranger USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'ledger: the lines of entry % do not balance, or are not all there', wrong USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_period p WHERE p.closed IS NOT NULL AND p.since <= last_day AND p.until >= first_day
               AND EXISTS (SELECT 1 FROM added WHERE added.day BETWEEN p.since AND p.until)) THEN
        RAISE EXCEPTION 'ledger closed period' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION ledger_bill_lines_whole() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE n bigint; lone boolean; first_bill bigint; last_bill bigint; first_income bigint; last_income bigint;
    first_tariff bigint; last_tariff bigint; first_payer bigint; last_payer bigint; there bigint;
BEGIN
    SELECT count(*), min(bill_id), max(bill_id), min(income_id), max(income_id)
    INTO n, first_bill, last_bill, first_income, last_income FROM added;
    IF n > 1000 AND last_bill - first_bill < 2 * n THEN
        SELECT count(*), min(payer_id), max(payer_id), min(tariff_id), max(tariff_id)
        INTO there, first_payer, last_payer, first_tariff, last_tariff FROM ledger_bill WHERE id BETWEEN first_bill AND last_bill;
        lone := false;
        IF there <= last_bill - first_bill THEN
            lone := EXISTS (SELECT bill_id FROM added EXCEPT SELECT id FROM ledger_bill WHERE id BETWEEN first_bill AND last_bill);
        END IF;
        IF NOT lone AND (SELECT count(*) FROM ledger_payer WHERE id BETWEEN first_payer AND last_payer) <= last_payer - first_payer THEN
            lone := EXISTS (SELECT payer_id FROM ledger_bill WHERE id BETWEEN first_bill AND last_bill
                            EXCEPT SELECT id FROM ledger_payer WHERE id BETWEEN first_payer AND last_payer);
        END IF;
    ELSE
        SELECT bool_or(p.id IS NULL), min(b.tariff_id), max(b.tariff_id) INTO lone, first_tariff, last_tariff
        FROM added a LEFT JOIN LATERAL (SELECT * FROM ledger_bill WHERE id = a.bill_id OFFSET 0) b ON true
        LEFT JOIN LATERAL (SELECT id FROM ledger_payer WHERE id = b.payer_id OFFSET 0) p ON true;
    END IF;
    IF NOT lone THEN
        lone := (first_income IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = first_income))
            OR (first_tariff IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_tariff k WHERE k.id = first_tariff));
        -- Asked only where there are several: in one condition with the others, an empty tariff would have all bills looked through.
        IF NOT lone AND first_income <> last_income THEN
            lone := EXISTS (SELECT 1 FROM (SELECT DISTINCT income_id FROM added) a
                            WHERE NOT EXISTS (SELECT 1 FROM ledger_account k WHERE k.id = a.income_id));
        END IF;
        IF NOT lone AND first_tariff <> last_tariff THEN
            lone := EXISTS (SELECT 1 FROM (SELECT DISTINCT b.tariff_id FROM added a
                                CROSS JOIN LATERAL (SELECT tariff_id FROM ledger_bill WHERE id = a.bill_id OFFSET 0) b WHERE b.tariff_id IS NOT NULL) a
                            WHERE NOT EXISTS (SELECT 1 FROM ledger_tariff k WHERE k.id = a.tariff_id));
        END IF;
    END IF;
    IF lone THEN
        RAISE EXCEPTION 'ledger: a line of a bill without its bill, its payer, its tariff or its account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
