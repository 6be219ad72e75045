"""A publication on paper and on air: poster and leaflet with a code to scan, and a script that a radio can read."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.channels.models import Publication
from toguna.engines.channels.publish import texts
from toguna.engines.channels.settings import section
from toguna.kernel import paper
from toguna.kernel.tasks import Lane
from toguna.kernel.text import pick

SIZES = {"a4": ("a4", 1.25), "a5": ("a5", 0.88)}
WORDS_A_MINUTE = 130  # read aloud, slowly enough to be understood in a second language
_DRAWINGS = Path(__file__).parent / "typst"


@dataclass(frozen=True)
class Script:
    """What a radio reads: lines of a breath each; seconds: once, at WORDS_A_MINUTE."""

    title: str
    lines: tuple[str, ...]
    seconds: int

    def __str__(self) -> str:
        return "\n\n".join(self.lines)


def poster(publication: Publication, size: str = "a4", language: str = "") -> bytes:
    """A PDF of one page when it can be; in one language, or in all that it is written in. size: "a4", to be seen from the
    road, or "a5", a leaflet."""
    sheet, scale = SIZES[size]
    wanted = [language] if language in texts.languages_of(publication) else texts.languages_of(publication)
    said = [_said(publication, code) for code in wanted]
    length = sum(len(s["title"]) + sum(map(len, s["lines"])) for s in said)
    address, number = texts.address(publication), str(section("sms").get("number", ""))
    code = io.BytesIO()
    segno.make(address, error="m", micro=False).save(code, kind="svg", scale=4, border=1)
    with translation.override(wanted[0]):
        data = {
            "paper": sheet, "scale": scale, "title_size": 34 if length < 500 else 26, "words": said,
            "alarm": publication.lane >= Lane.ALARM, "alarm_word": _("Alarm"), "address": address.partition("://")[2],
            "more": _("More, and what is new:"), "language": wanted[0], "date": _date(publication),
            "phone": _("By SMS or telephone: %(number)s") % {"number": number} if number else "",
        }  # fmt: skip
    return paper.drawn(_DRAWINGS / "poster.typ", data, {"code.svg": code.getvalue()})


def _said(publication: Publication, language: str) -> dict[str, Any]:
    body = pick(publication.texts, language)
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return {"language": language, "title": pick(publication.titles, language), "lines": lines}


def _date(publication: Publication) -> str:
    return date_format(timezone.localdate(publication.started or publication.created), "j F Y")


def radio(publication: Publication, language: str) -> Script:
    """The words as they are said: no addresses of pages, abbreviations opened, a breath a line."""
    title, body = pick(publication.titles, language), pick(publication.texts, language)
    whole = body if body.startswith(title) else f"{title}. {body}"
    spoken = re.sub(r"https?://\S+", "", whole)
    with translation.override(language):
        for short, full in ((r"\bn°\s*", _("number ")), (r"\bSMS\b", _("text message")), (r"\bkm\b", _("kilometres"))):
            spoken = re.sub(short, full, spoken)
        spoken = re.sub(r"\b(\d{1,2})[hH:](\d{2})\b", lambda m: _clock(int(m[1]), int(m[2])), spoken)
    breaths = [part.strip() for part in re.split(r"(?<=[.!?:;])\s+|\n+", spoken) if part.strip(" .")]
    words = sum(len(line.split()) for line in breaths)
    return Script(title, tuple(breaths), math.ceil(words * 60 / WORDS_A_MINUTE))


def _clock(hour: int, minute: int) -> str:
    if minute == 0:
        return ngettext("%(hour)d hour", "%(hour)d o’clock", hour) % {"hour": hour}
    return _("%(hour)d hours %(minute)02d") % {"hour": hour, "minute": minute}


def radio_pdf(publication: Publication, language: str) -> bytes:
    """The script on paper, large and wide apart."""
    script = radio(publication, language)
    with translation.override(language):
        length = _("%(seconds)d seconds") % {"seconds": script.seconds}
        data = {
            "title": script.title, "lines": script.lines, "language": language, "date": _date(publication),
            "length": length, "twice": _("Please read it twice, slowly."),
        }  # fmt: skip
    return paper.drawn(_DRAWINGS / "radio.typ", data)
