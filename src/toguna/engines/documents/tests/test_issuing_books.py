"""Register books: no gap, nothing changed, two spellings of one child found."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from toguna.engines.documents.issuing import books, names
from toguna.engines.documents.issuing.templates import Refused
from toguna.engines.documents.models import Entry
from toguna.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 2)


def _born(name: str, born: str = "2026-02-27", mother: str = "Fatoumata Traoré", **more: bool) -> Entry:
    facts = {"name": name, "born": born, "mother": mother}
    return books.register_entry("birth", facts, words=f"Est né(e) {name}.", day=DAY, by=SYSTEM, **more)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Coulibaly Aïcha", "AICHA KOULIBALI"),
        ("Ouédraogo", "Wedraogo"),
        ("Mamadou Diallo", "Mohamed Jallo"),
        ("Traoré Fatou", "Traore Fatu"),
        ("Cissé", "Sissé"),
    ],
)
def test_spellings_of_one_name_sound_the_same(one: str, other: str) -> None:
    assert names.sound(one) == names.sound(other)
    assert names.sound(one) != names.sound("Kaboré Issa")


def test_a_birth_declared_twice_is_shown_and_confirmed() -> None:
    first = _born("Coulibaly Aïcha")
    with pytest.raises(books.Duplicate, match=first.reference):
        _born("Koulibali Aicha", "2026-02-28", "Fatumata Traore")
    assert _born("Kaboré Issa").number == 2  # nobody's double
    assert _born("Koulibali Aicha", "2026-02-28", confirmed=True).number == 3
    assert [e.number for e in books.find_entries("koulibaly")][:2] in ([1, 3], [3, 1])


def test_twins_are_asked_about_not_refused() -> None:
    _born("Koné Adama")
    assert not books.possible_duplicates("birth", {"name": "Koné Awa", "born": "2020-01-01", "mother": "Autre Femme"})


def test_the_database_refuses_to_change_what_is_written() -> None:
    entry = _born("Koné Awa")
    made = books.note(entry, "Mariée à X", reference="Acte 3/2050", by=SYSTEM)
    for table, key in (("documents_entry", entry.pk), ("documents_entry_note", made.pk)):
        for change in (f"UPDATE {table} SET officer = 'x' WHERE id = %s", f"DELETE FROM {table} WHERE id = %s"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change, [key])
    assert list(books.broken(entry.register)) == []


def test_what_was_changed_behind_the_database_s_back_is_seen() -> None:
    entry = _born("Koné Awa")
    _born("Kaboré Issa")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL toguna.retention = 'on'")  # what only the housekeeping says
        cursor.execute("UPDATE documents_entry SET text = 'autre' WHERE id = %s", [entry.pk])
        cursor.execute("SET LOCAL toguna.retention = 'off'")
    entry.register.refresh_from_db()
    assert len(list(books.broken(entry.register))) == 1


def test_a_closed_book_takes_no_entry_but_notes() -> None:
    entry = _born("Koné Awa")
    books.close(entry.register_id, "Clos et arrêté à un acte.", by=SYSTEM)
    with pytest.raises(Refused):
        _born("Kaboré Issa")
    books.note(entry, "Décédée", reference="Acte 9/2090", by=SYSTEM)
    issued = books.copy(entry, by=SYSTEM, full=True)
    assert issued.subject == entry.subject_key and "Décédée" in issued.facts["notes"]


def test_an_old_book_comes_in_with_a_report() -> None:
    raw = "N°;Nom;Né le;Mère\n1;Koné Awa;1980-01-02;Sira\n3;Kaboré Issa;hier;\n4;Sow Binta;;\n4;Ba Ali;;\nx;Y;;\n".encode()
    report = books.import_register("birth", 1980, "1980.csv", raw, by=SYSTEM)
    assert report.written == 2 and [line for line, _why in report.refused] == [5, 6, 3] and report.missing == [2]
    again = books.import_register("birth", 1980, "1980.csv", raw, by=SYSTEM)
    assert again.written == 0 and again.there == 2
    assert books.decennial("birth", 1971, by=SYSTEM).startswith(b"%PDF")
    with pytest.raises(Refused):
        books.import_register("birth", 1981, "x.csv", b"a,b\n1,2\n", by=SYSTEM)
