"""An act as Akoma Ntoso 3.0 (OASIS LegalDocML), out and in. What is written is valid against the strict schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import override
from lxml import etree

from toguna.engines.documents.library.structure import Article, Text, Unreadable, grouped, number
from toguna.engines.documents.models.library import Act, Kind
from toguna.kernel import town

NAMESPACE = "http://docs.oasis-open.org/legaldocml/ns/akn/3.0"
_A = f"{{{NAMESPACE}}}"
LANGUAGES = {"fr": "fra", "pt": "por", "en": "eng"}  # ISO 639-1 -> 639-2
# What articles stand under, in what others write.
_DIVISIONS = ("part", "title", "book", "chapter", "section", "subsection", "subchapter", "division", "subpart", "tome")


@dataclass(frozen=True)
class Event:
    """Something in the life of an act. what: generation, amendment or repeal; by: who did it (None: itself)."""

    what: str
    day: date
    by: Act | None = None


@dataclass(frozen=True)
class Imported:
    """What a file says of itself; what it does not say is ""/None."""

    text: Text
    kind: str = ""
    number: str = ""
    signed: date | None = None
    language: str = ""
    subject: str = ""
    body: str = ""


def work(act: Act) -> str:
    """The address of the act itself, whatever its versions: /akn/ml-soundiakoura/act/bylaw/2023-03-03/2023-014"""
    here = town.current()
    place = "-".join(part for part in ((here.country or "xx").lower(), slugify(here.name)) if part)
    return f"/akn/{place}/act/{act.kind}/{act.signed.isoformat()}/{act.reference}"


def export(
    act: Act,
    text: Text,
    day: date,
    events: Sequence[Event],
    links: Callable[[str], Sequence[tuple[str, Act | None]]],
) -> bytes:
    """The act as it stands on that day. links: cuts words into (words, the act that they name)."""
    uri, language = work(act), LANGUAGES[act.language]
    expression = f"{uri}/{language}@{day.isoformat()}"
    root = etree.Element(f"{_A}akomaNtoso", nsmap={None: NAMESPACE})
    whole = _in(root, "act", name=act.kind, contains="singleVersion")
    meta = _in(whole, "meta")
    _identification(meta, act, uri, expression, language, day)
    _life(meta, events)

    preface = _in(whole, "preface")
    line = _in(preface, "p")
    with override(act.language):
        _in(line, "docType").text = act.get_kind_display()
    line[-1].tail = " n° "
    _in(line, "docNumber").text = act.reference
    line[-1].tail = " "
    _in(line, "docDate", date=act.signed.isoformat()).text = act.signed.isoformat()
    _in(_in(preface, "p"), "docTitle").text = _safe(act.subject)
    if text.preamble:
        preamble = _in(whole, "preamble")
        for words in text.preamble:
            _paragraph(preamble, words, links)
    body = _in(whole, "body")
    for n, (chapter, articles) in enumerate(grouped(text.articles), start=1):
        into = body
        if chapter:
            into = _in(body, "chapter", eId=f"chp_{n}")
            name, _sep, title = chapter.partition("\n")
            _in(into, "num").text = _safe(name)
            if title:
                _in(into, "heading").text = _safe(title.replace("\n", " – "))
        for article in articles:
            _article(into, article, f"chp_{n}__" if chapter else "", links)
    if not text.articles:
        content = _in(_in(body, "hcontainer", name="text", eId="hcontainer_1"), "content", eId="hcontainer_1__content")
        _in(content, "p")
    if text.closing:
        conclusions = _in(whole, "conclusions")
        for words in text.closing:
            _paragraph(conclusions, words, links)
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=False))


def _in(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _A + tag, dict(attributes))


def _safe(words: str) -> str:
    """What XML can hold."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", words)


def _identification(meta: etree._Element, act: Act, uri: str, expression: str, language: str, day: date) -> None:
    told = _in(meta, "identification", source="#town")
    made = _in(told, "FRBRWork")
    _in(made, "FRBRthis", value=f"{uri}/!main")
    _in(made, "FRBRuri", value=uri)
    _in(made, "FRBRalias", value=_safe(act.subject), name="title")
    _in(made, "FRBRdate", date=act.signed.isoformat(), name="Generation")
    _in(made, "FRBRauthor", href="#body")
    _in(made, "FRBRcountry", value=uri.split("/")[2])
    _in(made, "FRBRsubtype", value=act.kind)
    _in(made, "FRBRnumber", value=act.reference)
    for level, address in (("FRBRExpression", expression), ("FRBRManifestation", expression)):
        one = _in(told, level)
        end = ".xml" if level == "FRBRManifestation" else ""
        _in(one, "FRBRthis", value=f"{address}/!main{end}")
        _in(one, "FRBRuri", value=f"{address}{end}")
        _in(one, "FRBRdate", date=day.isoformat(), name="Generation")
        _in(one, "FRBRauthor", href="#town")
        if level == "FRBRExpression":
            _in(one, "FRBRlanguage", language=language)
        else:
            _in(one, "FRBRformat", value="application/akn+xml")
    if act.published:
        _in(meta, "publication", date=act.published.isoformat(), name="library", showAs=_safe(town.current().name))
    references = _in(meta, "references", source="#town")
    _in(references, "TLCOrganization", eId="town", href="/", showAs=_safe(town.current().name))
    _in(references, "TLCOrganization", eId="body", href="/acts/", showAs=_safe(act.body))


