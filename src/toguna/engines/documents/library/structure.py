"""The text of an act as parts: what comes before, articles under chapters, what closes it. Written in plain lines:

    Vu la loi n° 2017-051 portant code des collectivités ;

    Chapitre I – Des marchés

    Article 1 – Objet
    Le présent arrêté fixe les heures du marché.

    Article 2. Le marché ouvre à 6 heures.

    Fait à Soundiakoura, le 3 mars 2023

`read` and `write` are each other's inverse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from toguna.kernel import text

LONGEST = 400_000  # characters of a whole act
MOST_ARTICLES = 2000

_NUMBER = r"(?:premier|unique|[0-9]{1,4})(?:er|re|º|°|e)?(?:[ -](?:bis|ter|quater|quinquies)\b|-[a-z]\b)?"
_ARTICLE = re.compile(
    rf"^(?:article|art\.?|artigo)\s+(?P<number>{_NUMBER})(?!\w)\s*(?P<sep>[.:]\s*[–—-]?|[–—-])?\s*(?P<rest>.*)$",
    re.IGNORECASE,
)
_CHAPTER = re.compile(
    r"^(?:(?:sous-)?titre|chapitre|section|partie|t[íi]tulo|cap[íi]tulo|sec[çc][ãa]o|title|chapter|part)\s+"
    r"(?:[ivxlc]+|[0-9]+|premier|unique|primeiro|first)(?:er|º)?\b.*$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(?:fait (?:à|a|en)|feito em|dado em|pa[çc]os|done (?:at|in|this)|ampliations?\b)", re.IGNORECASE
)


class Unreadable(ValueError):
    """It cannot be an act; str() says why and what to do."""


@dataclass(frozen=True)
class Article:
    """number: "1", "5 bis"; chapter: the line that it stands under ("" none); paragraphs: each on lines of its own."""

    number: str
    heading: str = ""
    paragraphs: tuple[str, ...] = ()
    chapter: str = ""
    changed_by: int | None = None  # the act that made it what it is, in a consolidated text
    removed: bool = False


@dataclass(frozen=True)
class Text:
    preamble: tuple[str, ...] = ()
    articles: tuple[Article, ...] = ()
    closing: tuple[str, ...] = ()

    def article(self, number: str) -> Article | None:
        return next((a for a in self.articles if same(a.number, number)), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "preamble": list(self.preamble),
            "articles": [
                {"number": a.number, "heading": a.heading, "paragraphs": list(a.paragraphs), "chapter": a.chapter}
                for a in self.articles
            ],
            "closing": list(self.closing),
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Text:
        articles = (Article(a["number"], a["heading"], tuple(a["paragraphs"]), a["chapter"]) for a in kept["articles"])
        return cls(tuple(kept["preamble"]), tuple(articles), tuple(kept["closing"]))

    def words(self) -> str:
        """Everything that it says, for searching."""
        return write(self)


def same(one: str, other: str) -> bool:
    """Whether two numbers are the same article's: "5 bis" and "5-BIS", "1er" and "1"."""
    return number(one) == number(other)


def number(typed: str) -> str:
    """A number as it is kept: "premier", "1er" and "1º" are "1"; "5-bis" is "5 bis"."""
    folded = text.fold(typed.replace("º", "").replace("°", ""))
    head, _space, tail = folded.partition(" ")
    head = "1" if head in ("premier", "1er", "1re", "unique") else re.sub(r"(?<=\d)(?:er|re|e)$", "", head)
    head = head.lstrip("0") or head
    return f"{head} {tail}".strip()


def _article(line: str) -> tuple[str, str, str] | None:
    """(number, heading, words) of a line that begins an article. "Article 5 est abrogé" does not: it speaks of one."""
    match = _ARTICLE.match(line)
    if not match:
        return None
    rest, separator = match["rest"].strip(), (match["sep"] or "").strip()
    if rest and not separator and not rest[0].isupper():
        return None
    return (number(match["number"]), rest, "") if separator in ("–", "—", "-") else (number(match["number"]), "", rest)


