"""Telling the person and the team what happened to a case: reactions to its events."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.cases.actions import key_of
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.events import CaseAnswered, CaseLate, CaseMoved, CaseOpened, CaseReplied, OpinionGiven
from toguna.engines.cases.models import Case, Step, Supporter
from toguna.engines.cases.workflow import CaseType, case_type
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import text, town

# Whoever writes by these has the code in the answer: a second message would say it again, and cost again. (A screen of USSD
# is gone when it is closed: its code is sent.)
ANSWERED = frozenset({"sms", "email", "whatsapp", "telegram", "facebook"})


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


def _tell_followers(case: Case, key: str, step: Step, kind: CaseType) -> None:
    """Those who said "me too" hear of it in their language; two statements however many they are, and one per message."""
    if not case.supporters or not case.public:
        return
    followers = Supporter.objects.filter(case=case, person__isnull=False).values_list("person_id", flat=True)
    address = f"{settings.TOGUNA_URL}{reverse(kind.public_url, args=[case.code])}"
    for person, way in people.reach_many(followers).items():
        with translation.override(way.language or case.language or settings.LANGUAGE_CODE):
            state = kind.state(step.to_state or case.state).title
            words = _("%(topic)s (%(code)s): %(state)s.") % {
                "topic": text.pick(case.topic.names), "code": case.code, "state": state,
            }  # fmt: skip
            channels.send(
                way.medium, way.address, key=f"{key}:follower:{person}", subject=f"{case.code}: {state}",
                text=f"{words} {step.text}".strip() + f"\n{address}", language=way.language, person=person,
            )  # fmt: skip


def _case(pk: int) -> Case:
    return Case.objects.select_related("topic", "team", "zone").get(pk=pk)


def on_opened(event: CaseOpened) -> None:
    case = _case(event.case)
    with translation.override(case.language or settings.LANGUAGE_CODE):
        values = {"topic": text.pick(case.topic.names), "code": case.code}
        if case.channel not in ANSWERED:
            _tell_reporter(
                case, f"case.opened:{case.pk}", _("We have received it: %(code)s") % values,
                _("Received: %(topic)s. Your code is %(code)s. Follow it here:") % values,
            )  # fmt: skip
    with translation.override(settings.LANGUAGE_CODE):
        values = {"topic": text.pick(case.topic.names), "zone": case.zone.name if case.zone else "", "code": case.code}
        subject = _("New for your team: %(topic)s, %(zone)s (%(code)s)") % values
        _tell_team(case, f"case.opened:{case.pk}", subject, f"{case.place}\n{case.text}")


def on_moved(event: CaseMoved) -> None:
    case, step = _case(event.case), Step.objects.get(pk=event.step)
    kind = workflow_of(case)
    if step.data.get("reporter"):  # they know: it is the team that must hear of it
        with translation.override(settings.LANGUAGE_CODE):
            values = {"code": case.code, "state": kind.state(event.to_state).title}
            subject = _("The person has answered: %(code)s (%(state)s)") % values
            _tell_team(case, f"case.moved:{step.pk}", subject, step.text)
        return
    with translation.override(case.language or settings.LANGUAGE_CODE):
        title = kind.state(event.to_state).title
        values = {"topic": text.pick(case.topic.names), "code": case.code, "state": title}
        rule = kind.transition(str(step.data.get("transition", "")))
        own = text.pick(rule.message).replace("{code}", case.code) if rule else ""
        words = own or _("%(topic)s (%(code)s): %(state)s.") % values
        _tell_reporter(case, f"case.moved:{step.pk}", f"{case.code}: {title}", f"{words} {step.text}".strip())
    _tell_followers(case, f"case.moved:{step.pk}", step, kind)


def on_replied(event: CaseReplied) -> None:
    case, step = _case(event.case), Step.objects.get(pk=event.step)
    with translation.override(case.language or settings.LANGUAGE_CODE):
        _tell_reporter(
            case, f"case.replied:{step.pk}", _("The town has answered: %(code)s") % {"code": case.code}, step.text
        )
    _tell_followers(case, f"case.replied:{step.pk}", step, workflow_of(case))


def on_answered(event: CaseAnswered) -> None:
    case, step = _case(event.case), Step.objects.get(pk=event.step)
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("The person has answered: %(code)s (%(state)s)") % {
            "code": case.code, "state": workflow_of(case).state(case.state).title,
        }  # fmt: skip
        _tell_team(case, f"case.answered:{step.pk}", subject, step.text)


def on_late(event: CaseLate) -> None:
    case = _case(event.case)
    with translation.override(settings.LANGUAGE_CODE):
        values = {"code": case.code, "state": workflow_of(case).state(case.state).title}
        subject = _("Late: %(code)s, “%(state)s”") % values
        _tell_team(case, f"case.late:{event.step}", subject, text.pick(case.topic.names))


def on_opinion(event: OpinionGiven) -> None:
    case, step = _case(event.case), Step.objects.get(pk=event.step)
    with translation.override(settings.LANGUAGE_CODE):
        team = people.Team.objects.get(pk=step.data["team"])
        subject = _("An opinion was given on %(code)s: %(team)s") % {"code": case.code, "team": text.pick(team.names)}
        _tell_team(case, f"case.opinion:{step.pk}", subject, step.text)


ASK_AT_ONCE = 500
ASK_WITHIN = timedelta(days=14)  # a town that brings its old reports in does not write to everybody about them


def ask_solved() -> None:
    """Asks, once, whoever reported something long ago (Topic.ask_days) that is still open, whether it is solved."""
    now = timezone.now()
    with transaction.atomic():
        waiting = list(
            Case.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(open=True, asked=None, reporter__isnull=False, topic__ask_days__gt=0)
            .filter(created__lt=now - F("topic__ask_days") * timedelta(days=1))
            .filter(created__gt=now - F("topic__ask_days") * timedelta(days=1) - ASK_WITHIN)
            .select_related("topic", "team", "zone")
            .order_by("id")[:ASK_AT_ONCE]
        )
        Case.objects.filter(pk__in=[case.pk for case in waiting]).update(asked=now)
        for case in waiting:
            with translation.override(case.language or settings.LANGUAGE_CODE):
                values = {"topic": text.pick(case.topic.names), "code": case.code}
                subject = _("Is it solved? %(topic)s (%(code)s)") % values
                words = _("You told us of this some time ago. Tell us with this link whether it is solved:")
                _tell_reporter(case, f"case.asked:{case.pk}", subject, words)
