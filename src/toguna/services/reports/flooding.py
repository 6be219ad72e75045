"""Many reports of flooding in one district within a few hours: the town is asked whether to warn those who live there."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.cases import api as cases
from toguna.engines.channels.api import AlertRule, Subscribable, raise_alert
from toguna.services.reports.casetype import REPORT

TOPIC, ENOUGH, WITHIN = "flooding", 5, timedelta(hours=3)

FLOODING = AlertRule(
    name="reports.flooding",
    title=_("Several people report flooding in one district"),
    level="severe",
    category="Met",
    risk="flood",
    fields=("district", "count"),
    titles={
        "fr": "Inondation à {district}",
        "pt": "Inundação em {district}",
        "en": "Flooding in {district}",
    },
    texts={
        "fr": "{count} personnes signalent de l'eau à {district}. Montez vers un endroit haut, ne traversez pas l'eau, "
        "coupez l'électricité. Aidez les enfants et les anciens.",
        "pt": "{count} pessoas comunicam água em {district}. Suba para um lugar alto, não atravesse a água, corte a "
        "eletricidade. Ajude as crianças e os idosos.",
        "en": "{count} people report water in {district}. Go to high ground, do not cross the water, switch the "
        "electricity off. Help children and old people.",
    },
)

RISK = Subscribable("risk", _("A danger"), lambda: [("flood", _("Floods"))])


def on_opened(event: cases.CaseOpened) -> None:
    """One alert a district and day, from the fifth report on."""
    if event.type != REPORT.name:
        return
    case = cases.Case.objects.select_related("topic", "zone").get(pk=event.case)
    if case.topic.slug != TOPIC or case.zone is None:
        return
    lately = cases.Case.objects.filter(
        type=REPORT.name, topic=case.topic, zone=case.zone, created__gt=timezone.now() - WITHIN
    )
    count = lately.exclude(reporter=None).values("reporter").distinct().count() + lately.filter(reporter=None).count()
    if count >= ENOUGH:
        raise_alert(
            FLOODING.name, f"{case.zone_id}:{timezone.localdate()}", zones=[case.zone.pk],
            facts={"district": case.zone.name, "count": count},
        )  # fmt: skip
