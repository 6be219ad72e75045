"""Whoever lets somebody act for them hears of it before that ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.channels.api import Due, Reminder
from toguna.engines.people import api as people


def _ending(start: datetime, end: datetime) -> Iterator[Due]:
    held = people.mandates().filter(until__gte=start.date(), until__lte=end.date()).select_related("mediator")
    for mandate in held.order_by("id").iterator():
        when = timezone.make_aware(datetime.combine(mandate.until or start, time(12)))
        if start <= when <= end:
            yield Due(f"{mandate.pk}", mandate.person_id, when, {"name": mandate.mediator.name})


MANDATES = Reminder(
    name="frontdesk.mandate",
    title=_("Who acts for you"),
    due=_ending,
    before=(timedelta(days=7),),
    texts={
        "fr": "{name} peut agir pour vous à la mairie jusqu'au {when}. Pour prolonger, passez au guichet ou appelez.",
        "pt": "{name} pode agir por si na câmara até {when}. Para prolongar, passe pelo balcão ou ligue.",
        "en": "{name} may act for you at the town hall until {when}. To go on, come to the counter or call.",
    },
)
