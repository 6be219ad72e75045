"""What a town usually taxes, and by which tariff: it changes what is not so with it.

A tariff without its act is no tariff: those that the ledger does not have yet are written as examples that do not hold (`active` false),
with the article that allows the tax; the council's own version, with its date and its act, comes beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

from toguna.engines.ledger import api as ledger
from toguna.services.revenue.models import Base

FIRST = date(2000, 1, 1)
M2 = {"name": "m2", "titles": {"fr": "Surface en m²", "pt": "Área em m²", "en": "Surface in m²"}}
HEADS = {"name": "têtes", "titles": {"fr": "Nombre de têtes", "pt": "Número de cabeças", "en": "Heads of cattle"}}
# slug: (tariff, income, every, place, icon, asks, French, Portuguese, English, law, example of a rule)
BASES: dict[str, tuple[str, str, str, str, str, list[dict[str, Any]], str, str, str, str, dict[str, Any]]] = {
    "place-du-jour": ("droit-de-place", "7336", "day", "stall", "market", [M2], "Place de marché à la journée", "Lugar de mercado ao dia", "Market place by the day",
        "Code des collectivités territoriales : droits de place", {"type": "band", "by": "m2", "bands": [["2", 100], ["6", 200], [None, 500]], "times": "jours"}),
    "etal": ("etal", "7336", "month", "stall", "market", [M2], "Étal ou boutique de marché", "Banca ou loja de mercado", "Market stall or shop",
        "Code des collectivités territoriales : produits du domaine", {"type": "unit", "by": "m2", "price": 750, "least": 2500, "times": "mois"}),
    "patente": ("patente", "7312", "year", "building", "building", [M2], "Patente", "Licença comercial", "Business licence",
        "Code général des impôts : contribution des patentes", {"type": "band", "by": "m2", "bands": [["10", 12000], ["30", 30000], [None, 75000]]}),
    "foncier": ("foncier", "7311", "year", "building", "home", [M2], "Taxe foncière, bâti", "Imposto predial, edificado", "Property tax, built",
        "Code général des impôts : taxe foncière", {"type": "steps", "by": "m2", "bands": [["100", 150], [None, 100]], "least": 5000}),
    "terrain": ("terrain", "7311", "year", "parcel", "map", [M2], "Taxe foncière, terrain nu", "Imposto predial, terreno", "Property tax, land",
        "Code général des impôts : taxe foncière", {"type": "unit", "by": "m2", "price": 20, "least": 3000, "round": 25}),
    "enseigne": ("enseigne", "7338", "year", "point", "street-name", [M2], "Publicité et enseignes", "Publicidade e letreiros", "Advertising and signs",
        "Code des collectivités territoriales : taxe sur la publicité", {"type": "unit", "by": "m2", "price": 10000}),
    "terrasse": ("terrasse", "7323", "month", "point", "pin", [M2], "Occupation de l’espace public", "Ocupação do espaço público", "Use of public space",
        "Code des collectivités territoriales : occupation du domaine public", {"type": "unit", "by": "m2", "price": 500, "times": "mois"}),
    "stationnement": ("stationnement", "7337", "month", "vehicle", "road", [], "Stationnement de taxi ou moto-taxi", "Estacionamento de táxi ou mototáxi", "Parking of a taxi or motorbike taxi",
        "Code des collectivités territoriales : droits de stationnement", {"type": "flat", "amount": 3000, "times": "mois"}),
    "ordures": ("ordures", "7068", "month", "building", "full-bin", [], "Redevance des ordures", "Taxa de resíduos", "Waste fee",
        "Code des collectivités territoriales : redevance d’enlèvement", {"type": "flat", "amount": 1000, "times": "mois"}),
    "betail": ("betail", "7339", "day", "stall", "market", [HEADS], "Marché à bétail", "Mercado de gado", "Cattle market",
        "Code des collectivités territoriales : droits de marché à bétail", {"type": "unit", "by": "têtes", "price": 500}),
}  # fmt: skip


def load() -> None:
    """Idempotent; what the town changed stays as it is."""
    rows, examples = [], []
    there = set(ledger.Tariff.objects.values_list("slug", flat=True))
    for n, (slug, (tariff, income, every, place, icon, asks, fr, pt, en, law, rule)) in enumerate(BASES.items(), 1):
        titles = {"fr": fr, "pt": pt, "en": en}
        rows.append(
            Base(slug=slug, titles=titles, tariff=tariff, asks=asks, every=every, place=place, icon=icon, order=10 * n)
        )
        if tariff not in there:
            unit = " ".join(str(rule[name]) for name in ("by", "times") if name in rule)
            examples.append(
                ledger.Tariff(
                    slug=tariff, since=FIRST, titles=titles, law=law, unit=unit, rule=rule,
                    income=ledger.account(income, "income", titles), public=False, active=False,
                )
            )  # fmt: skip
    Base.objects.bulk_create(rows, ignore_conflicts=True)
    ledger.Tariff.objects.bulk_create(examples, ignore_conflicts=True)
