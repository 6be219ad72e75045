"""Logging in and out, a resident's own page, and the people of the town hall."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import messages
from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.people import api, erasure, onetime, phones
from toguna.engines.people.devices import device_of, remember_device
from toguna.engines.people.models import Account, Person, Team
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, registry, text, town
from toguna.kernel.access import ROLES
from toguna.kernel.web import Request, public, resident, staff


def _next(request: HttpRequest, default: str) -> str:
    back = request.POST.get("next") or request.GET.get("next") or ""
    return back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else default


class ContactForm(forms.Form):
    contact = forms.CharField(
        label=gettext_lazy("Your phone number or e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "off"}),
    )

    def clean_contact(self) -> tuple[str, str]:
        return phones.contact(self.cleaned_data["contact"])


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "code-input"}),
    )


@public
def login(request: HttpRequest) -> HttpResponse:
    """Asks for a phone or e-mail, sends a code, and leads to where it is typed."""
    form = ContactForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        kind, value = form.cleaned_data["contact"]
        challenge = onetime.ask(kind, value, device=device_of(request))
        query = urlencode({"next": _next(request, "/account/"), "to": phones.masked(kind, value)})
        return remember_device(request, redirect(f"{reverse('login-code', args=[challenge])}?{query}"))
    return render(request, "people/login.html", {"form": form, "next": _next(request, "")})


@public
def login_code(request: HttpRequest, challenge: uuid.UUID) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = onetime.check(challenge, form.cleaned_data["code"])
        if account is not None and account.is_active:
            django_login(request, account, backend="django.contrib.auth.backends.ModelBackend")  # a new session key
            return redirect(_next(request, "/account/"))
        form.add_error("code", _("This code is wrong or too old. Look at the last message, or ask for another code."))
    values = {
        "form": form,
        "next": _next(request, ""),
        "to": request.GET.get("to", ""),
        "demo_code": onetime.demo_code(challenge) if town.current().demo else "",
    }
    return render(request, "people/login_code.html", values)


@public
def logout(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        if request.user.is_authenticated:
            audit.record(access.Actor(account=request.user.pk), "people.logout", f"people.account:{request.user.pk}")
        django_logout(request)
        return redirect("home")
    return render(request, "people/logout.html")


@public
def staff_login(request: HttpRequest) -> HttpResponse:
    """Where staff are sent: to log in, to add the second factor that they lack, or back to their desk."""
    user = request.user
    back = _next(request, "/desk/")
    if user.is_authenticated and isinstance(user, Account) and user.is_team:
        if is_mfa_enabled(user, ["totp", "webauthn"]):
            return redirect(back)
        messages.warning(
            request, _("Add a second factor first: it keeps the town's records safe even if your password is found.")
        )
        return redirect("mfa_activate_totp")
    if user.is_authenticated:
        django_logout(request)
    return redirect(f"{reverse('account_login')}?{urlencode({'next': back})}")


class ProfileForm(forms.ModelForm[Person]):
    class Meta:
        model = Person
        fields = ["name"]
        labels = {"name": gettext_lazy("Your name")}

    def clean_name(self) -> str:
        return text.clean(self.cleaned_data["name"])


@resident
def account(request: Request) -> HttpResponse:
    person = Person.objects.filter(pk=request.actor.person).first()
    form = ProfileForm(request.POST or None, instance=person) if person else None
    if request.method == "POST" and form is not None and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("account")
    data = {d.name: d.export(person.pk) for d in registry.declared(api.PersonalData)} if person else {}
    contacts = [phones.shown(c.kind, c.value) for c in person.contacts.all()] if person else []
    return render(request, "people/account.html", {"form": form, "person": person, "data": data, "contacts": contacts})


@resident
def account_data(request: Request) -> HttpResponse:
    person = get_object_or_404(Person, pk=request.actor.person)
    audit.record(request.actor, "people.export", f"people.person:{person.pk}")
    response = JsonResponse(erasure.export(person), json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@resident
def account_erase(request: Request) -> HttpResponse:
    person = get_object_or_404(Person, pk=request.actor.person)
    if request.method == "POST":
        erasure.erase(person, by=request.actor)
        django_logout(request)
        messages.success(request, _("Your personal data has been erased."))
        return redirect("home")
    return render(request, "people/erase.html")


class StaffForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    email = forms.EmailField(label=gettext_lazy("E-mail"))
    password = forms.CharField(
        label=gettext_lazy("First password"),
        min_length=12,
        help_text=gettext_lazy(
            "12 characters at least. They change it, and add a second factor, when they first log in."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=lambda: list(ROLES.items()))
    service = forms.ChoiceField(label=gettext_lazy("Service"))
    zone = forms.ChoiceField(label=gettext_lazy("Zone"), required=False)
    team = forms.ModelChoiceField(label=gettext_lazy("Team"), queryset=Team.objects.none(), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = [(s.name, s.title) for s in registry.services() if s.title]
        self.fields["service"].choices = [("*", _("All services")), *services]  # type: ignore[attr-defined]
        self.fields["zone"].choices = [("", _("The whole town")), *((z.id, z.name) for z in territory.zones())]  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.order_by("slug")  # type: ignore[attr-defined]

    def clean_email(self) -> str:
        email = phones.normal_email(self.cleaned_data["email"])
        if Account.objects.filter(email=email).exists():
            raise ValidationError(_("There is an account with this e-mail already."))
        return email


@staff("people.administer")
def people(request: Request) -> HttpResponse:
    access.require(request.actor, "people.administer")
    form = StaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        d = form.cleaned_data
        grant = (d["role"], d["service"], int(d["zone"]) if d["zone"] else None)
        teams = [d["team"]] if d["team"] else []
        api.create_staff(
            email=d["email"],
            password=d["password"],
            name=text.clean(d["name"]),
            grants=[grant],
            teams=teams,
            by=request.actor,
        )
        messages.success(request, _("The account is ready."))
        return redirect("people")
    rows = Account.objects.filter(is_team=True).prefetch_related("grants__zone", "teams").order_by("name", "pk")
    return render(request, "people/desk.html", {"accounts": rows, "form": form, "roles": ROLES})


@staff("people.administer")
def person_switch(request: Request, pk: int) -> HttpResponse:
    """Disables or enables a staff account."""
    access.require(request.actor, "people.administer")
    who = get_object_or_404(Account, pk=pk, is_team=True)
    if request.method == "POST" and who.pk != request.actor.account:
        who.is_active = not who.is_active
        who.save(update_fields=["is_active"])
        audit.record(request.actor, "people.enable" if who.is_active else "people.disable", f"people.account:{who.pk}")
    return redirect("people")
