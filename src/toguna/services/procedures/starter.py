"""The procedures that a town starts with, and may then change: what is told, the form, the steps, the paper."""

from __future__ import annotations

from django.db import transaction

from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.services.procedures import catalogue, deciding, ready, requesting
from toguna.services.procedures.models import Procedure

TOLD = (
    "slug",
    "names",
    "icon",
    "event",
    "summary",
    "who",
    "bring",
    "cost",
    "days",
    "words",
    "quiz",
    "paper",
    "booking",
)
FIELD = {"birth", "death"}  # also on the tablets of midwives and focal points
# The services whose opinion the ready-made workflows ask.
TEAMS = {
    "planning": {"fr": "Urbanisme", "pt": "Urbanismo", "en": "Town planning"},
    "roads": {"fr": "Voirie", "pt": "Vias públicas", "en": "Roads"},
    "health": {"fr": "Hygiène et santé", "pt": "Higiene e saúde", "en": "Hygiene and health"},
    "fire": {"fr": "Sapeurs-pompiers", "pt": "Bombeiros", "en": "Fire service"},
    "taxes": {"fr": "Impôts", "pt": "Finanças", "en": "Taxes"},
    "trade-register": {"fr": "Registre du commerce", "pt": "Registo comercial", "en": "Trade register"},
}


@transaction.atomic
def load() -> None:
    """Adds those that are not there. Idempotent; one that the town changed stays as it is."""
    written, asked = ready.written(), ready.forms()
    rows = []
    for n, given in enumerate(ready.procedures(), 1):
        how = written.get(given["slug"], {})
        rows.append(
            Procedure(
                order=10 * n, form=given["slug"] if given["slug"] in asked else "", pattern=how.get("pattern", ""),
                register=how.get("register", ""), facts=how.get("facts", {}), entry_words=how.get("words", {}),
                **{name: given[name] for name in TOLD if name in given},
            )
        )  # fmt: skip
    Procedure.objects.bulk_create(rows, ignore_conflicts=True)
    catalogue.forget()
    for name, given in ready.papers().items():
        if documents.find_template(name) is None:
            fields = [documents.Field(**field) for field in given["fields"]]
            documents.save_template(
                name, title=given["title"], words=given["words"], fields=fields, prefix=given["prefix"], by=SYSTEM
            )
    people.Team.objects.bulk_create(
        [people.Team(slug=slug, names=names) for slug, names in TEAMS.items()], ignore_conflicts=True
    )
    there = set(forms.Form.objects.filter(slug__in=asked).values_list("slug", flat=True))
    for slug, definition in asked.items():
        if slug not in there:
            made = forms.save_draft_form(slug, definition, by=SYSTEM, service=requesting.SERVICE, field=slug in FIELD)
            forms.publish(made, by=SYSTEM)
    for procedure in Procedure.objects.filter(slug__in=written):
        requesting.topic(procedure)
        if procedure.steps is None:
            deciding.publish(procedure, by=SYSTEM)
