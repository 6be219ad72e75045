"""What people are told of their bookings, each once, in their language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.bookings import reads, subjects
from toguna.engines.bookings.models import Booking
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import text, town


def said_when(moment: datetime) -> str:
    """ "Tuesday 24 November, 09:30", in the language of whoever reads."""
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'l j F')}, {local:%H:%M}"


def tell(booking: Booking, key: str, words: Callable[[], str], **values: str) -> None:
    """Sends the words to the person, once for that key; values: of what the words name, beside what, when, code and url."""
    if booking.person_id is None or subjects.silent(booking.subject_kind):
        return
    way = people.reach_many([booking.person_id]).get(booking.person_id)
    if way is None:
        return
    language = booking.language or way.language or town.current().languages[0]
    with translation.override(language):
        said = words() % {
            "what": text.pick(booking.slot.resource.titles), "when": said_when(booking.slot.start), "code": booking.code,
            "url": f"{settings.TOGUNA_URL}{reads.address_of(booking)}", **values,
        }  # fmt: skip
        subject = _("Your appointment")
    channels.send(
        way.medium, way.address, key=key, subject=subject, text=said, language=language, person=booking.person_id
    )
