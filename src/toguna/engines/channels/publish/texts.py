"""One text, all media: what each medium can carry, cut to fit, never silently made dearer.

An SMS is brought into the GSM alphabet and kept within its parts; what is left out is on the page whose address ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from toguna.engines.channels import sms
from toguna.engines.channels.models import Publication
from toguna.kernel import text
from toguna.kernel.text import pick

# Characters that a medium shows; SMS and USSD are counted in septets instead.
LONGEST = {
    "push": 120,
    "social": 500,
    "whatsapp": 1000,
    "telegram": 1000,
    "facebook": 1000,
    "ussd": 0,
    "email": 0,
    "web": 0,
}
USSD_SEPTETS = 182


class DoesNotFit(Exception):
    """It cannot be sent so; str() says why, and what to do."""


@dataclass(frozen=True)
class Cut:
    """What one medium gets in one language. parts: SMS that are billed (1 for other media); cut: something was left out."""

    title: str
    text: str
    parts: int = 1
    alphabet: str = ""
    cut: bool = False


def address(publication: Publication) -> str:
    """Its public page: short enough for an SMS."""
    return f"{settings.TOGUNA_URL}/p/{publication.pk}"


def fitted(publication: Publication, medium: str, language: str, *, unicode_allowed: bool = False) -> Cut:
    """What is sent by that medium in that language. Raises DoesNotFit.

    Words that were written for the medium are taken as they are; else the title and the text, as much as there is room."""
    title, body = pick(publication.titles, language), pick(publication.texts, language)
    own = _own(publication.shorts, medium, language)
    if medium in ("email", "web"):
        return Cut(title, own or body)
    words = own or (f"{title}. {body}" if body and not body.startswith(title) else title)
    if medium in ("sms", "ussd"):
        return _septets(publication, medium, title, words, own=bool(own), unicode_allowed=unicode_allowed)
    most, link = LONGEST.get(medium, 500), address(publication)
    if len(words) <= most:
        return Cut(title, words)
    return Cut(title, f"{_shortened(words, most - len(link) - 1)} {link}", cut=True)


def _own(shorts: Mapping[str, Mapping[str, str]], medium: str, language: str) -> str:
    given = shorts.get(medium) or {}
    return given.get(language, "")


def _septets(publication: Publication, medium: str, title: str, words: str, *, own: bool, unicode_allowed: bool) -> Cut:
    words = sms.normalise(words)
    size = sms.size(words)
    if size.alphabet != "GSM" and not unicode_allowed:
        strange = sorted({c for c in words if sms.size(c).alphabet != "GSM"})
        raise DoesNotFit(
            _("These characters would make each SMS more than twice as dear: %(characters)s. Write it without them.")
            % {"characters": " ".join(strange[:12])}
        )
    most = publication.most_parts if medium == "sms" else 1

    def fits(candidate: str) -> bool:
        measured = sms.size(candidate)
        return measured.parts <= most if medium == "sms" else measured.units <= USSD_SEPTETS

    if fits(words):
        return Cut(title, words, size.parts, size.alphabet)
    if own:
        raise DoesNotFit(_("This is too long: %(parts)d SMS, at most %(most)d.") % {"parts": size.parts, "most": most})
    link = f" {address(publication)}"
    low, high = 0, len(words)
    while low < high:  # the longest beginning that fits with the link
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(_shortened(words, middle) + link) else (low, middle - 1)
    made = _shortened(words, low) + link
    measured = sms.size(made)
    return Cut(title, made, measured.parts, measured.alphabet, cut=True)


def _shortened(words: str, most: int) -> str:
    """At most that many characters, cut between words."""
    if len(words) <= most:
        return words
    head = words[: max(0, most - 3)]
    head = head.rpartition(" ")[0] or head
    return head.rstrip(" .,;:") + "..."


def languages_of(publication: Publication) -> list[str]:
    """The languages in which it is written."""
    return [code for code, words in publication.titles.items() if text.clean(words)]
