"""Who may take a transition of a case, and what is still missing before anybody can."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import conditions, opinions
from toguna.engines.cases.models import Absence, Case, Step
from toguna.engines.cases.ports import FeePort, Issuer
from toguna.engines.cases.workflow import Fee, Transition
from toguna.engines.people import api as people
from toguna.kernel import access, registry
from toguna.kernel.access import Actor, Denied


class NoIssuer(LookupError):
    """No service makes the papers of decisions."""


def may(rule: Transition, case: Case, actor: Actor) -> bool:
    """Whether the actor may take it. The applicant's own are not asked here: they hold a key."""
    if rule.law or actor.system:
        return actor.system
    if rule.team:
        mine = teams_of(actor)
        known = bool(mine) and people.Team.objects.filter(slug=rule.team, pk__in=mine).exists()
        return known and access.can(actor, rule.permission, anywhere=True)
    if rule.role:
        found = access.grants(actor, rule.permission)
        return any(g.role == rule.role and g.covers(case.zone_id, case.topic.slug) for g in found)
    return access.can(actor, rule.permission, zone=case.zone_id, subject=case.topic.slug)


def require(rule: Transition, case: Case, actor: Actor) -> None:
    """Raises Denied."""
    if not may(rule, case, actor):
        raise Denied(actor, rule.permission)


def missing(rule: Transition, case: Case) -> list[str]:
    """What must be there before it can be taken: sentences for the clerk; [] when nothing is."""
    found = []
    if rule.when is not None:
        known = {**case.answers, "@channel": case.channel, "@opinions": opinions.standing(case, timezone.now())}
        if not conditions.holds(rule.when, known):
            waiting = known["@opinions"] == "waiting"
            found.append(
                _("Opinions are still missing.") if waiting else _("What was answered does not allow this step.")
            )
    if rule.fee is not None and not paid(case, rule.fee):
        found.append(_("The fee is not paid: %(fee)s.") % {"fee": rule.fee.title})
    return found


def paid(case: Case, fee: Fee) -> bool:
    ports = registry.declared(FeePort)
    if ports:
        return ports[0].due(case.pk, fee.name, fee.amount)
    return Step.objects.filter(case=case, action="paid", data__fee=fee.name).exists()


def issue(case: Case, document: str, by: Actor) -> str:
    """The number of the paper that is made. Raises NoIssuer."""
    port = registry.find(Issuer, case.type)
    if port is None:
        raise NoIssuer(f"no service declares an Issuer of {case.type!r}: {document!r} cannot be made")
    return port.issue(case, document, by)


def stood_in_for(account: int | None) -> list[int]:
    """The accounts whose work this one does today."""
    if account is None:
        return []
    today = timezone.localdate()
    away = Absence.objects.filter(delegate=account, start__lte=today, end__gte=today)
    return list(away.values_list("account", flat=True))


def stands_in(account: int | None) -> int | None:
    """Who does the work of that account today: itself, or its delegate. A delegate who is away too passes nothing on."""
    if account is None:
        return None
    today = timezone.localdate()
    found = Absence.objects.filter(account=account, start__lte=today, end__gte=today).order_by("-pk")
    return found.values_list("delegate", flat=True).first() or account


def teams_of(actor: Actor) -> frozenset[int]:
    """Their teams, and those of whom they stand in for: never more permissions than their own."""
    away = stood_in_for(actor.account)
    if not away:
        return actor.teams
    return actor.teams | set(people.Team.objects.filter(Q(members__in=away)).values_list("pk", flat=True))