def _life(meta: etree._Element, events: Sequence[Event]) -> None:
    """When it was made, amended and repealed, and by which acts."""
    references = meta.find(f"{_A}references")
    assert references is not None
    cycle = etree.Element(f"{_A}lifecycle", {"source": "#town"})
    references.addprevious(cycle)
    for n, event in enumerate(events, start=1):
        source = "#town"
        if event.by is not None:
            source = f"#by_{n}"
            _in(references, "passiveRef", eId=f"by_{n}", href=work(event.by), showAs=event.by.title)
        _in(cycle, "eventRef", eId=f"event_{n}", date=event.day.isoformat(), source=source, type=event.what)
    if not len(cycle):
        meta.remove(cycle)


def _article(
    into: etree._Element, article: Article, prefix: str, links: Callable[[str], Sequence[tuple[str, Act | None]]]
) -> None:
    eid = f"{prefix}art_{re.sub('[^a-z0-9]+', '-', article.number)}"
    one = _in(into, "article", eId=eid)
    _in(one, "num").text = article.number
    if article.heading:
        _in(one, "heading").text = _safe(article.heading)
    if article.removed:
        one.set("status", "removed")
    content = _in(one, "content", eId=f"{eid}__content")
    for words in article.paragraphs or ("",):
        _paragraph(content, words, links)


def _paragraph(
    into: etree._Element, words: str, links: Callable[[str], Sequence[tuple[str, Act | None]]]
) -> etree._Element:
    paragraph = _in(into, "p")
    last: etree._Element | None = None
    for piece, named in links(words):
        if named is not None:
            last = _in(paragraph, "ref", href=work(named))
            last.text = _safe(piece)
        elif last is None:
            paragraph.text = (paragraph.text or "") + _safe(piece)
        else:
            last.tail = (last.tail or "") + _safe(piece)
    return paragraph


def read(raw: bytes) -> Imported:
    """An act out of Akoma Ntoso, version 2 or 3, of any producer: its articles wherever they stand. Raises Unreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(_("This file is no Akoma Ntoso: %(error)s") % {"error": str(error)[:200]}) from error
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction, etree.Entity)
    for node in root.iter():  # one namespace less: versions differ only there
        node.tag = etree.QName(node).localname
    if root.tag != "akomaNtoso":
        raise Unreadable(_("This file is no Akoma Ntoso: it begins with <%(tag)s>.") % {"tag": root.tag[:40]})
    told = root.find(".//identification/FRBRWork")
    articles: list[Article] = []
    for node in root.iterfind(".//body//article"):
        chapters = [a for a in node.iterancestors() if a.tag in _DIVISIONS]
        title = [_words(chapters[0].find(tag)) for tag in ("num", "heading")] if chapters else []
        name = number(re.sub(r"(?i)^(article|artigo|art\.?)\s*", "", _words(node.find("num")).rstrip(". :")))
        articles.append(
            Article(
                name or str(len(articles) + 1),
                _words(node.find("heading")),
                tuple(_paragraphs(node)),
                "\n".join(part for part in title if part),
            )
        )
    preamble = [*_paragraphs(root.find(".//preamble"))]
    if not articles:
        preamble += _paragraphs(root.find(".//body")) or _paragraphs(root.find(".//mainBody"))
    text = Text(tuple(preamble), tuple(articles), tuple(_paragraphs(root.find(".//conclusions"))))
    if not preamble and not articles:
        raise Unreadable(_("This file has no text of an act."))
    names = [a.number for a in articles]
    if len(set(names)) < len(names):
        raise Unreadable(_("Two articles have the number %(number)s.") % {"number": max(names, key=names.count)})
    codes = {three: two for two, three in LANGUAGES.items()}
    kind = (_value(told, "FRBRsubtype") or root.find("*").get("name", "")) if len(root) else ""
    body = root.find(".//TLCOrganization[@eId='body']")
    return Imported(
        text,
        kind if kind in Kind.values else "",
        _value(told, "FRBRnumber"),
        _day(told),
        codes.get(_value(root.find(".//FRBRExpression"), "FRBRlanguage", "language"), ""),
        _value(told, "FRBRalias") or _words(root.find(".//docTitle")),
        body.get("showAs", "") if body is not None else "",
    )


def _value(told: etree._Element | None, tag: str, attribute: str = "value") -> str:
    node = told.find(tag) if told is not None else None
    return str(node.get(attribute, "")) if node is not None else ""


def _day(told: etree._Element | None) -> date | None:
    try:
        day = date.fromisoformat(_value(told, "FRBRdate", "date"))
    except ValueError:
        return None
    return day if day.year > 1 else None


def _words(node: etree._Element | None) -> str:
    return re.sub(r"\s+", " ", "".join(map(str, node.itertext()))).strip() if node is not None else ""


def _paragraphs(node: etree._Element | None) -> list[str]:
    """The words of every <p>, with the number of the point that it stands in before it."""
    found = []
    for p in node.iter("p") if node is not None else ():
        inside = p.getparent()
        point = inside.getparent() if inside is not None else None
        mark = ""
        if (
            point is not None
            and point.tag in ("point", "paragraph", "item", "indent", "alinea")
            and inside.find("p") is p
        ):
            mark = _words(point.find("num"))
        if words := " ".join(part for part in (mark, _words(p)) if part):
            found.append(words)
    return found
