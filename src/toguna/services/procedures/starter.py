"""The procedures that a town starts with, and may then change."""

from __future__ import annotations

from django.db import transaction

from toguna.engines.documents import api as documents
from toguna.kernel.access import SYSTEM
from toguna.services.procedures import catalogue, ready
from toguna.services.procedures.models import Procedure

TOLD = ("slug", "names", "icon", "event", "summary", "who", "bring", "cost", "days", "words", "quiz", "paper")


@transaction.atomic
def load() -> None:
    """Adds those that are not there. Idempotent; one that the town changed stays as it is."""
    rows = [
        Procedure(order=10 * n, **{name: given[name] for name in TOLD if name in given})
        for n, given in enumerate(ready.procedures(), 1)
    ]
    Procedure.objects.bulk_create(rows, ignore_conflicts=True)
    catalogue.forget()
    for name, given in ready.papers().items():
        if documents.find_template(name) is None:
            fields = [documents.Field(**field) for field in given["fields"]]
            documents.save_template(
                name, title=given["title"], words=given["words"], fields=fields, prefix=given["prefix"], by=SYSTEM
            )
