"""Which reports the back office lists: what the actor may read, narrowed by tabs and filters; and how many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any, cast

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy, ngettext

from toguna.engines.cases import api as cases
from toguna.kernel import access, codes
from toguna.kernel.access import Actor
from toguna.services.reports import finding
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.models import Transfer

OURS = REPORT.name
TABS: dict[str, Any] = {
    "mine": gettext_lazy("Mine"),
    "team": gettext_lazy("My teams"),
    "late": gettext_lazy("Late"),
    "open": gettext_lazy("All open"),
    "all": gettext_lazy("All"),
}
ORDERS: dict[str, Any] = {
    "due": gettext_lazy("Deadline"),
    "newest": gettext_lazy("Newest first"),
    "supported": gettext_lazy("Most supported"),
}
CHANNELS: dict[str, Any] = {
    "web": gettext_lazy("Web"),
    "counter": gettext_lazy("Counter"),
    "phone": gettext_lazy("Telephone"),
    "field": gettext_lazy("Seen in the field"),
    "sms": gettext_lazy("SMS"),
    "ussd": gettext_lazy("USSD"),
    "email": gettext_lazy("E-mail"),
    "api": gettext_lazy("API"),
    "open311": gettext_lazy("Open311"),
    "sensor": gettext_lazy("Sensor"),
}
# What a list's address may hold, and so what a saved filter keeps.
KEYS = (
    "view", "sort", "state", "topic", "zone", "team", "assignee", "channel", "since", "until", "q", "supporters", "photo",
    "transferred", "rating",
)  # fmt: skip


def narrowed(actor: Actor, asked: Mapping[str, str], permission: str = "") -> QuerySet[cases.Case]:
    """The reports that the actor may read (or for which they have that permission too) and that fit the filters, without
    the tab. What is not understood is left out."""
    found = finding.narrowed(cases.scope(actor, OURS), asked)
    if permission:
        found = found.filter(cases.in_reach(actor, OURS, permission))
    return found.filter(_fits(actor, asked))


def tab(actor: Actor, asked: Mapping[str, str]) -> str:
    """The tab that is asked for; without one, all that is open."""
    return asked["view"] if asked.get("view") in TABS else "open"


def in_tab(actor: Actor, name: str) -> Q:
    return {
        "mine": Q(open=True, assignee=actor.account),
        "team": Q(open=True, team__in=actor.teams),
        "late": Q(open=True, due__lt=timezone.now()),
        "open": Q(open=True),
        "all": Q(),
    }[name]


def shown(actor: Actor, asked: Mapping[str, str], permission: str = "") -> QuerySet[cases.Case]:
    """All that a list's address shows, on however many pages."""
    return narrowed(actor, asked, permission).filter(in_tab(actor, tab(actor, asked)))


def order(asked: Mapping[str, str]) -> cases.Order:
    """By deadline, but for closed ones, which have none any more."""
    chosen = asked.get("sort", "")
    if chosen not in ORDERS:
        chosen = "newest" if asked.get("view") == "all" else "due"
    return cast(cases.Order, chosen)


def _number(typed: str | None) -> int | None:
    return int(typed) if typed and typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _midnight(typed: str | None) -> datetime | None:
    try:
        day = parse_date(typed or "")
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _fits(actor: Actor, asked: Mapping[str, str]) -> Q:
    fits = Q()
    for name in ("team", "assignee"):
        value = asked.get(name, "")
        if value == "none":
            fits &= Q(**{f"{name}__isnull": True})
        elif value == "me" and name == "assignee":
            fits &= Q(assignee=actor.account)
        elif (pk := _number(value)) is not None:
            fits &= Q(**{name: pk})
    if asked.get("channel") in CHANNELS:
        fits &= Q(channel=asked["channel"])
    if (since := _midnight(asked.get("since"))) is not None:
        fits &= Q(created__gte=since)
    if (until := _midnight(asked.get("until"))) is not None:
        fits &= Q(created__lt=until + timedelta(days=1))
    if words := asked.get("q", "").strip().replace("\0", "")[:100]:
        found = Q(text__icontains=words) | Q(place__icontains=words)
        fits &= found | Q(code=code) if (code := codes.read(words)) else found
    if (least := _number(asked.get("supporters"))) is not None:
        fits &= Q(supporters__gte=least)
    if asked.get("photo"):
        fits &= Q(Exists(cases.Photo.objects.filter(case=OuterRef("pk"))))
    if asked.get("transferred"):
        fits &= Q(Exists(Transfer.objects.filter(case=OuterRef("pk")).exclude(state=Transfer.State.REFUSED)))
    if (most := _number(asked.get("rating"))) is not None:
        fits &= Q(rating__lte=most)
    return fits


def by_team(found: QuerySet[cases.Case], actor: Actor, asked: Mapping[str, str]) -> list[cases.TeamCount]:
    """Open ones of a list by team, those that are latest first. One statement; the tabs' numbers are its sums.

    Of the whole town they come from the counts that the database keeps; a narrower list is counted as it is."""
    everything = any(grant.everything for grant in access.grants(actor, REPORT.read))
    if everything and not any(asked.get(key) for key in KEYS if key not in ("view", "sort")):
        rows = cases.counts_by_team(REPORT.name, account=actor.account)
    else:
        now = timezone.localtime()
        rows = [  # what is counted here stands in the index of open cases (`cases_case_due`): it is read alone
            cases.TeamCount(*row)
            for row in found.filter(open=True)
            .order_by()
            .values_list("team", "team__names")
            .annotate(
                waiting=Count("id"),
                late=Count("id", filter=Q(due__lt=now)),
                mine=Count("id", filter=Q(assignee=actor.account)),
                today=Count("id", filter=Q(created__gte=now.replace(hour=0, minute=0, second=0, microsecond=0))),
                oldest=Min("created"),
            )
        ]
    return sorted(rows, key=lambda row: (-row.late, -row.open))


def totals(rows: list[cases.TeamCount], actor: Actor) -> dict[str, Any]:
    """The tabs' numbers, and what a head of service asks first."""
    return {
        "mine": sum(row.mine for row in rows),
        "team": sum(row.open for row in rows if row.team in actor.teams),
        "late": sum(row.late for row in rows),
        "open": sum(row.open for row in rows),
        "today": sum(row.today for row in rows),
        "oldest": min((row.oldest for row in rows if row.oldest), default=None),
    }


def waited(since: datetime | None) -> str:
    """How long ago, in whole days and in words; "" for less than one."""
    days = (timezone.now() - since).days if since else 0
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days} if days else ""
