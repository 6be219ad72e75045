"""Which category somebody's words are about, on channels where nobody points at a pictogram."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from toguna.engines.cases.api import Topic
from toguna.kernel.text import fold
from toguna.services.reports.topics import topics

WORDS = Path(__file__).parent / "data" / "words.json"


@lru_cache(maxsize=1)
def _usual() -> dict[str, tuple[str, ...]]:
    return {slug: tuple(fold(w) for w in words) for slug, words in json.loads(WORDS.read_text("utf-8")).items()}


def _phrases(topic: Topic) -> set[str]:
    """What people call it: our usual words, and the names that the town gave it."""
    own = {fold(part) for name in topic.names.values() for part in name.split(",")}
    return {phrase for phrase in {*_usual().get(topic.slug, ()), *own} if len(phrase) > 2}


def ranked(words: str) -> list[tuple[float, Topic]]:
    """Open categories that the words may be about, the likeliest first, each with a score (0 to 1, comparable). Longer
    phrases say more; a plural is its singular; a word misspelt by one letter counts for less."""
    folded = f" {fold(words)} "
    tokens = folded.split()
    found = []
    for topic in topics():
        if not topic.active:
            continue
        score = 0.0
        for phrase in _phrases(topic):
            if f" {phrase} " in folded:
                score = max(score, min(1.0, 0.5 + 0.12 * len(phrase.split()) + 0.02 * len(phrase)))
            elif " " not in phrase and len(phrase) >= 5 and any(_alike(phrase, token) for token in tokens):
                score = max(score, 0.45)
        if score:
            found.append((score, topic))
    return sorted(found, key=lambda pair: (-pair[0], pair[1].order))


def _alike(phrase: str, token: str) -> bool:
    """The same word but for its ending, or for one letter."""
    if token.startswith(phrase) and len(token) - len(phrase) <= 2:
        return True
    if abs(len(phrase) - len(token)) > 1 or phrase[0] != token[0]:
        return False
    if len(phrase) == len(token):
        return sum(a != b for a, b in zip(phrase, token, strict=True)) == 1
    long, short = (phrase, token) if len(phrase) > len(token) else (token, phrase)
    return any(long[:n] + long[n + 1 :] == short for n in range(len(long)))


def sure(found: Sequence[tuple[float, Topic]]) -> Topic | None:
    """The category, when it is the only one or clearly the likeliest."""
    if found and (len(found) == 1 or found[0][0] >= found[1][0] + 0.08):
        return found[0][1]
    return None
