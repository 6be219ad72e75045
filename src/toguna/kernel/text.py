"""Text in several languages. Ours is gettext; the town's own words (names of zones, categories...) are {language: words}."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from toguna.kernel import town

Words = Mapping[str, str]


def pick(words: Words | None, language: str | None = None) -> str:
    """The words in that language (the active one by default), else in the town's languages in order, else any, else ""."""
    if not words:
        return ""
    wanted = (language or get_language() or "").split("-")[0]
    for code in (wanted, *town.current().languages):
        if words.get(code):
            return words[code]
    return next((value for value in words.values() if value), "")


def fold(text: str) -> str:
    """Lower case, no accents, apostrophes and punctuation as single spaces: how words are compared everywhere.

    >>> fold("L'École  Sainte-Marie")
    'l ecole sainte marie'
    """
    if text.isascii():
        bare = text.lower()
    else:
        plain = unicodedata.normalize("NFKC", text).casefold()  # 𝑨 is an A before it can be an a
        decomposed = unicodedata.normalize("NFKD", plain.replace("œ", "oe").replace("æ", "ae"))
        bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"(?:[^\w]|_)+", " ", bare).strip()


def clean(text: str) -> str:
    """What people typed, made safe to keep: NFC, no control characters or lone surrogates, line ends as \\n, trimmed.

    Emoji and right-to-left text are kept; bidirectional *override* characters, which can make text lie, are not.
    """
    if text.isprintable():  # nearly always, and then nothing is to be left out
        return unicodedata.normalize("NFC", text).strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (
        c
        for c in text
        if c in "\n\t"
        or not (
            unicodedata.category(c) in {"Cc", "Cs"} or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    )
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _is_words(value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise ValidationError(_("Give the words as one text for each language."))


class WordsField(models.JSONField):
    """A JSON object {language: words}."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", dict)
        super().__init__(*args, **kwargs)
        self.validators = [*self.validators, _is_words]
