"""What is done to the accounts of those who work for the town: each verb is one transaction, with its audit inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.people.models import Account, GrantRow, Team
from toguna.kernel import audit
from toguna.kernel.access import SYSTEM, Actor

# role, service or "*", zone id or None; and what about (slugs), when it is not everything of that service
Wanted = tuple[str, str, int | None] | tuple[str, str, int | None, Sequence[str]]


class Refused(Exception):
    """It is not done; str() is a sentence for the person."""


def _subject(account: Account) -> str:
    return f"people.account:{account.pk}"


@transaction.atomic
def create_staff(
    *,
    email: str,
    password: str,
    name: str,
    grants: Iterable[Wanted] = (),
    teams: Iterable[Team] = (),
    language: str = "",
    superuser: bool = False,
    by: Actor = SYSTEM,
) -> Account:
    """Makes a staff account, or updates the one with this e-mail. grants: (role, service or "*", zone id or None[, subjects])."""
    account = Account.objects.filter(email=email.lower()).first() or Account(email=email.lower())
    account.name, account.language = name, language
    account.is_team = account.is_active = True
    account.is_staff = account.is_superuser = superuser
    account.set_password(password)
    account.save()
    set_grants(account, grants, by=by)
    account.teams.set(teams)
    audit.record(by, "people.create_staff", _subject(account))
    return account


@transaction.atomic
def set_grants(account: Account, grants: Iterable[Wanted], *, by: Actor, until: date | None = None) -> None:
    """Replaces what an account may do."""
    wanted = list(grants)
    account.grants.all().delete()
    GrantRow.objects.bulk_create(
        GrantRow(account=account, role=role, service=service, zone_id=zone, subjects=_subjects(rest), until=until)
        for role, service, zone, *rest in wanted
    )
    audit.record(by, "people.grant", _subject(account), grants=[list(g) for g in wanted])


@transaction.atomic
def grant(account: Account, wanted: Wanted, *, until: date | None = None, by: Actor) -> None:
    """Adds one grant; given again, it changes until when and what about."""
    _not_oneself(account, by)
    role, service, zone, *rest = wanted
    values = {"until": until, "subjects": _subjects(rest)}
    GrantRow.objects.update_or_create(account=account, role=role, service=service, zone=zone, defaults=values)
    audit.record(by, "people.grant", _subject(account), grants=[list(wanted)], until=until and until.isoformat())


def _subjects(rest: Sequence[Sequence[str]]) -> list[str]:
    return sorted(rest[0]) if rest else []


@transaction.atomic
def revoke(account: Account, row: int, *, by: Actor) -> None:
    """Takes one grant back."""
    _not_oneself(account, by)
    found = account.grants.filter(pk=row).first()
    if found is not None:
        audit.record(by, "people.revoke", _subject(account), grants=[[found.role, found.service, found.zone_id]])
        found.delete()


@transaction.atomic
def set_teams(account: Account, teams: Iterable[Team], *, by: Actor) -> None:
    account.teams.set(teams)
    audit.record(by, "people.teams", _subject(account), teams=sorted(account.teams.values_list("pk", flat=True)))


@transaction.atomic
def set_active(account: Account, active: bool, *, by: Actor) -> None:
    """Disables an account, with all its sessions, or enables it again."""
    _not_oneself(account, by)
    Account.objects.filter(pk=account.pk).update(is_active=active)
    audit.record(by, "people.enable" if active else "people.disable", _subject(account))


def end_sessions(account: int) -> int:
    """Logs an account out everywhere: a device of theirs was stolen. How many sessions ended. In the caller's transaction."""
    mine = [
        row.pk
        for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator()
        if row.get_decoded().get(SESSION_KEY) == str(account)
    ]
    return Session.objects.filter(pk__in=mine).delete()[0]


@transaction.atomic
def reset_second_factor(account: Account, *, by: Actor) -> None:
    """For who has lost their telephone: every second factor goes, and with them what the account's sessions may do; the
    next log-in asks for a new one."""
    _not_oneself(account, by)
    Authenticator.objects.filter(user=account).delete()
    audit.record(by, "people.reset_second_factor", _subject(account))


@transaction.atomic
def save_team(
    team: Team | None, *, names: Mapping[str, str], email: str, service: str, zones: Iterable[int], by: Actor
) -> Team:
    """Makes a team, or changes it. names: {language: words}, one at least; zones: ids, none for the whole town."""
    team = team or Team(slug=_free_slug(next(name for name in names.values() if name)))
    team.names, team.email, team.service = dict(names), email, service
    team.save()
    team.zones.set(zones)
    audit.record(by, "people.save_team", f"people.team:{team.pk}")
    return team


def _free_slug(name: str) -> str:
    start = slugify(name)[:50] or "team"
    taken = set(Team.objects.filter(slug__startswith=start).values_list("slug", flat=True))
    return next(s for s in (start, *(f"{start}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)


def _not_oneself(account: Account, by: Actor) -> None:
    """So that the town always keeps an administrator, and nobody gives themselves more."""
    if account.pk == by.account:
        raise Refused(_("This is your own account. Ask another administrator to change what it may do."))
