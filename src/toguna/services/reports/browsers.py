"""What happens to a report, told in the browsers of whoever reported it, where they asked for that."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.kernel import text
from toguna.services.reports.casetype import REPORT


def _tell(pk: int, step: int) -> None:
    case = cases.Case.objects.select_related("topic").get(pk=pk)
    done = cases.Step.objects.get(pk=step)
    if case.type != REPORT.name or case.reporter_id is None or done.data.get("reporter"):
        return
    with translation.override(case.language or settings.LANGUAGE_CODE):
        state = REPORT.state(case.state).title
        title = f"{text.pick(case.topic.names)} ({case.code}): {state}"
        link = f"{settings.TOGUNA_URL}{reverse('report', args=[case.code])}?key={cases.key_of(case)}"
        channels.push_to(
            case.reporter_id, key=f"case.step:{step}", subject=title, text=f"{done.text[:300]}\n{link}".strip()
        )


def on_moved(event: cases.CaseMoved) -> None:
    _tell(event.case, event.step)


def on_replied(event: cases.CaseReplied) -> None:
    _tell(event.case, event.step)
