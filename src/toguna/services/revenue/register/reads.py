"""What the register says: who is taxed, for what, where; for whoever may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Base, Part, Taxed, Taxpayer
from toguna.services.revenue.register import numbers

READ = "revenue.read"
MOST = 20
_ALIKE = 0.45  # trigram similarity from which a name may be the one that was meant


def bases() -> list[Base]:
    return list(Base.objects.filter(active=True))


def taxed(actor: Actor, permission: str = READ) -> QuerySet[Taxed]:
    """The taxed things that they may see: those of their zones, and those of which nobody knows yet where they are."""
    zones = access.zones(actor, permission)
    rows = Taxed.objects.select_related("base")
    if zones is None:
        return rows
    return rows.filter(Q(zone__in=zones) | Q(zone=None)) if zones else rows.none()


def taxpayers(actor: Actor, permission: str = READ) -> QuerySet[Taxpayer]:
    """The taxpayers that they may see: who is in their zones, or has something there, or is nowhere yet."""
    zones = access.zones(actor, permission)
    rows = Taxpayer.objects.filter(active=True)
    if zones is None:
        return rows
    if not zones:
        return rows.none()
    parts = Part.objects.filter(taxpayer=OuterRef("pk"))
    return rows.filter(
        Q(zone__in=zones)
        | Exists(parts.filter(taxed__zone__in=zones))
        | (Q(zone=None) & ~Exists(parts.filter(taxed__zone__isnull=False)))
    )


@dataclass(frozen=True)
class Found:
    """Somebody who was looked for. taxed: the thing that was meant, when its code, plate or words were said; why: "number", "code",
    "plate", "phone", "bill", "name", "words"; score: of a hundred."""

    taxpayer: Taxpayer
    why: str
    score: int
    taxed: Taxed | None = None


def find(words: str, *, actor: Actor, most: int = MOST, permission: str = READ) -> list[Found]:
    """Whoever is meant: by number, by the code or plate of a thing, by a bill's reference, by phone, by tax number, or by a name that
    sounds alike. The best first."""
    said = text.clean(words)[:80]
    folded = text.fold(said)
    if len(folded) < 2:
        return []
    within = taxpayers(actor, permission)
    found: dict[tuple[int, int | None], Found] = {}

    def add(rows: Any, why: str, score: int = 100, thing: Taxed | None = None) -> None:
        for row in rows:
            found.setdefault((row.pk, thing.pk if thing else None), Found(row, why, score, thing))

    code, plate = codes.read(said), numbers.plate(said)
    if len(code) in (numbers.TAXED, numbers.TAXPAYER, ledger.REFERENCE) and len(code) == len(plate):
        if len(code) == numbers.TAXPAYER:
            row = by_number(code)
            add(within.filter(pk=row.pk) if row else (), "number")
        elif len(code) == numbers.TAXED:
            for thing in taxed(actor, permission).filter(code=code):
                add(_payers(within, thing), "code", thing=thing)
        else:
            payer = ledger.Bill.objects.filter(reference=code).values_list("payer", flat=True).first()
            row = of_payer(payer) if payer else None
            add(within.filter(pk=row.pk) if row else (), "bill")
    digits = "".join(c for c in said if c.isdigit())
    if len(digits) >= 6 and (phone := _phone(said)):
        add(within.filter(phone=phone)[:most], "phone")
    if len(digits) >= 6:
        add(within.filter(phone__endswith=digits[-8:])[:most], "phone", 95)
    if len(plate) >= 4:
        for thing in taxed(actor, permission).filter(plate=plate)[:most]:
            add(_payers(within, thing), "plate", thing=thing)
        add(within.filter(tax_number__iexact=said)[:most], "number")
    if len(found) < most and not digits[5:]:
        alike = within.filter(Q(folded__trigram_word_similar=folded) | Q(folded__contains=folded))
        ranked = alike.annotate(score=Greatest(TrigramWordSimilarity(folded, "folded"), 0.0)).filter(score__gte=_ALIKE)
        for row in ranked.order_by("-score", "name", "pk")[:most]:
            add([row], "name", round(100 * row.score))
    if len(found) < most and len(folded) > 2:
        for thing in taxed(actor, permission).filter(words__icontains=said)[:most]:
            add(_payers(within, thing), "words", 60, thing)
    return sorted(found.values(), key=lambda one: -one.score)[:most]


def _payers(within: QuerySet[Taxpayer], thing: Taxed) -> QuerySet[Taxpayer]:
    return within.filter(parts__taxed=thing)


def _phone(said: str) -> str:
    try:
        return people.normal_phone(said)
    except ValidationError:
        return ""


def by_number(typed: str) -> Taxpayer | None:
    """The taxpayer with that number; of one who was joined to another, the other."""
    row = Taxpayer.objects.filter(number=codes.read(typed)).select_related("merged_into").first()
    return row.merged_into or row if row else None


def by_code(typed: str) -> Taxed | None:
    """The taxed thing with that code."""
    return Taxed.objects.filter(code=codes.read(typed)).select_related("base").first()


def of_payer(payer: int) -> Taxpayer | None:
    """Whose payer of the ledger that is."""
    row = Taxpayer.objects.filter(payer=payer).select_related("merged_into").first()
    return row.merged_into or row if row else None


def of_payers(payers: Sequence[int]) -> dict[int, Taxpayer]:
    """{payer of the ledger: taxpayer}."""
    rows = Taxpayer.objects.filter(payer__in=payers).select_related("merged_into")
    return {row.payer_id: row.merged_into or row for row in rows}


def payers_of(taxpayer: Taxpayer) -> list[int]:
    """The payers of the ledger that are theirs: their own first, then those of entries that were joined to them."""
    joined = Taxpayer.objects.filter(merged_into=taxpayer).order_by("pk").values_list("payer", flat=True)
    return [taxpayer.payer_id, *joined]


def bills_of(taxpayer: Taxpayer) -> QuerySet[ledger.Bill]:
    """Their bills, the oldest due first."""
    return ledger.Bill.objects.filter(payer__in=payers_of(taxpayer)).order_by("due", "pk")


@dataclass(frozen=True)
class Balance:
    """Minor units. left: to be paid, after what was paid ahead; below zero when more was paid ahead."""

    owed: int
    ahead: int

    @property
    def left(self) -> int:
        return self.owed - self.ahead


def balance(taxpayer: Taxpayer) -> Balance:
    found = ledger.balances_of(payers_of(taxpayer)).values()
    return Balance(sum(one.owed for one in found), sum(one.ahead for one in found))


def taxed_of(taxpayer: Taxpayer, *, gone: bool = False) -> QuerySet[Taxed]:
    """What they are taxed for."""
    rows = Taxed.objects.filter(parts__taxpayer=taxpayer).select_related("base").order_by("base__order", "code")
    return rows if gone else rows.exclude(state=Taxed.State.GONE)


def of_street(street: int, *, actor: Actor, permission: str = READ) -> QuerySet[Taxed]:
    """What is taxed along a street, still there."""
    return taxed(actor, permission).filter(street=street).exclude(state=Taxed.State.GONE).order_by("code")


def of_bill(bill: ledger.Bill) -> Taxed | None:
    """For what a bill was issued (`about_kind` "taxed", `about` its code)."""
    return by_code(bill.about) if bill.about_kind == "taxed" else None


def quoted(
    thing: Taxed, times: dict[str, Any] | None = None, on: date | None = None, tariff: ledger.Tariff | None = None
) -> ledger.Quote | None:
    """What the tariff gives for it, line by line; None when its base has no tariff that holds. times: what the period gives
    ({"mois": 12}); tariff: when the caller has it already. Raises ledger.Missing when something is not measured."""
    row = tariff or ledger.tariff(thing.base.tariff, on)
    if row is None:
        return None
    return ledger.quote(
        row, {**thing.measures, **(times or {})}, zones=territory.chain(thing.zone_id) if thing.zone_id else (),
        exemptions=[thing.exemption] if thing.exemption else (),
    )  # fmt: skip


def key_of(slug: str, thing: Taxed, taxpayer: Taxpayer) -> str:
    """The key of a bill: a campaign's slug, a thing, a taxpayer. So each is issued once."""
    return f"{slug}:{thing.code}:{taxpayer.number}"
