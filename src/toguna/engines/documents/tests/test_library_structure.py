"""The text of an act as parts, and the acts that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.documents.library import citing
from toguna.engines.documents.library.citing import Key
from toguna.engines.documents.library.structure import (
    Article,
    Change,
    Text,
    Unreadable,
    apply,
    problem,
    read,
    same,
    write,
)

PLAIN = """Le maire,
Vu la loi n° 2017-051 ;

ARRÊTE :

Chapitre I
Des marchés
Article premier – Objet
Le présent arrêté fixe les heures.
- de jour ;
Article 2. – Le marché ouvre à 6 heures.
Article 5 est abrogé.
Chapitre II – Fin
Article 3 bis : Autre.

Fait à Sabana, le 3 mars 2023
Le maire"""


def test_an_act_as_a_clerk_types_it():
    got = read(PLAIN)
    assert got.preamble == ("Le maire,", "Vu la loi n° 2017-051 ;", "ARRÊTE :")
    assert [(a.number, a.heading, a.chapter) for a in got.articles] == [
        ("1", "Objet", "Chapitre I\nDes marchés"),
        ("2", "", "Chapitre I\nDes marchés"),
        ("3 bis", "", "Chapitre II – Fin"),
    ]
    # A line that speaks of an article does not begin one.
    assert got.articles[1].paragraphs == ("Le marché ouvre à 6 heures.", "Article 5 est abrogé.")
    assert got.closing == ("Fait à Sabana, le 3 mars 2023", "Le maire")
    assert Text.of_json(got.to_json()) == got


@pytest.mark.parametrize("word", ["Artigo", "ARTICLE", "Art."])
def test_other_words_for_article(word):
    assert [a.number for a in read(f"Considerando\n{word} 1.º – Objeto\nx\n{word} 2.º Fica aprovado.").articles] == [
        "1",
        "2",
    ]


_LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "Article 1. Un",
                "Article 2 – Deux",
                "Art. 3",
                "Chapitre II",
                "Titre I – X",
                "Fait à Y",
                "– a",
                ": b",
                "Article 4 x",
                "Artigo 9.º - -",
            ]
        ),
        st.text(max_size=30),
    ),
    max_size=14,
)


@given(_LINES)
def test_what_is_written_reads_the_same(lines):
    try:
        got = read("\n".join(lines))
    except Unreadable:
        return
    assert read(write(got)) == got
    assert read(write(got, "Artigo")) == got


@pytest.mark.parametrize("typed", ["", "  \n ", "Article 1. a\nArticle 1er. b", "x" * 400_001])
def test_what_is_no_act_is_refused(typed):
    with pytest.raises(Unreadable):
        read(typed)


def test_same_number():
    assert same("1er", "premier") and same("05", "5") and same("4-bis", "4 BIS") and same("1.º", "1")
    assert not same("4", "4 bis")


def test_changes_make_the_consolidated_text():
    whole = read("Article 1. Un.\nArticle 2. Deux.\nArticle 3. Trois.")
    done = apply(
        whole,
        [
            Change("replace", "2", words="Deux bis.\nEt plus.", by=7),
            Change("add", "2 bis", after="2", heading="Neuf", words="Neuf.", by=7),
            Change("remove", "3", by=8),
            Change("replace", "99", words="nulle part"),
        ],
    )
    assert [(a.number, a.paragraphs, a.removed, a.changed_by) for a in done.articles] == [
        ("1", ("Un.",), False, None),
        ("2", ("Deux bis.", "Et plus."), False, 7),
        ("2 bis", ("Neuf.",), False, 7),
        ("3", (), True, 8),
    ]
    assert problem(whole, Change("replace", "9", words="x")) and problem(whole, Change("add", "2", words="x"))
    assert problem(whole, Change("replace", "2")) and problem(done, Change("remove", "3"))
    assert not problem(done, Change("add", "3", words="revenu"))
    again = apply(done, [Change("add", "3", after="2 bis", words="revenu", by=9)])
    assert again.article("3") == Article("3", "", ("revenu",), "", 9)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Vu l'arrêté n° 2023-014 du 3 mars 2023", Key("bylaw", 2023, "14")),
        ("vu l’ARRETE MUNICIPAL N°2023/14/M portant", Key("bylaw", 2023, "14")),
        ("l'arrêté municipal n° 2023-14", Key("bylaw", 2023, "14")),
        ("la délibération du conseil n° 014/2022", Key("deliberation", 2022, "14")),
        ("a deliberação n.º 14/2023", Key("deliberation", 2023, "14")),
        ("by-law No. 2023-014", Key("bylaw", 2023, "14")),
        ("decree 2019-7 applies", Key("decree", 2019, "7")),
        ("le règlement n° 2020-003-bis", Key("regulation", 2020, "3-bis")),
        ("la loi n° 2012-007", None),
        ("un arrêté du 3 mars 2023", None),
        ("arrêté n° 2023-0141234", None),
    ],
)
def test_acts_named_in_a_text(words, key):
    found = list(citing.cited(words))
    assert [k for _b, _e, k in found] == ([key] if key else [])
    for begin, end, _key in found:
        assert words[begin:end].strip() == words[begin:end]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("2023-014", ("", 2023, "14")),
        ("arrêté 14/2023", ("bylaw", 2023, "14")),
        ("Arrêté n° 2023-014", ("bylaw", 2023, "14")),
        ("2023", None),
        ("marché 2023", None),
        ("", None),
    ],
)
def test_what_somebody_asks_for(typed, key):
    assert citing.asked(typed) == key