def read(typed: str) -> Text:
    """The parts of a text in plain lines. Raises Unreadable: too long, or two articles with one number."""
    typed = text.clean(typed)
    if len(typed) > LONGEST:
        raise Unreadable(
            _("This text is longer than %(most)s characters. Put annexes in a file beside it.") % {"most": LONGEST}
        )
    preamble: list[str] = []
    closing: list[str] = []
    articles: list[tuple[str, str, list[str], str]] = []
    chapter: list[str] = []
    titling = False  # the lines between a chapter's and its first article are its title
    for line in (re.sub(r"\s+", " ", raw).strip() for raw in typed.split("\n")):
        if not line:
            continue
        if closing or (articles and _CLOSING.match(line)):
            closing.append(line)
        elif begun := _article(line):
            name, heading, words = begun
            articles.append((name, heading, [words] if words else [], "\n".join(chapter)))
            titling = False
        elif len(line) <= 200 and _CHAPTER.match(line):
            chapter, titling = [*chapter, line] if titling else [line], True
        elif titling:
            chapter.append(line)
        else:
            (articles[-1][2] if articles else preamble).append(line)
    if titling:  # a chapter with no article after it: words of what came before
        (articles[-1][2] if articles else preamble).extend(chapter)
    if len(articles) > MOST_ARTICLES:
        raise Unreadable(_("More than %(most)d articles: split this act.") % {"most": MOST_ARTICLES})
    names = [name for name, *_rest in articles]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Unreadable(_("Two articles have the number %(number)s.") % {"number": twice})
    if not preamble and not articles:
        raise Unreadable(_("There is no text yet."))
    made = tuple(Article(name, heading, tuple(words), under) for name, heading, words, under in articles)
    return Text(tuple(preamble), made, tuple(closing))


def write(whole: Text, article: str = "Article") -> str:
    """The plain lines of a text; `article` is its word for one."""
    lines = [*whole.preamble]
    chapter = ""
    for one in whole.articles:
        if one.chapter != chapter:
            chapter = one.chapter
            lines.append(chapter)
        first, *others = one.paragraphs or ("",)
        if one.heading:
            lines.append("\n".join([f"{article} {one.number} – {one.heading}", *one.paragraphs]))
        elif first[:1] in "–—-.:":  # would be taken for what stands between the number and the words
            lines.append("\n".join([f"{article} {one.number}.", *one.paragraphs]))
        else:
            lines.append("\n".join([f"{article} {one.number}. {first}", *others]))
    return "\n\n".join([*lines, *whole.closing])


@dataclass(frozen=True)
class Change:
    """What is done to a text. by: the id of the act that does it."""

    verb: str
    article: str
    after: str = ""
    heading: str = ""
    words: str = ""
    by: int | None = None


def apply(whole: Text, changes: Iterable[Change]) -> Text:
    """The consolidated text: each change in turn. One that speaks of an article that is not there changes nothing: the
    library refuses it when it is written (see `problem`), and a later correction must not break the page."""
    articles = list(whole.articles)
    for change in changes:
        at = next((i for i, a in enumerate(articles) if same(a.number, change.article)), None)
        paragraphs = tuple(line.strip() for line in change.words.split("\n") if line.strip())
        if change.verb == "replace" and at is not None:
            old = articles[at]
            articles[at] = replace(
                old, heading=change.heading or old.heading, paragraphs=paragraphs, changed_by=change.by
            )
        elif change.verb == "remove" and at is not None:
            articles[at] = replace(articles[at], paragraphs=(), removed=True, changed_by=change.by)
        elif change.verb == "add" and (at is None or articles[at].removed):
            if at is not None:
                del articles[at]
            after = next((i for i, a in enumerate(articles) if same(a.number, change.after)), len(articles) - 1)
            chapter = articles[after].chapter if articles else ""
            made = Article(number(change.article), change.heading, paragraphs, chapter, change.by)
            articles.insert(after + 1, made)
    return replace(whole, articles=tuple(articles))


def problem(whole: Text, change: Change) -> str:
    """Why that change cannot be made to that text; "" when it can."""
    there = whole.article(change.article)
    if change.verb in ("replace", "remove") and (there is None or there.removed):
        return _("It has no article %(number)s.") % {"number": change.article}
    if change.verb == "add" and there is not None and not there.removed:
        return _("It has an article %(number)s already.") % {"number": change.article}
    if change.verb == "add" and change.after and whole.article(change.after) is None:
        return _("It has no article %(number)s.") % {"number": change.after}
    if change.verb in ("replace", "add") and not change.words.strip():
        return _("Type the new words of the article.")
    return ""


def grouped(articles: Sequence[Article]) -> list[tuple[str, list[Article]]]:
    """Articles under their chapters, in order: ("" none)."""
    groups: list[tuple[str, list[Article]]] = []
    for article in articles:
        if not groups or groups[-1][0] != article.chapter:
            groups.append((article.chapter, []))
        groups[-1][1].append(article)
    return groups
