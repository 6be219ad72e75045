"""Giving an alert and coming back to it. Thin: the rules are in the actions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from toguna.engines.cases import api as cases
from toguna.kernel.web import public
from toguna.services.integrity import actions
from toguna.services.integrity.casetype import ALERT
from toguna.services.integrity.forms import AlertForm, KeyForm


def _language() -> str:
    return (get_language() or "").split("-")[0]


@public
@never_cache
def integrity(request: HttpRequest) -> HttpResponse:
    """An alert on corruption. No cookie of ours is set or read here, beyond the one that keeps a form from being forged."""
    form = AlertForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        case, key = actions.alert(
            form.cleaned_data["text"], client_id=form.cleaned_data["client_id"], language=_language()
        )
        return render(request, "integrity/kept.html", {"case": case, "key": key})
    status = 422 if request.method == "POST" else 200
    return render(request, "integrity/alert.html", {"form": form, "back": KeyForm()}, status=status)


@sensitive_post_parameters("key")
@public
@never_cache
def integrity_case(request: HttpRequest, code: str = "") -> HttpResponse:
    """The alert that a code and a key open: what was done, and words in both directions. By POST: no key in an address."""
    form = KeyForm(request.POST or None, initial={"code": code})
    if request.method != "POST" or not form.is_valid():
        return render(request, "integrity/back.html", {"form": form}, status=422 if form.is_bound else 200)
    case = actions.opened_by(form.cleaned_data["code"], form.cleaned_data["key"])
    if case is None:
        form.add_error(None, _("This code and this key do not go together. Check both."))
        return render(request, "integrity/back.html", {"form": form}, status=422)
    said = ""
    if "words" in request.POST:
        try:
            actions.write_back(case, request.POST["words"])
            said = _("Your words were added.")
        except cases.Refused as error:
            said = str(error)
    values = {
        "case": case, "state": ALERT.state(case.state), "said": said, "code": case.code, "key": form.cleaned_data["key"],
        "steps": [(s, ALERT.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
    }  # fmt: skip
    return render(request, "integrity/case.html", values)
