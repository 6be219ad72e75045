"""A person's taxes in their own space."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import money
from toguna.services.revenue.profile import reads


def _owned(person: Person) -> list[Owned]:
    return [
        Owned(
            title=row.name,
            url=reverse("taxes", args=[row.number]),
            says=_("%(left)s to pay") % {"left": money.shown(left)} if left > 0 else _("nothing to pay"),
            service="revenue",
            icon="bank",
            when=row.created,
            todo=left > 0,
        )
        for row, left in reads.balances(reads.theirs(person.pk))[:MOST_OWNED]
    ]


MINE = Mine("revenue", gettext_lazy("My taxes and fees"), "bank", _owned, order=18)
