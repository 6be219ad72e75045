"""What the register knows of a person, and what is left of it when they are erased. What is owed is kept by law, under a number."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import text
from toguna.services.revenue.fines import tickets
from toguna.services.revenue.models import Objection, PlanWish, Taxpayer
from toguna.services.revenue.profile import reads
from toguna.services.revenue.register import reads as register


def erase(person: int) -> None:
    """Who owes nothing and is taxed for nothing loses name, telephone and address, here, in the history and in the ledger; else only
    the link goes: a taxpayer does not leave the register by asking. Of a telephone that a family shares, only who has their name."""
    name = text.fold(people.Person.objects.values_list("name", flat=True).get(pk=person))
    for row in reads.theirs(person).filter(Q(person=person) | Q(folded=name), kind=Taxpayer.Kind.PERSON):
        if register.balance(row).owed or register.taxed_of(row).exists():
            continue
        gone = {
            "name": "",
            "folded": "",
            "phone": "",
            "email": "",
            "tax_number": "",
            "address": "",
            "trade": "",
            "point": None,
            "person": None,
        }
        for one in (row, *row.merged.all()):
            Taxpayer.objects.filter(pk=one.pk).update(**gone, erased=timezone.now(), active=False)
            ledger.Payer.objects.filter(pk=one.payer_id).update(name="", person=None)
            Objection.objects.filter(taxpayer=one).update(reason="", answer="")
            PlanWish.objects.filter(taxpayer=one).update(reason="", answer="")
            tickets.forget(one)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE revenue_taxpayerevent SET name = '', folded = '', phone = '', email = '', tax_number = '', address = '',"
                    " trade = '', point = NULL WHERE pgh_obj_id = %s",
                    [one.pk],
                )
    Taxpayer.objects.filter(person=person).update(person=None)


def known(person: int) -> list[dict[str, Any]]:
    found = []
    for row in reads.theirs(person):
        balance = register.balance(row)
        found.append(
            {
                "number": row.number, "name": row.name, "phone": row.phone, "email": row.email, "tax_number": row.tax_number,
                "address": row.address, "trade": row.trade, "owed": balance.owed, "ahead": balance.ahead,
                "taxed": [
                    {"code": one.code, "what": one.base.slug, "words": one.words, "plate": one.plate, "measures": one.measures, "since": one.since.isoformat()}
                    for one in register.taxed_of(row, gone=True)
                ],
                "bills": [{"reference": one.reference, "words": one.words, "amount": one.amount, "paid": one.paid, "due": one.due.isoformat()} for one in register.bills_of(row)],
                "objections": [{"code": one.code, "reason": one.reason, "answer": one.answer, "at": one.at.isoformat()} for one in row.objections.all()],
                "tickets": [{"number": one.number, "what": one.words, "plate": one.plate, "place": one.place, "at": one.at.isoformat(), "contested": [said.reason for said in one.contests.all()]} for one in row.tickets.prefetch_related("contests")],
                "plans": [{"bill": one.bill.reference, "months": one.months, "reason": one.reason, "answer": one.answer} for one in row.plans.select_related("bill")],
            }
        )  # fmt: skip
    return found
