"""Each weighing is said to whose waste it was."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import formats, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.kernel import money, text, town
from toguna.services.waste import households
from toguna.services.waste.models import Weighing
from toguna.services.waste.orders.money import ring
from toguna.services.waste.weighing.actions import Weighed


def shown(grammes: int) -> str:
    """ "12.5 kg", as people write it."""
    kilos = grammes / 1000
    return f"{formats.number_format(kilos, 0 if grammes % 1000 == 0 else 1 if grammes % 100 == 0 else 2, force_grouping=True)} kg"


def on_weighed(event: Weighed) -> None:
    """Reaction."""
    row = (
        Weighing.objects.select_related("household__person", "place", "material", "bill")
        .filter(pk=event.weighing)
        .first()
    )
    if row is None or row.household is None or not row.household.address or row.grammes is None:
        return
    home = row.household
    language = home.language or town.current().languages[0]
    with translation.override(language):
        values = {
            "weight": shown(row.grammes),
            "place": row.place.name[:40],
            "what": text.pick(row.material.names) if row.material else "",
        }
        if row.bill is not None and row.bill.left:
            words = _("Weighed at %(place)s: %(weight)s, %(amount)s, bill %(bill)s. Pay: %(url)s") % {
                **values, "amount": money.shown(row.bill.left, row.bill.currency, plain=True), "bill": row.bill.reference,
                "url": f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[row.bill.reference])}",
            }  # fmt: skip
        else:
            words = _("Weighed at %(place)s: %(weight)s. Thank you.") % values
    ring(home, row.bill, key=f"weighing {row.pk}", language=language)
    medium, to = households.way(home.address)
    channels.send(
        medium,
        to,
        key=f"waste-weighed:{row.pk}",
        text=words,
        subject=_("Weighing"),
        language=language,
        person=home.person_id,
    )
