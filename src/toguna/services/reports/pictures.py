"""Photos that people send in a chat: they join the report that they just made, or wait for the one that they are making."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel.access import NOBODY
from toguna.services.reports.casetype import REPORT

JOINS = timedelta(days=1)


def take(address: str, data: bytes) -> str | None:
    """Joins the last report of this address, when it is of today and open. None: there is none."""
    case = (
        cases.Case.objects.filter(
            type=REPORT.name, open=True, reporter__in=people.persons_at(address), created__gt=timezone.now() - JOINS
        )
        .order_by("-id")
        .first()
    )
    if case is None:
        return None
    try:
        cases.add_photo(case.pk, data, by=NOBODY)
    except (cases.Refused, cases.BadPhoto) as error:
        return str(error)
    return _("Your photo is with your report %(code)s.") % {"code": case.code}


def on_opened(event: cases.CaseOpened) -> None:
    """The photos that came before the report was whole."""
    case = cases.Case.objects.filter(pk=event.case, type=REPORT.name, reporter__isnull=False).first()
    if case is None or not case.open:
        return
    addresses = people.Contact.objects.filter(person=case.reporter_id).values_list("value", flat=True)
    for data in channels.waiting_pictures(list(addresses)):
        try:
            cases.add_photo(case.pk, data, by=NOBODY)
        except (cases.Refused, cases.BadPhoto):
            continue  # a fourth photo, or none at all


BOX = channels.PictureBox("reports", take, begin="report")
