"""How staff log in: allauth, narrowed to what the town needs. Nobody signs up; a second factor is not a choice."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from toguna.engines.people.models import Account
from toguna.kernel import audit, limits
from toguna.kernel.access import Actor


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/desk/"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """At most ten tries an hour for one e-mail, wherever they come from; never by address alone."""
        limits.hit("staff-login", str(credentials.get("email", "")).lower(), at_most=10, per=timedelta(hours=1))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        who = hashlib.sha256(str(credentials.get("email", "")).lower().encode()).hexdigest()[:12]
        audit.record(Actor(), "people.login_failed", f"people.email:{who}")

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> Any:
        audit.record(Actor(account=user.pk), "people.login", f"people.account:{user.pk}", how="password")
        return super().post_login(request, user, **kwargs)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def get_totp_label(self, user: Account) -> str:
        return user.email or ""

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """The last second factor stays: it is replaced, never removed."""
        others = type(authenticator).objects.filter(user=authenticator.user, type__in=["totp", "webauthn"])
        return bool(others.exclude(pk=authenticator.pk).exists())
