"""What of waste stands in a person's own space: the pick-ups that are to come, and the jobs of who fetches it."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import text
from toguna.services.waste.models import PickUp
from toguna.services.waste.orders import telling

OFFERED, ACCEPTED = PickUp.State.OFFERED, PickUp.State.ACCEPTED


def _owned(person: Person) -> list[Owned]:
    rows = PickUp.objects.filter(household__person=person, state__in=PickUp.OPEN).select_related("kind")
    found = [
        Owned(
            title=f"{text.pick(row.kind.titles)} {row.code}",
            url=telling.path_of(row),
            says=f"{row.get_state_display()}: {telling.when(row.start, row.end)}",
            service="waste",
            icon="full-bin",
            when=row.created,
            due=timezone.localdate(row.start),
        )
        for row in rows.order_by("start")[:MOST_OWNED]
    ]
    found.extend(_jobs(person))
    return found


def _jobs(person: Person) -> list[Owned]:
    rows = PickUp.objects.filter(
        state__in=(OFFERED, ACCEPTED), collector__phone__in=person.contacts.filter(lost=None, kind="phone").exclude(verified=None).values("value"),
    )  # fmt: skip
    return [
        Owned(
            title=str(_("Job %(code)s")) % {"code": row.code},
            url=reverse("waste-jobs"),
            says=telling.when(row.start, row.end),
            service="waste",
            icon="team",
            when=row.created,
            due=timezone.localdate(row.start),
            todo=row.state == OFFERED,
        )
        for row in rows.order_by("start")[:MOST_OWNED]
    ]


MINE = Mine("waste", _("My waste"), "full-bin", _owned, order=17)
