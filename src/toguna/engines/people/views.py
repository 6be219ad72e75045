"""Logging in and out, and a person's own page."""

from __future__ import annotations

import time
import uuid
from typing import Any, cast

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.people import acting, erasure, mandates, mine, numbers, onetime, phones
from toguna.engines.people.actions import Refused
from toguna.engines.people.devices import address_of, device_of, is_new, remember_device
from toguna.engines.people.models import Account, Person
from toguna.kernel import access, audit, limits, registry, text, town
from toguna.kernel.web import Request, public, resident


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
        try:
            if kind == "phone" and request.POST.get("do") == "dial":
                challenge = onetime.dial(kind, value, device=device_of(request))
            else:
                newcomer = address_of(request) if is_new(request) else ""
                challenge = onetime.ask(kind, value, device=device_of(request), newcomer=newcomer)
        except onetime.CodeRefused as why:
            form.add_error("contact", str(why))
        else:
            address = reverse("login-code", args=[challenge])
            return redirect(f"{address}?{urlencode({'next': _next(request, '/account/')})}")
    response = render(request, "people/login.html", {"form": form, "next": _next(request, "")})
    return remember_device(request, response)


@public
def login_code(request: HttpRequest, challenge: uuid.UUID) -> HttpResponse:
    """Where the code is typed: the right one opens a new session."""
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        held = onetime.prove(challenge, form.cleaned_data["code"])
        if held is not None:
            account = onetime.open_known(*held)
            if account is not None:
                return _enter(request, account)
            if numbers.holders(*held).sure is None:
                request.session[PROVEN] = [*held, int(time.time())]
                return redirect(f"{reverse('login-who')}?{urlencode({'next': _next(request, '/account/')})}")
        form.add_error("code", _("This code is wrong or too old. Look at the last message, or ask for another code."))
    values = {
        "form": form,
        "next": _next(request, ""),
        "to": onetime.sent_to(challenge),
        "dials": not onetime.was_sent(challenge),
        "demo_code": onetime.demo_code(challenge) if town.current().demo else "",
    }
    return render(request, "people/login_code.html", values)


PROVEN = "number-held"  # in the session: the number that this browser proved to hold, and when


class WhoForm(forms.Form):
    """Which of those who share this phone. The list shows no more than a family needs to tell its own apart."""

    who = forms.ChoiceField(label=gettext_lazy("Who are you?"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("As you gave it to the town. It shows that it is you."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "words"}),
    )

    def __init__(self, found: numbers.Holders, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = [(str(p.pk), numbers.masked_name(p.name)) for p in found.shown]
        known = [] if listed and not found.silent else [("name", _("The town knows me at this number"))]
        self.fields["who"].choices = [*listed, *known, ("new", _("Somebody else"))]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("who") not in (None, "new") and not values.get("name"):
            self.add_error("name", _("Type your name, as you gave it to the town."))
        return values


@public
def login_who(request: HttpRequest) -> HttpResponse:
    """Several persons behind one phone, or one that has been silent for long: who is it now?"""
    kind, value, at = request.session.get(PROVEN) or ("", "", 0)
    if time.time() - at > onetime.GOOD_FOR.total_seconds():
        messages.warning(request, _("That took too long. Ask for another code."))
        return redirect("login")
    found = numbers.holders(kind, value)
    form = WhoForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        who = form.cleaned_data["who"]
        if who == "new":
            account = numbers.newcomer(kind, value)
        else:
            try:
                chosen = int(who) if who != "name" else None
                person = numbers.named(kind, value, form.cleaned_data["name"], chosen)
            except limits.TooMany:
                form.add_error(
                    None, _("Too many names were tried on this number today. Come to the town hall's counter.")
                )
                return render(request, "people/login_who.html", {"form": form, "next": _next(request, "")}, status=429)
            account = numbers.open_for(person, kind, value) if person else None
        if account is not None:
            del request.session[PROVEN]
            onetime.logged_in(account)
            return _enter(request, account)
        form.add_error(
            "name",
            _("The town knows nobody of this name at this number. Type it as you gave it, or choose “Somebody else”."),
        )
    return render(request, "people/login_who.html", {"form": form, "next": _next(request, "")})


def _enter(request: HttpRequest, account: Account) -> HttpResponse:
    django_login(request, account, backend="django.contrib.auth.backends.ModelBackend")  # a new session key
    return redirect(_next(request, "/account/"))


@public
def logout(request: HttpRequest) -> HttpResponse:
    """Asks first: a link alone logs nobody out."""
    if request.method == "POST":
        if request.user.is_authenticated:
            audit.record(access.Actor(account=request.user.pk), "people.logout", f"people.account:{request.user.pk}")
        django_logout(request)
        return redirect(_next(request, "/"))
    return render(request, "people/logout.html", {"next": _next(request, "")})


@public
def staff_login(request: HttpRequest) -> HttpResponse:
    """Where staff are sent: to log in, to add the second factor that they lack, to show it, or back to their desk."""
    user, then = request.user, urlencode({"next": _next(request, "/desk/")})
    if not user.is_authenticated:
        return redirect(f"{reverse('account_login')}?{then}")
    if not user.is_team:
        messages.warning(
            request, _("You are logged in as a resident. Log out first, then log in with your work account.")
        )
        return redirect(f"{reverse('logout')}?{urlencode({'next': reverse('staff-login')})}")
    if cast(Request, request).actor.staff:
        return redirect(_next(request, "/desk/"))
    if is_mfa_enabled(user, ["totp"]):
        return redirect(f"{reverse('mfa_reauthenticate')}?{then}")
    if is_mfa_enabled(user, ["webauthn"]):
        return redirect(f"{reverse('mfa_reauthenticate_webauthn')}?{then}")
    messages.warning(
        request, _("Add a second factor first: it keeps the town's records safe even if your password is found.")
    )
    return redirect("mfa_activate_totp")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg] # Django knows no ModelForm[...] at run time
    language = forms.ChoiceField(
        label=gettext_lazy("In which language we write to you"), choices=lambda: settings.LANGUAGES
    )

    class Meta:
        model = Person
        fields = ["name", "language"]
        labels = {"name": gettext_lazy("Your name")}

    def clean_name(self) -> str:
        return text.clean(self.cleaned_data["name"])


