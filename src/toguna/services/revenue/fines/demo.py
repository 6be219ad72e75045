"""Infractions of the demo town: the prices of its fictional council, and tickets written through the door by which devices send."""

from __future__ import annotations

import uuid
from datetime import timedelta
from random import Random

from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel.access import SYSTEM, Actor, Grant
from toguna.kernel.demo import DemoFiles
from toguna.services.revenue.fines import books, contesting, starter, tickets
from toguna.services.revenue.fines.books import WRITE
from toguna.services.revenue.models import Infraction, Ticket, TicketBook

TICKETS = 40
LAW = "Délibération n° 2025-014 du conseil municipal (ville fictive), art. {}"
NAMES = ("Ousmane Diallo", "Fatoumata Sow", "Ibrahim Maïga", "Mariam Cissé")


def load(_files: DemoFiles) -> None:
    """Idempotent: each ticket has an id that depends on its number alone."""
    starter.load()
    since = timezone.localdate().replace(month=1, day=1) - timedelta(days=365)
    for n, (slug, (titles, _law, rule, unit)) in enumerate(starter.rules().items(), 20):
        income = ledger.Account.objects.get(code=tickets.FINES)
        values = {"titles": titles, "law": LAW.format(n), "rule": rule, "unit": unit, "income": income, "public": False}
        ledger.Tariff.objects.get_or_create(slug=slug, since=since, defaults=values)
    officer = next((one for one in people.staff_with(WRITE) if one.email), None)
    bounds = territory.town_bounds()
    if officer is None or bounds is None:
        return
    actor = Actor(account=officer.pk, name=officer.name, staff=True, grants=(Grant("manager", "revenue"),))
    random = Random(71)  # noqa: S311 - the same each time
    found = list(Infraction.objects.filter(active=True))
    west, south, east, north = bounds
    for n in range(TICKETS):
        once = uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.demo.ticket:{n}")
        kind = random.choice(found)
        plate = (
            random.choice(["AB123CD", f"AC{100 + n}ZK", f"BD{200 + n}MT"])
            if kind.impound or kind.slug == "vitesse"
            else ""
        )
        record = {
            "id": str(once), "kind": kind.slug, "plate": plate, "name": "" if plate else random.choice(NAMES), "measure": "27",
            "at": (timezone.now() - timedelta(hours=17 * n + 1)).isoformat(), "place": "",
            "lon": west + (east - west) * random.uniform(0.4, 0.6), "lat": south + (north - south) * random.uniform(0.4, 0.6),
        }  # fmt: skip
        _written(record, once, actor)
    row = Ticket.objects.filter(account=officer.pk).order_by("-at").first()
    if row is not None:
        once = uuid.uuid5(uuid.NAMESPACE_OID, "toguna.demo.contest")
        contesting.contest(row, "Le panneau d’interdiction était tombé ce jour-là.", client_id=once, by=SYSTEM)


def _written(record: dict[str, object], once: uuid.UUID, actor: Actor) -> None:
    if Ticket.objects.filter(client_id=once).exists():
        return
    book: TicketBook = books.take(uuid.UUID(int=71), by=actor)
    tickets.apply({**record, "book": book.pk, "leaf": books.next_leaf(book)}, by=actor)
