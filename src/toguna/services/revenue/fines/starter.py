"""What towns usually fine, and at which price: examples that do not hold until the council's act is written (see `register/starter.py`).

A town changes what is not so with it: slugs stay, all else is its own."""

from __future__ import annotations

from datetime import date
from typing import Any

from toguna.engines.ledger import api as ledger
from toguna.services.revenue.fines.impounding import TARIFF
from toguna.services.revenue.fines.tickets import FINES
from toguna.services.revenue.models import Infraction

FIRST = date(2000, 1, 1)
# slug: (icon, impound, French, Portuguese, English, law, example of a rule)
KINDS: dict[str, tuple[str, bool, str, str, str, str, dict[str, Any]]] = {
    "stationnement-genant": ("road-obstruction", True, "Stationnement gênant", "Estacionamento indevido", "Parking in the way",
        "Code de la route : arrêt et stationnement", {"type": "flat", "amount": 6000}),
    "occupation-voie": ("market-stall", False, "Occupation de la voie publique sans autorisation", "Ocupação da via pública sem autorização", "Use of public space without a permit",
        "Code des collectivités territoriales : police de la voirie", {"type": "flat", "amount": 10000}),
    "depot-ordures": ("waste-pile", False, "Dépôt sauvage d’ordures", "Despejo ilegal de lixo", "Dumping of waste",
        "Code de l’hygiène publique : dépôt d’ordures", {"type": "flat", "amount": 15000}),
    "bruit": ("noise", False, "Tapage et bruit", "Ruído excessivo", "Noise",
        "Code pénal : tapages ; arrêté municipal", {"type": "flat", "amount": 10000}),
    "sans-patente": ("shop", False, "Commerce sans patente", "Comércio sem licença", "Trade without a licence",
        "Code général des impôts : défaut de patente", {"type": "flat", "amount": 25000}),
    "vitesse": ("road", False, "Excès de vitesse", "Excesso de velocidade", "Speeding",
        "Code de la route : vitesses maximales", {"type": "band", "by": "km/h", "bands": [["20", 6000], ["40", 12000], [None, 25000]]}),
}  # fmt: skip
POUND = {"fr": "Fourrière, par jour", "pt": "Parque de viaturas, por dia", "en": "Pound, for a day"}
MORE, MORE_LAW = 50, "Code des collectivités territoriales : majoration des amendes"


def rules() -> dict[str, tuple[dict[str, str], str, dict[str, Any], str]]:
    """{slug of a tariff: (titles, law, rule, unit)}."""
    found = {
        f"amende-{slug}": ({"fr": fr, "pt": pt, "en": en}, law, rule, str(rule.get("by", "")))
        for slug, (_icon, _impound, fr, pt, en, law, rule) in KINDS.items()
    }
    law = "Code de la route : mise en fourrière"
    return {**found, TARIFF: (POUND, law, {"type": "flat", "amount": 2000, "times": "jours"}, "jours")}


def load() -> None:
    """Idempotent; what the town changed stays as it is."""
    there = set(ledger.Tariff.objects.values_list("slug", flat=True))
    income = ledger.account(
        FINES, "income", {"fr": "Amendes et pénalités", "pt": "Multas e penalidades", "en": "Fines and penalties"}
    )
    ledger.Tariff.objects.bulk_create(
        [
            ledger.Tariff(slug=slug, since=FIRST, titles=titles, law=law, unit=unit, rule=rule, income=income, public=False, active=False)
            for slug, (titles, law, rule, unit) in rules().items()
            if slug not in there
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    Infraction.objects.bulk_create(
        [
            Infraction(
                slug=slug, titles={"fr": fr, "pt": pt, "en": en}, law=law, tariff=f"amende-{slug}", more=MORE, more_law=MORE_LAW,
                impound=impound, icon=icon, order=10 * n,
            )
            for n, (slug, (icon, impound, fr, pt, en, law, _rule)) in enumerate(KINDS.items(), 1)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
