"""Answers that the town has already given, and finding those that somebody's words are about.

Words are compared without accents, in all languages at once: who asks in French is offered the article whose keywords are
Portuguese when those are the words that they use. A word counts for more the fewer texts have it, so that "how", "comment"
and "como" need no list; one that is misspelt, or has another ending, counts for less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import access, audit, limits, text
from toguna.kernel.access import Actor
from toguna.kernel.text import Words
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.models import Article

MOST_WORDS = 24  # of a question; the rest is not looked at
MOST_QUESTIONS = 2000  # public ones, the newest: what bounds the work
OFFERED = 4
LEAST = 0.5  # a word that only this text has, in its title, counts 1: less than half of that is about something else
BESIDE = 0.5  # of the best one's score: less is not about the same

_SIMILAR = """
WITH doc AS MATERIALIZED (
    SELECT 'article' AS what, id, lower(unaccent(concat_ws(' ', keywords, (SELECT string_agg(value, ' ') FROM jsonb_each_text(titles))))) AS head,
        lower(unaccent(COALESCE((SELECT string_agg(value, ' ') FROM jsonb_each_text(texts)), ''))) AS body
    FROM reports_article WHERE active
    UNION ALL (SELECT 'question', id, lower(unaccent(text)), '' FROM cases_case
        WHERE %(questions)s AND type = %(type)s AND public AND state = 'answered' AND anonymised IS NULL AND id <> %(without)s
        ORDER BY id DESC LIMIT %(most)s)
), token AS MATERIALIZED (
    SELECT what, id, word, max(weight) AS weight FROM (
        SELECT what, id, 1.0 AS weight, regexp_split_to_table(head, '[^[:alnum:]]+') AS word FROM doc
        UNION ALL SELECT what, id, 0.35, regexp_split_to_table(body, '[^[:alnum:]]+') FROM doc) w
    WHERE length(word) > 2 GROUP BY 1, 2, 3
), known AS MATERIALIZED (SELECT DISTINCT word FROM token),
asked AS MATERIALIZED (SELECT DISTINCT word FROM unnest(%(words)s::text[]) AS word),
hit AS MATERIALIZED (
    SELECT a.word AS asked, k.word,
        CASE WHEN a.word = k.word THEN 1.0 WHEN starts_with(k.word, a.word) OR starts_with(a.word, k.word) THEN 0.85
             ELSE similarity(a.word, k.word) END AS near
    FROM asked a JOIN known k ON a.word = k.word OR (length(a.word) > 3 AND length(k.word) > 3 AND (
        starts_with(k.word, a.word) OR starts_with(a.word, k.word) OR similarity(a.word, k.word) > 0.42))
), found AS (
    SELECT t.what, t.id, h.asked, max(t.weight * h.near) AS s FROM token t JOIN hit h USING (word) GROUP BY 1, 2, 3
), rare AS (
    SELECT asked, ln(1 + (SELECT count(*) FROM doc) / (1.0 + count(*))) AS weight FROM found GROUP BY asked
)
SELECT what, id, sum(s * weight) / ln(1 + (SELECT count(*) FROM doc) / 2.0) AS score
FROM found JOIN rare USING (asked) GROUP BY what, id
HAVING max(s * weight) >= %(least)s * ln(1 + (SELECT count(*) FROM doc) / 2.0)
ORDER BY score DESC, what, id LIMIT 20
"""


@dataclass(frozen=True)
class Offer:
    """One answer that is there already: an article, or a question that somebody asked."""

    article: Article | None = None
    question: cases.Case | None = None


def similar(words: str, *, questions: bool = True, without: int = 0) -> list[Offer]:
    """What is there about these words, the likeliest first: OFFERED at most, none when nothing is near enough.
    questions: with public answered ones; without: the id of a case that is not offered. Two or three statements."""
    asked = [w for w in text.fold(words[:4000]).split() if len(w) > 2]
    unique = list(dict.fromkeys(asked))[:MOST_WORDS]
    if not unique:
        return []
    values: dict[str, Any] = {
        "words": unique,
        "type": QUESTION.name,
        "most": MOST_QUESTIONS,
        "questions": questions,
        "without": without,
        "least": LEAST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIMILAR, values)
        rows = [(what, pk, float(score)) for what, pk, score in cursor.fetchall()]
    near = [(what, pk) for what, pk, score in rows if score >= rows[0][2] * BESIDE][:OFFERED]
    articles = Article.objects.in_bulk([pk for what, pk in near if what == "article"])
    asked_before = cases.Case.objects.select_related("topic").in_bulk([pk for what, pk in near if what == "question"])
    return [Offer(article=articles[pk]) if what == "article" else Offer(question=asked_before[pk]) for what, pk in near]


def all_active() -> Sequence[Article]:
    return list(Article.objects.filter(active=True))


def helped(row: Article, device: str) -> bool:
    """Somebody says that it was what they wanted; counted once a day for each browser."""
    try:
        limits.hit("reports.helped", f"{device} {row.pk}", at_most=1, per=timedelta(days=1))
    except limits.TooMany:
        return False
    Article.objects.filter(pk=row.pk).update(helped=F("helped") + 1)
    return True


@transaction.atomic
def save(
    row: Article | None,
    *,
    titles: Words,
    texts: Words,
    keywords: str = "",
    active: bool = True,
    order: int = 100,
    by: Actor,
) -> Article:
    """Makes an article or changes one. Raises Refused when a title or a text is missing, Denied without the right."""
    access.require(by, QUESTION.set_up, anywhere=True)
    if not set(titles) & set(texts):
        raise cases.Refused(_("Write a title and the answer, in one language at least."))
    if missing := set(titles) ^ set(texts):
        raise cases.Refused(
            _("Write both the title and the answer in each language, or neither (%(languages)s).")
            % {"languages": ", ".join(sorted(missing))}
        )
    row = row or Article(slug=_free_slug(text.pick(titles)))
    row.titles, row.texts, row.keywords = dict(titles), dict(texts), text.clean(keywords)[:300]
    row.active, row.order, row.updated = active, order, timezone.now()
    row.save()
    audit.record(by, "reports.article", f"reports.article:{row.pk}", titles=row.titles, active=active)
    return row


def _free_slug(words: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", text.fold(words)).strip("-")[:60].strip("-") or "answer"
    taken = set(Article.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for n in range(1, len(taken) + 2) if (slug := stem if n == 1 else f"{stem}-{n}") not in taken)
