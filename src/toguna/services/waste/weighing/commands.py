"""WEIGHT: what was weighed of a household, on any phone."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Command, Said, Stop
from toguna.kernel import money
from toguna.services.waste import households
from toguna.services.waste.models import Household, Weighing
from toguna.services.waste.weighing.telling import shown

MOST = 3


def latest(home: Household, most: int = 50) -> list[Weighing]:
    """What was taken of a household, the newest first."""
    rows = Weighing.objects.filter(household=home, why="").select_related("place", "material", "bill")
    return list(rows.order_by("-at")[:most])


def _run(said: Said) -> str:
    home = households.by_address(said.address)
    rows = latest(home, MOST) if home else []
    if not rows:
        raise Stop(_("Nothing was weighed with this number yet."))
    lines = []
    for row in rows:
        day = timezone.localtime(row.at) if row.at else None
        price = f" {money.shown(row.price, plain=True)}" if row.price else ""
        lines.append(f"{day:%d/%m %H:%M} {shown(row.grammes or 0)}{price}")
    return "\n".join([_("Weighed:"), *lines])


WEIGHT = Command(
    name="waste.weight",
    title=gettext_lazy("what was weighed"),
    keywords={"fr": ("PESEE", "PESEES", "POIDS"), "pt": ("PESAGEM", "PESAGENS"), "en": ("WEIGHT", "WEIGHINGS")},
    example={"fr": "PESEE", "pt": "PESAGEM", "en": "WEIGHT"},
    slots=(),
    run=_run,
    menu=False,
    leads=True,
    order=92,
)
