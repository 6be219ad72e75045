"""The people of the town hall: accounts, what each may do and where, teams. For administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.people import actions, phones
from toguna.engines.people.models import Account, Team
from toguna.engines.territory import api as territory
from toguna.kernel import access, registry, text, town
from toguna.kernel.access import EVERY_SERVICE, ROLES
from toguna.kernel.web import Request, staff


def _services() -> list[tuple[str, Any]]:
    """Whatever declares a permission is a service whose rights can be given."""
    named = {s.name: s.title or s.name for s in registry.services()}
    owners = {p.name.partition(".")[0] for p in registry.declared(access.Permission)}
    return [(EVERY_SERVICE, _("All services")), *((name, named[name]) for name in named if name in owners)]


def _zones() -> list[tuple[Any, str]]:
    return [("", _("The whole town")), *((z.id, z.name) for z in territory.zones())]


def _subjects() -> list[tuple[str, str]]:
    """ "service:slug" of all that a grant may be narrowed to."""
    declared = registry.declared(access.Subjects)
    return [(f"{d.service}:{slug}", f"{d.title}: {title}") for d in declared for slug, title in d.choices()]


class GrantForm(forms.Form):
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=lambda: list(ROLES.items()))
    service = forms.ChoiceField(label=gettext_lazy("Service"), choices=_services)
    zone = forms.ChoiceField(label=gettext_lazy("Zone"), choices=_zones, required=False)

    subjects = forms.MultipleChoiceField(
        label=gettext_lazy("Only for"),
        help_text=gettext_lazy("None ticked: for everything."),
        choices=_subjects,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean(self) -> dict[str, Any]:
        d = super().clean() or self.cleaned_data
        service = d.get("service", "")
        if any(not chosen.startswith(f"{service}:") for chosen in d.get("subjects", ())):
            self.add_error("subjects", _("These belong to another service: choose that service above, or untick them."))
        return d

    def wanted(self) -> actions.Wanted:
        d = self.cleaned_data
        subjects = [chosen.partition(":")[2] for chosen in d["subjects"]]
        return d["role"], d["service"], int(d["zone"]) if d["zone"] else None, subjects


class UntilForm(GrantForm):
    until = forms.DateField(
        label=gettext_lazy("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class TeamsForm(forms.Form):
    teams = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Teams"),
        queryset=Team.objects.order_by("slug"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["teams"].label_from_instance = lambda team: text.pick(team.names)  # type: ignore[attr-defined]


class StaffForm(GrantForm):
    field_order = ("name", "email", "password")
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    email = forms.EmailField(label=gettext_lazy("E-mail"))
    password = forms.CharField(
        label=gettext_lazy("First password"),
        help_text=gettext_lazy("12 characters at least. A second factor is asked for at the first log-in."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        validators=[validate_password],
    )

    def clean_email(self) -> str:
        email = phones.normal_email(self.cleaned_data["email"])
        if Account.objects.filter(email=email).exists():
            raise ValidationError(_("There is an account with this e-mail already."))
        return email


class TeamForm(forms.Form):
    """One name for each of the town's languages: name_fr, name_pt..."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"), required=False, help_text=gettext_lazy("New work is announced there.")
    )
    service = forms.ChoiceField(label=gettext_lazy("Service"), choices=_services)
    zones = forms.MultipleChoiceField(
        label=gettext_lazy("Zones (none: the whole town)"),
        choices=lambda: _zones()[1:],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = town.current().languages
        for language in languages:
            label = _("Name (%(language)s)") % {"language": language}
            self.fields[f"name_{language}"] = forms.CharField(label=label, max_length=120, required=False)
        self.order_fields([f"name_{language}" for language in languages])
        if team is not None:
            self.initial = {f"name_{language}": words for language, words in team.names.items()}
            self.initial |= {"email": team.email, "service": team.service}
            self.initial["zones"] = list(team.zones.values_list("pk", flat=True))

    def names(self) -> dict[str, str]:
        given = {name[5:]: text.clean(value) for name, value in self.cleaned_data.items() if name.startswith("name_")}
        return {language: words for language, words in given.items() if words}

    def clean(self) -> dict[str, Any]:
        if not self.names():
            raise ValidationError(_("Give the team a name in one language at least."))
        return self.cleaned_data


@staff("people.administer")
def people(request: Request) -> HttpResponse:
    """All who work for the town; adding somebody."""
    access.require(request.actor, "people.administer")
    form = StaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        d = form.cleaned_data
        made = actions.create_staff(
            email=d["email"],
            password=d["password"],
            name=text.clean(d["name"]),
            grants=[form.wanted()],
            by=request.actor,
        )
        messages.success(request, _("The account is ready. Give them the first password by a safe way."))
        return redirect("person", made.pk)
    accounts = (
        Account.objects.filter(is_team=True)
        .annotate(factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=["totp", "webauthn"])))
        .prefetch_related("grants__zone", "teams")
        .order_by("name", "pk")
    )
    return render(request, "people/desk.html", {"accounts": accounts, "form": form, "roles": ROLES})


@staff("people.administer")
def person(request: Request, pk: int) -> HttpResponse:
    """One account: what they may do, their teams, disabling, a lost telephone. Each button says what it does in `do`."""
    access.require(request.actor, "people.administer")
    who = get_object_or_404(Account, pk=pk, is_team=True)
    do = request.POST.get("do", "")
    grant_form = UntilForm(request.POST if do == "grant" else None)
    teams_form = TeamsForm(request.POST if do == "teams" else None, initial={"teams": who.teams.all()})
    by = request.actor
    verbs: dict[str, Callable[[], object]] = {
        "grant": lambda: (
            grant_form.is_valid()
            and actions.grant(who, grant_form.wanted(), until=grant_form.cleaned_data["until"], by=by)
        ),
        "teams": lambda: teams_form.is_valid() and actions.set_teams(who, teams_form.cleaned_data["teams"], by=by),
        "revoke": lambda: actions.revoke(who, int("0" + request.POST.get("grant", "")), by=by),
        "disable": lambda: actions.set_active(who, False, by=by),
        "enable": lambda: actions.set_active(who, True, by=by),
        "reset-second-factor": lambda: actions.reset_second_factor(who, by=by),
    }
    if request.method == "POST" and do in verbs:
        try:
            verbs[do]()
        except actions.Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("person", pk)
        if not (grant_form.errors or teams_form.errors):
            messages.success(request, _("Saved."))
            return redirect("person", pk)
    values = {
        "who": who,
        "own": who.pk == by.account,
        "grants": who.grants.select_related("zone").order_by("pk"),
        "factors": Authenticator.objects.filter(user=who).exclude(type=Authenticator.Type.RECOVERY_CODES),
        "roles": ROLES,
        "grant_form": grant_form,
        "teams_form": teams_form,
    }
    return render(request, "people/desk_person.html", values)


@staff("people.administer")
def team(request: Request, pk: int | None = None) -> HttpResponse:
    """All teams, and a form that makes one or changes one."""
    access.require(request.actor, "people.administer")
    changed = get_object_or_404(Team, pk=pk) if pk else None
    form = TeamForm(request.POST or None, team=changed)
    if request.method == "POST" and form.is_valid():
        d = form.cleaned_data
        zones = [int(z) for z in d["zones"]]
        actions.save_team(
            changed, names=form.names(), email=d["email"].lower(), service=d["service"], zones=zones, by=request.actor
        )
        messages.success(request, _("Saved."))
        return redirect("teams")
    teams = Team.objects.prefetch_related("zones", "members").order_by("slug")
    return render(request, "people/desk_teams.html", {"teams": teams, "changed": changed, "form": form})
