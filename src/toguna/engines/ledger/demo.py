"""The tariffs of the demo town, as its fictional council voted them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from toguna.engines.ledger import book, starter
from toguna.engines.ledger.models import Account, Tariff
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles

LAW = "Délibération n° 2025-014 du conseil municipal (ville fictive), art. {}"
# slug: (income, French, Portuguese, English, rule)
TARIFFS: dict[str, tuple[str, str, str, str, dict[str, Any]]] = {
    "droit-de-place": ("7336", "Droit de place au marché", "Taxa diária de mercado", "Market stall for a day",
        {"type": "band", "by": "m2", "bands": [["2", 100], ["6", 200], [None, 500]], "times": "jours"}),
    "etal": ("7336", "Étal ou boutique de marché, par mois", "Banca ou loja de mercado, por mês", "Market stall or shop, for a month",
        {"type": "unit", "by": "m2", "price": 750, "least": 2500, "round": 25, "times": "mois"}),
    "patente": ("7312", "Patente d’un commerce, par an", "Licença comercial anual", "Business licence for a year",
        {"type": "band", "by": "m2", "bands": [["10", 12000], ["30", 30000], ["100", 75000], [None, 180000]]}),
    "foncier": ("7311", "Taxe foncière d’une maison, par an", "Imposto predial anual de uma casa", "Property tax of a house for a year",
        {"type": "steps", "by": "m2", "bands": [["100", 150], ["300", 100], [None, 60]], "least": 5000, "round": 25,
         "exemptions": [{"code": "veuve", "words": {"fr": "Veuve ou personne âgée sans revenu", "pt": "Viúva ou idoso sem rendimento", "en": "Widow or elder without income"}, "percent": 50},
                        {"code": "ecole", "words": {"fr": "École ou lieu de culte", "pt": "Escola ou lugar de culto", "en": "School or place of worship"}, "percent": 100}]}),
    "stationnement": ("7337", "Stationnement d’un taxi ou moto-taxi, par mois", "Estacionamento de táxi ou mototáxi, por mês", "Parking of a taxi or motorbike taxi, for a month",
        {"type": "flat", "amount": 3000, "times": "mois"}),
    "enseigne": ("7338", "Enseigne ou panneau publicitaire, par an", "Letreiro ou painel publicitário anual", "Sign or advertising board for a year",
        {"type": "unit", "by": "m2", "price": 10000}),
    "terrasse": ("7323", "Terrasse sur la voie publique, par mois", "Esplanada na via pública, por mês", "Terrace on public space, for a month",
        {"type": "unit", "by": "m2", "price": 500, "times": "mois"}),
    "ordures": ("7068", "Enlèvement des ordures d’un ménage, par mois", "Recolha de lixo de um agregado, por mês", "Waste collection of a household, for a month",
        {"type": "flat", "amount": 1000, "times": "mois"}),
    "betail": ("7339", "Marché à bétail, par tête", "Mercado de gado, por cabeça", "Cattle market, for each head",
        {"type": "unit", "by": "têtes", "price": 500}),
}  # fmt: skip


# account: (minor units a month for each person of the town, in which months, what is said)
COSTS: dict[str, tuple[int, tuple[int, ...], str]] = {
    "6611": (12, tuple(range(1, 13)), "Primes des collecteurs"),
    "6322": (2, tuple(range(1, 13)), "Commissions de la monnaie électronique"),
    "6281": (1, tuple(range(1, 13)), "SMS du mois"),
    "6055": (9, (2, 7), "Impression et portage des avis"),
}


def load(_files: DemoFiles) -> None:
    """Idempotent."""
    starter.load()
    since = timezone.localdate().replace(month=1, day=1) - timedelta(days=365)
    for n, (slug, (income, fr, pt, en, rule)) in enumerate(TARIFFS.items(), 1):
        Tariff.objects.get_or_create(
            slug=slug,
            since=since,
            defaults={
                "titles": {"fr": fr, "pt": pt, "en": en}, "law": LAW.format(n), "rule": rule,
                "unit": " ".join(str(rule[name]) for name in ("by", "times") if name in rule),
                "income": Account.objects.get(code=income),
            },
        )  # fmt: skip


def costs(files: DemoFiles) -> None:
    """What collecting cost in each month of a year. Idempotent."""
    starter.load()
    last = files.until.year * 12 + files.until.month - 1
    for n in range(last - 11, last + 1):
        day = date(n // 12, n % 12 + 1, 1)
        for code, (each, which, words) in COSTS.items():
            if day.month in which:
                amount = each * files.people
                legs = [book.Leg(code, amount), book.Leg("521", -amount)]
                book.post("cost", legs, key=f"demo-cost:{day:%Y-%m}:{code}", by=SYSTEM, at=day, words=words)
