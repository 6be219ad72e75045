"""The tariffs that hold, and what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from toguna.engines.ledger.models import Tariff
from toguna.engines.ledger.tariffs import pricing
from toguna.engines.ledger.tariffs.pricing import Quote
from toguna.kernel import text, town


def current(on: date | None = None) -> QuerySet[Tariff]:
    """The version of each that holds on a day."""
    day = on or timezone.localdate()
    newest = Tariff.objects.filter(since__lte=day).order_by("slug", "-since").distinct("slug")
    return Tariff.objects.filter(pk__in=newest.values("pk"), active=True).select_related("income").order_by("slug")


def tariff(slug: str, on: date | None = None) -> Tariff | None:
    """The version that holds on a day, withdrawn ones excepted."""
    row = (
        Tariff.objects.filter(slug=slug, since__lte=on or timezone.localdate())
        .select_related("income")
        .order_by("-since")
        .first()
    )
    return row if row is not None and row.active else None


def quote(
    row: Tariff, measures: Mapping[str, Any], *, zones: Sequence[int] = (), exemptions: Sequence[str] = (),
    language: str | None = None, currency: str = "",
) -> Quote:  # fmt: skip
    """What a tariff gives. Raises pricing.Missing."""
    return pricing.quote(
        row.rule, measures, currency or town.current().currency, words=text.pick(row.titles, language), zones=zones,
        exemptions=exemptions, language=language,
    )  # fmt: skip


def find(words: str, *, most: int = 5) -> list[Tariff]:
    """Public tariffs whose name has these words, the best first: for "how much is...?" by telephone."""
    wanted = {word for word in text.fold(words).split() if len(word) > 2}
    if not wanted:
        return []
    scored = []
    for row in current().filter(public=True):
        names = " ".join([*row.titles.values(), row.slug.replace("-", " "), row.unit])
        there = text.fold(names).split()
        score = sum(2 if word in there else 1 for word in wanted if any(_alike(word, one) for one in there))
        if score:
            scored.append((-score, row.slug, row))
    return [row for _score, _slug, row in sorted(scored, key=lambda one: one[:2])[:most]]


def _alike(word: str, other: str) -> bool:
    """The same but for an ending, or one letter left out or put in."""
    if word == other or (len(word) > 3 and (other.startswith(word) or (word.startswith(other) and len(other) > 3))):
        return True
    if abs(len(word) - len(other)) > 1 or len(word) < 5:
        return False
    short, long = sorted((word, other), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))
