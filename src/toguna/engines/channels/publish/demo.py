"""What the demo town has published: something sent, an alarm and its end, something that waits for approval with its day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Mod
from django.utils import timezone

from toguna.engines.channels.models import Message, Publication
from toguna.engines.channels.publish import actions
from toguna.engines.territory import api as territory
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


_OVER = {
    "titles": {"fr": "Le fleuve est redescendu", "pt": "O rio já desceu", "en": "The river has gone down"},
    "texts": {
        "fr": "Le fleuve est à 2,9 m. Vous pouvez rentrer chez vous. Faites bouillir l'eau des puits avant de la boire.",
        "pt": "O rio está a 2,9 m. Pode voltar para casa. Ferva a água dos poços antes de a beber.",
        "en": "The river is at 2.9 m. You may go home. Boil the water of wells before you drink it.",
    },
}


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent. It was said to the people of some districts, as far as their phones were on; nothing is left to send."""
    alarm = None
    for days, state, lane, titles, texts in _ROWS:
        at = timezone.make_aware(datetime.combine(files.until, time(9))) - timedelta(days=days)
        row = _published({"titles": titles, "texts": texts}, lane, state, at)
        if lane >= Lane.ALARM:
            alarm = row
    assert alarm is not None and alarm.started is not None
    _published(_OVER, Lane.ALARM, "done", alarm.started + timedelta(days=2), follows=alarm, ends=True)


def _published(words: dict[str, dict[str, str]], lane: Lane, state: str, at: datetime, **more: Any) -> Publication:
    some = [zone.id for zone in territory.districts()[:3]]  # a demo of a million people is loaded in the same minute
    row, made = Publication.objects.get_or_create(
        raised=f"demo:{words['titles']['en']}",
        defaults={
            **words, **more, "media": ["sms", "email"], "audience": {"known": True, "zones": some}, "lane": int(lane), "created": at,
            "state": "approved" if state == "done" else state, "scheduled": at + timedelta(days=5) if state == "asked" else None,
        },
    )  # fmt: skip
    if not made:
        return row
    Publication.objects.filter(pk=row.pk).update(estimate=actions.estimate(row))
    if state == "done":
        actions.prepare.func(row.pk)
        # Some phones are off, some are gone.
        left = Message.objects.filter(publication=row).annotate(reach=Mod(F("id"), 23))
        left.update(
            state=Case(When(reach=0, then=Value("failed")), When(reach__lt=4, then=Value("sent")), default=Value("delivered")),
            created=at, sent=at,
        )  # fmt: skip
        Publication.objects.filter(pk=row.pk).update(state=state, started=at, finished=at + timedelta(minutes=20))
        row.refresh_from_db()
    return row
