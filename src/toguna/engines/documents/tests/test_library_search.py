"""Finding texts: accents, stems, mistakes, three languages, filters, what is marked, and the bounds."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from toguna.engines.documents import search
from toguna.engines.documents.search import Facts, Wanted, count_again, count_words, forget_text, index_text

pytestmark = pytest.mark.django_db

TEXTS = {
    "act:1": ("fr", "Arrêté des marchés", "Les étals couverts paient une redevance. Le marché ouvre à six heures.", Facts("bylaw", "Le maire", 2022, date(2022, 1, 1), date(2022, 1, 1), None, True)),
    "act:2": ("fr", "Délibération du budget", "Les redevances des étals sont adoptées par le conseil. Œuvres sociales.", Facts("deliberation", "Conseil", 2023, date(2023, 1, 1), date(2023, 1, 1), date(2024, 1, 1), True)),
    "act:3": ("pt", "Postura da água", "A água dos chafarizes é gratuita. As reuniões são públicas.", Facts("bylaw", "Câmara", 2023, date(2023, 2, 1), date(2023, 2, 1), None, True)),
    "act:4": ("en", "By-law on markets", "Traders are running stalls at the market.", Facts("bylaw", "Mayor", 2024, date(2024, 2, 1), date(2024, 2, 1), None, True)),
    "act:5": ("fr", "Projet secret", "Redevance cachée des étals.", Facts("bylaw", "Le maire", 2024, date(2024, 3, 1))),
    "file:1": ("fr", "Papier numérisé", "Une redevance sur un papier.", Facts(public=True)),
}  # fmt: skip


@pytest.fixture
def texts(db):
    with connection.cursor() as cursor:  # what a test with real transactions left
        cursor.execute("DELETE FROM documents_text; DELETE FROM documents_word")
    for subject, (language, title, body, facts) in TEXTS.items():
        index_text(subject, language, title, body, facts)
    assert count_words() == len(TEXTS) and count_words() == 0


def found(words: str, **more) -> list[str]:
    return [row.subject for row in search.search(Wanted(words, more.pop("source", "act"), **more)).rows]


@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        ("redevance", {"act:1", "act:2"}),
        ("REDEVANCES", {"act:1", "act:2"}),
        ("étal couvert", {"act:1"}),
        ("etals", {"act:1", "act:2"}),
        ("oeuvres", {"act:2"}),
        ("redevence", {"act:1", "act:2"}),  # a wrong letter
        ("redevnce étal", {"act:1", "act:2"}),  # one lost
        ("cosneil", {"act:2"}),  # two that changed places
        ("deliberration", {"act:2"}),  # one too many
        ("marche", {"act:1"}),
        ("agua", {"act:3"}),
        ("chafariz", {"act:3"}),
        ("reuniao", {"act:3"}),
        ("run stall", {"act:4"}),
        ('"redevances des étals"', {"act:2"}),
        ("redevance -conseil", {"act:1"}),
        ("chafariz or budget", {"act:2", "act:3"}),
        ("girafe", set()),
        ("la", set()),
        ("", set()),
        ("'; DROP TABLE documents_text; --", set()),
        ("% _ \\ \x00 <script>", set()),
    ],
)
def test_found_by_its_words(texts, words, subjects):
    assert set(found(words)) == subjects


def test_filters(texts):
    assert set(found("redevance", kind="deliberation")) == {"act:2"}
    assert set(found("redevance", year=2022)) == {"act:1"} == set(found("redevance", place="Le maire"))
    assert set(found("redevance", holding=date(2024, 1, 1))) == {"act:1"}
    assert set(found("redevance", holding=date(2023, 12, 31))) == {"act:1", "act:2"}
    assert set(found("redevance", public=False)) == {"act:1", "act:2", "act:5"}
    assert found("redevance", source="file") == ["file:1"]


def test_what_was_mended_is_said_and_only_that(texts):
    assert search.search(Wanted("redevence", "act")).mended == {"redevence": "redevance"}
    assert search.search(Wanted("marché redevances", "act")).mended == {}


def test_a_word_too_new_for_the_list_is_found_all_the_same(texts):
    index_text(
        "act:9", "fr", "Nouveau", "La redevence orthographiée autrement.", Facts(public=True, day=date(2025, 1, 1))
    )
    assert set(found("redevence")) == {"act:1", "act:2", "act:9"}


def test_a_title_comes_first_and_what_changed_is_found_by_its_new_words_only(texts):
    index_text("act:8", "fr", "Redevance des étals", "Texte.", Facts(public=True, day=date(2020, 1, 1)))
    assert found("redevance")[0] == "act:8"
    index_text("act:8", "fr", "Autre", "Texte sur les girafes.", Facts(public=True, day=date(2020, 1, 1)))
    assert "act:8" not in found("redevance") and found("girafe") == ["act:8"]
    forget_text("act:8")
    assert found("girafe") == []


def test_the_extract_marks_and_escapes(texts):
    index_text(
        "act:7", "fr", "x", "<img src=x onerror=alert(1)> L'étal & le bouc \ue000 émissaire.", Facts(public=True)
    )
    (row,) = search.search(Wanted("étals bouc", "act")).rows
    assert "<img" not in row.extract and "<mark>étal</mark> &amp; le <mark>bouc</mark>" in row.extract
    assert row.extract.count("<mark>") == row.extract.count("</mark>")


def test_what_stands_in_very_many_texts_is_looked_for_among_the_newest(texts, monkeypatch):
    for n in range(120):
        index_text(
            f"act:{100 + n}",
            "fr",
            "",
            f"commune du fleuve {n}",
            Facts("bylaw", "", 1960 + n // 2, date(1960 + n // 2, 1, 1 + n % 2), public=True),
        )
    count_words()
    whole = search.search(Wanted("commune", "act"))
    monkeypatch.setattr(search, "VISITED", 30)
    newest = search.search(Wanted("commune", "act"))
    assert (whole.total, whole.newest) == (120, False) and newest.newest and 20 <= newest.total <= 30
    assert [r.subject for r in newest.rows] == [r.subject for r in whole.rows] and newest.rows[0].subject == "act:219"
    assert found("commune", year=1960) == ["act:101", "act:100"]  # and what is asked for narrowly, whatever its age
    # "fleuve" and "puits" never stand together but once, long ago: what was hoped for among the newest is looked for wider.
    index_text("act:6", "fr", "", "la commune du puits et du fleuve", Facts(public=True, day=date(1959, 1, 1)))
    count_words()
    assert found('"puits et du fleuve"') == ["act:6"]
    monkeypatch.setattr(search, "VISITED", 4)
    monkeypatch.setattr(search, "COMPARED", 1)
    assert len(found("commune")) == search.PAGE
    assert search.search(Wanted('"fleuve 3"', "act")).newest  # too much to compare: said, not hidden


def test_a_kind_may_be_any_words(texts):
    kind = "it's \\ a | 'kind' & !x"
    index_text("act:6", "fr", "", "commune", Facts(kind, public=True))
    assert found("commune", kind=kind) == ["act:6"] and found("commune", kind="it's") == []


def test_words_of_texts_that_are_gone_do_not_stay(texts):
    forget_text("act:3")
    count_again()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM documents_word WHERE language = 'pt'")
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT n FROM documents_word WHERE language = 'fr' AND word = 'redevance'")
        assert cursor.fetchone()[0] == 3
