"""Telling the person and the team what happened to a case: reactions to its events."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from toguna.engines.cases.actions import key_of
from toguna.engines.cases.events import CaseMoved, CaseOpened, CaseReplied
from toguna.engines.cases.models import Case, Step
from toguna.engines.cases.workflow import case_type
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import text, town


def link(case: Case) -> str:
    """The page of a case for the person who opened it, with the site's host."""
    return f"{settings.TOGUNA_URL}{reverse(case_type(case.type).public_url, args=[case.code])}?key={key_of(case)}"


def _tell_team(case: Case, key: str, subject: str, words: str) -> None:
    if case.team is not None and case.team.email:
        address = f"{settings.TOGUNA_URL}{reverse(case_type(case.type).desk_url, args=[case.code])}"
        channels.send("email", case.team.email, key=f"{key}:team", subject=subject, text=f"{words}\n{address}")


def _tell_reporter(case: Case, key: str, subject: str, words: str) -> None:
    if case.reporter_id is None:
        return
    for way in people.reach(case.reporter_id)[:1]:
        channels.send(
            way.medium, way.address, key=f"{key}:{way.medium}", subject=f"{subject} – {town.current().name}",
            text=f"{words}\n{link(case)}", language=case.language, person=case.reporter_id,
        )  # fmt: skip


def _case(pk: int) -> Case:
    return Case.objects.select_related("topic", "team", "zone").get(pk=pk)


def on_opened(event: CaseOpened) -> None:
    case = _case(event.case)
    with translation.override(case.language or settings.LANGUAGE_CODE):
        values = {"topic": text.pick(case.topic.names), "code": case.code}
        _tell_reporter(
            case, f"case.opened:{case.pk}", _("We have received it: %(code)s") % values,
            _("Received: %(topic)s. Your code is %(code)s. Follow it here:") % values,
        )  # fmt: skip
    with translation.override(settings.LANGUAGE_CODE):
        values = {"topic": text.pick(case.topic.names), "zone": case.zone.name if case.zone else "", "code": case.code}
        subject = _("New for your team: %(topic)s, %(zone)s (%(code)s)") % values
        _tell_team(case, f"case.opened:{case.pk}", subject, f"{case.place}\n{case.text}")


def on_moved(event: CaseMoved) -> None:
    case, step, kind = _case(event.case), Step.objects.get(pk=event.step), case_type(event.type)
    if step.data.get("reporter"):  # they know: it is the team that must hear of it
        with translation.override(settings.LANGUAGE_CODE):
            values = {"code": case.code, "state": kind.state(event.to_state).title}
            subject = _("The person has answered: %(code)s (%(state)s)") % values
            _tell_team(case, f"case.moved:{step.pk}", subject, step.text)
        return
    with translation.override(case.language or settings.LANGUAGE_CODE):
        title = kind.state(event.to_state).title
        values = {"topic": text.pick(case.topic.names), "code": case.code, "state": title}
        words = _("%(topic)s (%(code)s): %(state)s.") % values
        _tell_reporter(case, f"case.moved:{step.pk}", f"{case.code}: {title}", f"{words} {step.text}".strip())


def on_replied(event: CaseReplied) -> None:
    case, step = _case(event.case), Step.objects.get(pk=event.step)
    with translation.override(case.language or settings.LANGUAGE_CODE):
        _tell_reporter(
            case, f"case.replied:{step.pk}", _("The town has answered: %(code)s") % {"code": case.code}, step.text
        )
