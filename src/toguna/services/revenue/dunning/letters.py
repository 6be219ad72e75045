"""Letters of reminder and seizure notices, as files for the printer, made in the background."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import money, tasks
from toguna.services.revenue.campaigns import notices
from toguna.services.revenue.models import DunningStep, LetterBatch, Reminded


def path(letters: LetterBatch) -> Path:
    return Path(settings.MEDIA_ROOT) / "revenue" / "letters" / f"{letters.pk}.pdf"


@tasks.task
def make(letters: int) -> None:
    """Draws a batch; what is there stays."""
    row = LetterBatch.objects.select_related("step").filter(pk=letters).first()
    if row is None or path(row).exists():
        return
    target = path(row)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(drawn(row))
    temporary.replace(target)


def drawn(letters: LetterBatch) -> bytes:
    rows = Reminded.objects.filter(batch=letters).select_related("bill__tariff").prefetch_related("bill__lines")
    bills = sorted((one.bill for one in rows), key=lambda bill: (bill.about, bill.pk))
    step = letters.step

    def said(bill: ledger.Bill) -> tuple[str, str]:
        facts = {"amount": money.shown(bill.left, bill.currency), "law": step.law}
        if step.way == DunningStep.Way.NOTICE:
            words = (
                _("%(amount)s is still not paid. Without payment within eight days, your goods may be seized.") % facts
            )
            return _("Notice before seizure"), f"{words} {step.law}".strip()
        return _("Reminder"), _(
            "%(amount)s was due and is not paid. Please pay now, or come to the town hall to agree on a plan."
        ) % facts

    return notices.sheets(
        bills, about=f"{step.get_way_display()} {letters.pk}", district="", part=letters.pk, said_of=said
    )
