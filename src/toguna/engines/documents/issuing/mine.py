"""The papers that a person was given, for their own space."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.documents.models.issuing import Issued
from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import text


def _owned(person: Person) -> list[Owned]:
    found = Issued.objects.filter(person=person).select_related("template").defer("facts").order_by("-id")[:MOST_OWNED]
    return [
        Owned(
            title=f"{text.pick(paper.template.title)} {paper.reference}",
            url=reverse("my-paper", args=[paper.code]) if paper.revoked is None else "",
            says=_("Taken back: it is worth nothing any more.") if paper.revoked else "",
            icon="copy",
            when=paper.at,
        )
        for paper in found
    ]


MINE = Mine("papers", gettext_lazy("My papers"), "copy", _owned, order=30)
