"""What the demo town has issued and entered in its books: the same for the same town."""

from __future__ import annotations

import csv
import uuid
from datetime import date, timedelta
from itertools import islice
from random import Random

from toguna.engines.documents import api as documents
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.procedures import starter

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


def _id(kind: str, number: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.demo.{kind}:{number}")
