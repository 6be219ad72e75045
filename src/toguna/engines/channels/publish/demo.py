"""What the demo town has published: something sent, something that waits for approval, something for tomorrow."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from toguna.engines.channels.models import Publication
from toguna.kernel.demo import DemoFiles
from toguna.kernel.tasks import Lane

_ROWS = (
    (
        21, "done", Lane.CAMPAIGN,
        {"fr": "Journée de salubrité samedi", "pt": "Jornada de limpeza no sábado", "en": "Cleaning day on Saturday"},
        {
            "fr": "Samedi de 7h00 à 10h00, chaque quartier nettoie ses caniveaux. La mairie prête pelles et brouettes aux chefs de quartier.",
            "pt": "Sábado das 7h00 às 10h00, cada bairro limpa as suas valetas. A câmara empresta pás e carrinhos aos chefes de bairro.",
            "en": "Saturday from 7:00 to 10:00, each district cleans its drains. The town hall lends shovels and barrows to the district heads.",
        },
    ),
    (
        6, "done", Lane.ALARM,
        {"fr": "Le fleuve monte", "pt": "O rio está a subir", "en": "The river is rising"},
        {
            "fr": "Le fleuve atteint 4,2 m et monte encore. Quittez les berges ce soir. Abri : école du centre, ouverte toute la nuit.",
            "pt": "O rio chega a 4,2 m e continua a subir. Saia das margens esta noite. Abrigo: escola do centro, aberta toda a noite.",
            "en": "The river is at 4.2 m and still rising. Leave the banks tonight. Shelter: the central school, open all night.",
        },
    ),
    (
        0, "asked", Lane.CAMPAIGN,
        {"fr": "Vaccination des enfants", "pt": "Vacinação das crianças", "en": "Vaccination of children"},
        {
            "fr": "Du lundi au vendredi, les enfants de moins de 5 ans sont vaccinés gratuitement dans tous les centres de santé.",
            "pt": "De segunda a sexta, as crianças com menos de 5 anos são vacinadas gratuitamente em todos os centros de saúde.",
            "en": "From Monday to Friday, children under 5 are vaccinated free of charge in all health centres.",
        },
    ),
)  # fmt: skip


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent. Nothing of it is sent again: those that are "done" have no message left to send."""
    for days, state, lane, titles, texts in _ROWS:
        at = timezone.make_aware(datetime.combine(files.until, time(9))) - timedelta(days=days)
        gone = at if state == "done" else None
        Publication.objects.get_or_create(
            raised=f"demo:{titles['en']}",
            defaults={
                "titles": titles, "texts": texts, "media": ["sms", "email"], "audience": {"known": True}, "lane": int(lane),
                "state": state, "created": at, "started": gone, "finished": gone,
            },
        )  # fmt: skip