@resident
def account(request: Request) -> HttpResponse:
    """A person's own space, or that of the person for whom they act: what waits for them, then all that is theirs."""
    own = Person.objects.filter(pk=request.actor.person or 0).first()
    mandate = acting.mandate_of(request)
    person = mandate.person if mandate else own
    values: dict[str, Any] = {"person": person, "mandate": mandate, "own": own}
    if person is not None:
        values["space"] = mine.space(person, about=mandate.about if mandate else "")
    if mandate is not None and own is not None:
        audit.record(request.actor, "people.read_space", f"people.person:{mandate.person_id}", mandate=mandate.pk)
    elif own is not None:
        values["entrusted"] = list(mandates.holding().filter(mediator=own))
    return render(request, "people/space.html", values)


@resident
def account_details(request: Request) -> HttpResponse:
    """How the town writes to a person. Staff come here to change their password or second factor."""
    person = Person.objects.filter(pk=request.actor.person or 0).first()
    initial = {"language": (person and person.language) or get_language()}
    form = ProfileForm(request.POST or None, instance=person, initial=initial) if person else None
    if request.method == "POST" and form is not None and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("account-details")
    contacts = [phones.shown(c.kind, c.value) for c in person.contacts.all()] if person else []
    works_here = getattr(request.user, "is_team", False)
    return render(request, "people/account.html", {"form": form, "contacts": contacts, "works_here": works_here})


class EntrustForm(forms.Form):
    """Whom a person lets act for them."""

    name = forms.CharField(label=gettext_lazy("Name of who acts for you"), max_length=200)
    contact = forms.CharField(label=gettext_lazy("Their phone number or e-mail"), max_length=254)
    about = forms.ChoiceField(label=gettext_lazy("For what"), required=False)
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("Empty: until you end it."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        titled = [(one.name, str(one.title)) for one in registry.services() if one.title]
        self.fields["about"].choices = [("", _("Whatever the town does")), *titled]  # type: ignore[attr-defined]


@resident
def account_mandates(request: Request) -> HttpResponse:
    """Who may act for this person, and for whom they may. do=end ends one; otherwise another person is entrusted."""
    person = get_object_or_404(Person, pk=request.actor.person)
    form = EntrustForm(request.POST if request.method == "POST" and "do" not in request.POST else None)
    held = mandates.holding().filter(Q(person=person) | Q(mediator=person))
    if request.method == "POST" and request.POST.get("do") == "end":
        ended = get_object_or_404(held, pk=_number(request.POST.get("mandate")))
        mandates.end(ended, by=request.actor)
        messages.success(request, _("It is ended."))
        return redirect("account-mandates")
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            acting.entrust(person, **form.cleaned_data, by=request.actor)
        except limits.TooMany:
            form.add_error(None, _("Too many names were tried on this number today. Come to the town hall's counter."))
            status = 429
        except ValidationError as why:
            form.add_error("contact", why)
        except Refused as why:
            form.add_error("contact", str(why))
        else:
            messages.success(request, _("Saved."))
            return redirect("account-mandates")
    values = {"form": form, "mine": held.filter(person=person), "others": held.filter(mediator=person)}
    return render(request, "people/mandates.html", values, status=status)


@resident
def account_act(request: Request) -> HttpResponse:
    """POST mandate=...: from now on this browser acts for that person; without: for its own again."""
    if request.method == "POST":
        person = get_object_or_404(Person, pk=request.actor.person)
        acting.stop(request)
        if (chosen := _number(request.POST.get("mandate"))) and acting.begin(request, person, chosen) is None:
            messages.error(request, _("This person lets you act for them no more."))
    return redirect("account")


def _number(typed: str | None) -> int:
    return int(typed) if typed and typed.isascii() and typed.isdecimal() and len(typed) < 18 else 0


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
