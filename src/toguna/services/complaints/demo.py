"""Complaints of the demo town: the same for the same day, a year of them, most settled."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from random import Random

from django.db import transaction
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.kernel import codes
from toguna.kernel.demo import DemoFiles
from toguna.services.complaints import reads, starter
from toguna.services.complaints.casetype import COMPLAINT
from toguna.services.complaints.models import Complaint, Level

MANY = 90
WORDS = {
    "service": ("Trois visites pour un certificat, le guichet était fermé.", "Le camion ne passe plus depuis deux semaines."),
    "staff": ("On m'a parlé durement au guichet.", "L'agent a refusé de prendre mon dossier sans dire pourquoi."),
    "decision": ("Ma place au marché a été donnée à un autre.", "On refuse mon permis alors que le plan est complet."),
    "charge": ("J'ai payé deux fois la même taxe.", "La taxe demandée n'est pas celle qui est affichée."),
    "damage": ("La niveleuse a cassé mon mur.", "L'eau du caniveau bouché est entrée dans ma maison."),
    "neighbour": ("Le moulin voisin tourne toute la nuit.", "Le voisin jette ses eaux dans la rue."),
    "other": ("Personne ne répond au téléphone de la mairie.",),
}  # fmt: skip


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: each has an id that depends on its number alone."""
    starter.load()
    random, topics = Random(20), reads.topics()  # noqa: S311 - the same each time
    levels = {level.number: level.days for level in Level.objects.all()}
    until = timezone.make_aware(datetime.combine(files.until, time(10)))
    rows, beside = [], []
    for n in range(MANY):
        topic = random.choices(topics, [6, 3, 2, 4, 1, 3, 2][: len(topics)])[0]
        age, took = random.randint(0, 360), random.randint(2, 24)
        created = until - timedelta(days=age, hours=random.randint(0, 6))
        settled = age > took
        level = min(3, took // 10) if settled else min(3, age // 10)
        state = random.choices(["upheld", "partly", "rejected"], [5, 3, 4])[0] if settled else "received"
        case = cases.Case(
            client_id=uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.demo.complaint:{n}"), code=codes.make(6), type=COMPLAINT.name,
            topic=topic, state=state, open=not settled, public=False, text=random.choice(WORDS[topic.slug]),
            channel=random.choice(["web", "sms", "counter"]), language="fr", created=created, updated=created,
            due=created + timedelta(days=sum(levels[k] for k in range(level + 1))),
            closed=created + timedelta(days=took) if settled else None,
        )  # fmt: skip
        rows.append((case, level))
    known = set(cases.Case.objects.filter(type=COMPLAINT.name).values_list("client_id", flat=True))
    made = [(case, level) for case, level in rows if case.client_id not in known]
    for case, level in zip(cases.Case.objects.bulk_create([c for c, _l in made]), (lv for _c, lv in made), strict=True):
        beside.append(Complaint(case=case, level=level))
    Complaint.objects.bulk_create(beside)
    cases.Step.objects.bulk_create(
        [cases.Step(case=c.case, at=c.case.created, action="opened", to_state="received", public=True) for c in beside]
    )
