"""What the demo town has issued, entered in its books and been asked for: the same for the same town."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import islice
from random import Random
from typing import Any

from django.db import transaction

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.procedures import catalogue, requesting, starter

PAPERS, BIRTHS = 8, 24
PLACES = ("Zongo, derrière le marché", "Plateau, près de l'école du centre", "Sanfil, face au forage")


def load(files: DemoFiles) -> None:
    """Idempotent: each paper and each entry has an id that depends on its number alone."""
    starter.load()
    with (files.folder / "residents.csv").open(newline="", encoding="utf-8") as rows:
        names = [row["name"] for row in islice(csv.DictReader(rows), PAPERS + 3 * BIRTHS)]
    random = Random(11)  # noqa: S311 - the same each time
    for n, name in enumerate(names[:PAPERS]):
        documents.issue(
            "residence-certificate",
            {
                "name": name, "born_on": date(random.randint(1950, 2005), random.randint(1, 12), random.randint(1, 28)),
                "paper": f"CNI {random.randint(10**6, 10**7)}", "address": random.choice(PLACES),
                "since": date(random.randint(2006, 2025), 1, 1),
            },
            by=SYSTEM, signer="Le Maire", holder=name, day=files.until - timedelta(days=4 * (PAPERS - n)), language="fr",
            client_id=_id("paper", n),
        )  # fmt: skip
    people = names[PAPERS:]
    for n, (child, mother, father) in enumerate(zip(people[::3], people[1::3], people[2::3], strict=False)):
        born = files.until - timedelta(days=3 * (BIRTHS - n) + 5)
        family = father.rpartition(" ")[2]
        name = f"{family} {child.split()[0]}"
        documents.register_entry(
            "birth", {"name": name, "born": born.isoformat(), "mother": mother, "father": father},
            words=f"Le {born:%d/%m/%Y} est né(e) {name}, de {father} et de {mother}.", by=SYSTEM, officer="L'officier d'état civil",
            day=born + timedelta(days=4), confirmed=True, client_id=_id("birth", n),
        )  # fmt: skip

    _requests(names, files, random)


def _requests(names: list[str], files: DemoFiles, random: Random) -> None:
    """Two requests for each procedure that has a form: one just received, one on which somebody works."""
    offered = {form.slug: form for form in forms.forms(service=requesting.SERVICE)}
    for n, procedure in enumerate(row for row in catalogue.procedures() if row.form in offered):
        for m in range(2):
            client_id = _id(f"request-{procedure.slug}", m)
            filling = requesting.begin(
                procedure, by=SYSTEM, language="fr", channel=("web", "counter", "sms")[(n + m) % 3], client_id=client_id
            )
            if filling.completed is None:
                definition = forms.definition_of(filling.version_id)
                answers = _answers(definition.items, definition, names[(2 * n + m) % len(names)], files.until, random)
                try:
                    with transaction.atomic():
                        filling = forms.complete(filling, by=SYSTEM, answers=answers)
                except (forms.Invalid, forms.Refused, cases.Refused):
                    continue  # what a form asks that we did not foresee: one example less
                if m:
                    _moved(cases.Case.objects.get(code=filling.subject))


def _moved(case: cases.Case) -> None:
    """One step on, as far as nothing has to be paid or brought first."""
    for transition in cases.workflow_of(case).possible(case.state):
        if not (transition.fee or transition.document or transition.returns or transition.ask == "yes"):
            with suppress(cases.Refused), transaction.atomic():
                cases.move(case.pk, transition.name, by=SYSTEM)
                return


def _answers(
    items: Sequence[forms.Item], form: forms.Definition, name: str, today: date, random: Random
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if item.kind == "group":
            found[item.name] = _answers(item.items, form, name, today, random)
        elif item.kind == "repeat":
            found[item.name] = [_answers(item.items, form, name, today, random)]
        elif item.asked and (value := _answer(item, form, name, today, random)) is not None:
            found[item.name] = value
    return found


def _answer(item: forms.Item, form: forms.Definition, name: str, today: date, random: Random) -> Any:
    rows = form.choices.get(item.list, ())
    match item.kind:
        case "select_one":
            return random.choice(rows).name
        case "select_multiple" | "rank":
            return [row.name for row in rows] if item.kind == "rank" else [random.choice(rows).name]
        case "date":
            future = ">= today" in item.constraint or "> today" in item.constraint
            return (today + timedelta(days=random.randint(10, 40) if future else -random.randint(20, 40))).isoformat()
        case "dateTime":
            return f"{today + timedelta(days=random.randint(3, 9))}T10:00:00"
        case "time":
            return "08:30"
        case "integer":
            return random.randint(1, 9)
        case "decimal" | "range":
            return str(random.randint(2, 60))
        case "acknowledge":
            return True
        case "geopoint":
            return None
        case "text":
            if item.prefill == "person.phone" or "numbers" in item.appearance:
                return None
            named = "name" in item.name or item.name in ("father", "mother", "owner", "spouse")
            return (
                name
                if named
                else random.choice(PLACES)
                if any(w in item.name for w in ("place", "address", "where"))
                else "Comme dit au guichet"
            )
        case _:
            return None


def _id(kind: str, number: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.demo.{kind}:{number}")
