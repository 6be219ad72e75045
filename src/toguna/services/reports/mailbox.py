"""Letters about reports: one that names a report joins it, one that says what is wrong becomes one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.channels.api import Mail, MailBox
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits, text
from toguna.kernel.access import NOBODY, SYSTEM
from toguna.services.reports import intake, sorting
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topic

OTHER = "other"
MOST_PHOTOS = 3


def take(mail: Mail) -> str | None:
    case = _case(mail)
    if case is not None:
        return _join(case, mail)
    return None if mail.answers else _open(mail)


def _codes(mail: Mail) -> Iterator[str]:
    """What may be a code, the surest first: in the subject, in the message that is answered."""
    for words in (mail.subject, *(f"{m.subject}\n{m.text}" for m in mail.answers[:3])):
        for token in re.findall(r"\b[0-9A-Za-z]{6}\b", words):
            code = codes.read(token)
            if len(code) == 6:
                yield code


def _case(mail: Mail) -> cases.Case | None:
    """The report that a letter names. Words of six letters are many: only what exists counts."""
    wanted = list(dict.fromkeys(_codes(mail)))[:20]
    found = {c.code: c for c in cases.Case.objects.filter(type=REPORT.name, code__in=wanted).select_related("topic")}
    return next((found[code] for code in wanted if code in found), None)


def _join(case: cases.Case, mail: Mail) -> str:
    """The words of who reported it go to the team as theirs. Anybody may write another's address under a letter, and a code is
    no secret: whoever writes from elsewhere leaves a note that only the town hall reads, and is told nothing of the report."""
    known = case.reporter_id is not None and case.reporter_id in people.persons_at(mail.sender)
    words = mail.text or (_("(a letter without words)") if not mail.pictures else _("(photos)"))
    if not known:
        note = _("From another address, %(address)s: %(words)s") % {"address": mail.sender, "words": words}
        cases.reply(case.pk, note[:4000], by=SYSTEM, public=False, client_id=_id(mail, "note"))
        return _("Your letter was given to the team that works on it.")
    cases.answer(case.pk, words[:4000], by=NOBODY, key=cases.key_of(case))
    refused = _add(case, mail)
    return "\n".join([_("Your answer was given to the team: %(code)s.") % {"code": case.code}, *refused])


def _add(case: cases.Case, mail: Mail) -> list[str]:
    """Keeps the photos with the report; gives a sentence for each that cannot be."""
    refused = []
    for n, data in enumerate(mail.pictures):
        try:
            cases.add_photo(case.pk, data, by=NOBODY, client_id=_id(mail, f"photo {n}"))
        except (cases.Refused, cases.BadPhoto) as error:
            refused.append(str(error))
    return list(dict.fromkeys(refused))


def _open(mail: Mail) -> str | None:
    """A new report, when the letter says of what; else None: somebody reads it."""
    subject = "" if mail.subject.lower().startswith(("re:", "tr:", "fw:", "fwd:")) else mail.subject
    whole = text.clean(f"{subject}\n{mail.text}")
    ranked = sorting.ranked(whole)
    if not ranked:
        return None
    chosen = sorting.sure(ranked) or topic(OTHER)
    if chosen is None or not chosen.active or any(chosen.stop.values()):
        return None
    place = next(filter(None, map(territory.where_in, [mail.text, subject])), "")
    hits = territory.geocode(place, limit=2) if place else []
    point = hits[0] if hits and (hits[0].sure or len(hits) == 1) else None
    good, refused = _photos(mail)
    asked = partial(
        cases.Asked,
        type=REPORT.name, topic=chosen, text=whole[:4000], place=(str(point) if point else place)[:300],
        language=mail.language, channel="email", client_id=_id(mail, ""), email=mail.sender, name=mail.name, photos=good,
    )  # fmt: skip
    try:
        try:
            case, _new = intake.take_from(
                mail.sender, asked(lon=point.lon if point else None, lat=point.lat if point else None)
            )
        except cases.Outside:  # another place of that name: somebody reads the words
            case, _new = intake.take_from(mail.sender, asked())
            point = None
    except (cases.Refused, limits.TooMany) as error:
        return str(error)
    values = {"topic": text.pick(chosen.names), "code": case.code}
    address = f"{settings.TOGUNA_URL}{reverse('report', args=[case.code])}?key={cases.key_of(case)}"
    lines = [_("Received: %(topic)s. Your code is %(code)s.") % values, address]
    if point is None:
        lines.append(
            _("Answer this letter with a landmark (a market, a mosque, a school) or the district, to say where it is.")
        )
    lines.append(_("To add something, answer this letter; photos are welcome."))
    return "\n".join([*lines, *refused])


def _photos(mail: Mail) -> tuple[tuple[bytes, ...], list[str]]:
    """(those that can be kept, a sentence for each kind of the others)."""
    good, refused = [], []
    for data in mail.pictures:
        try:
            cases.check_photo(data)
        except cases.BadPhoto as error:
            refused.append(str(error))
        else:
            good.append(data)
    if len(good) > MOST_PHOTOS:
        refused.append(_("Three photos at most."))
    return tuple(good[:MOST_PHOTOS]), list(dict.fromkeys(refused))


def _id(mail: Mail, what: str) -> uuid.UUID:
    """For verbs that must happen once for each letter."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{mail.key} {what}")


REPORTS = MailBox("reports", take, order=10)
