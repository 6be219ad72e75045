"""Django's admin: for the IT person alone, behind the same second factor as the desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from toguna.kernel.web import public


class Backstage(admin.AdminSite):
    """Django's own log-in page asks for a password only, so it is not used."""

    def has_permission(self, request: HttpRequest) -> bool:
        account = request.user
        return account.is_active and getattr(account, "is_superuser", False) and request.actor.staff  # type: ignore[attr-defined]

    @public
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.actor.staff:  # type: ignore[attr-defined]
            return redirect("admin:index" if self.has_permission(request) else "desk")
        return redirect(f"{reverse('staff-login')}?{urlencode({'next': request.GET.get('next', '/admin/')})}")


def backstage() -> Backstage:
    """With whatever the rooms and libraries have registered."""
    made = Backstage()
    for model, options in admin.site._registry.items():
        made.register(model, type(options))
    return made
