"""Who is told of rounds: a driver of theirs, the heads of the service of those that were planned by themselves. Each once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.services.waste.models import DayPlan, Round, Visit
from toguna.services.waste.rounds import planning
from toguna.services.waste.rounds.events import RoundsChanged, RoundsPlanned, RoundsPublished
from toguna.services.waste.rounds.words import size, stops


def on_planned(event: RoundsPlanned) -> None:
    """A reaction: the rounds of tomorrow wait for a word, are given, or could not be made."""
    plan = DayPlan.objects.get(pk=event.plan)
    found = plan.figures.get("plan") or {}
    facts = {
        "day": f"{plan.day:%d/%m}", "why": plan.says, "url": settings.TOGUNA_URL + reverse("desk-rounds-plan", args=[plan.pk]),
    }  # fmt: skip

    def words() -> tuple[str, str]:
        if plan.state == DayPlan.State.FAILED:
            said = _("The rounds of %(day)s could not be made: %(why)s %(url)s")
        elif plan.state == DayPlan.State.PUBLISHED:
            said = _("The crews have the rounds of %(day)s: %(size)s. %(url)s")
        else:
            said = _("The rounds of %(day)s are ready: %(size)s. Look at them and give them to the crews: %(url)s")
        return _("Rounds of %(day)s") % facts, said % (facts | {"size": size(found)})

    for account in people.staff_with(planning.PLAN):
        _tell(account, words, f"waste.planned:{plan.pk}:{account.pk}")


def on_published(event: RoundsPublished) -> None:
    """A reaction: each driver has a round."""
    plan = DayPlan.objects.get(pk=event.plan)
    given = f"{plan.published:%Y%m%d%H%M%S%f}" if plan.published else ""
    _tell_drivers(plan.pk, [], given, _ready)


def on_changed(event: RoundsChanged) -> None:
    """A reaction: who has other stops than before; not whose truck stands."""
    _tell_drivers(event.plan, list(event.rounds) or [0], f"v{event.version}", _changed)


def _ready(one: Round) -> str:
    return _("Your round of %(day)s is ready: %(plate)s, %(stops)s, from %(hour)s. %(url)s") % _facts(one)


def _changed(one: Round) -> str:
    return _("Your round was changed: %(plate)s, %(stops)s to do. %(url)s") % _facts(one)


def _facts(one: Round) -> dict[str, object]:
    departs = timezone.localtime(one.departs)
    return {
        "day": f"{departs:%d/%m}", "hour": f"{departs:%H:%M}", "plate": one.truck.plate, "stops": stops(getattr(one, "waiting")),  # noqa: B009
        "url": settings.TOGUNA_URL + reverse("rounds-app"),
    }  # fmt: skip


def _tell_drivers(plan: int, rounds: list[int], once: str, words: Callable[[Round], str]) -> None:
    """rounds: only these; none: all."""
    waiting = Count("visits", filter=Q(visits__kind=Visit.Kind.STOP, visits__state=Visit.State.PLANNED))
    found = Round.objects.filter(plan=plan, state__in=Round.GOING, truck__driver__isnull=False)
    found = found.filter(pk__in=rounds) if rounds else found
    drivers = people.Account.objects.in_bulk(list(found.values_list("truck__driver", flat=True)))
    for one in found.select_related("truck").annotate(waiting=waiting).order_by("pk"):
        account = drivers.get(one.truck.driver or 0)
        if account is not None and account.is_active:
            _tell(account, partial(_of_round, words, one), f"waste.round:{one.pk}:{account.pk}:{once}")


def _of_round(words: Callable[[Round], str], one: Round) -> tuple[str, str]:
    return _("Your round"), words(one)


def _tell(account: people.Account, words: Callable[[], tuple[str, str]], key: str) -> None:
    """By SMS or e-mail, in their language. words: subject and text."""
    way = people.reach_staff(account)
    if way is not None:
        with translation.override(way.language):
            subject, said = words()
        channels.send(way.medium, way.address, key=key, text=said, subject=subject, language=way.language)
