"""How staff log in: allauth, narrowed to what the town needs. Nobody signs up; a second factor is not a choice."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from toguna.engines.people.devices import device_of, knows_desk, remember_desk
from toguna.engines.people.models import Account
from toguna.kernel import audit, limits
from toguna.kernel.access import Actor

HOUR = timedelta(hours=1)


def factors_passed(request: HttpRequest) -> frozenset[int]:
    """Ids of the second factors that were shown in this session. A password alone gives an empty set."""
    records = get_authentication_records(request, request.user)
    return frozenset(r["id"] for r in records if r["method"] == "mfa" and "id" in r)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's hooks for passwords and for what is told of them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/desk/"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Guesses are counted per account and per device, never per address. A browser from which the account has logged
        in before has a count of its own, so that strangers who guess cannot lock the town hall out."""
        email = str(credentials.get("email", "")).strip().lower()
        device = device_of(request)
        if knows_desk(request, email):
            limits.hit("staff-login-known", f"{email}|{device}", at_most=10, per=HOUR)
        else:
            limits.hit("staff-login", email, at_most=10, per=HOUR)
            limits.hit("staff-login-device", device, at_most=30, per=HOUR)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        who = hashlib.sha256(str(credentials.get("email", "")).strip().lower().encode()).hexdigest()[:12]
        audit.record(Actor(), "people.login_failed", f"people.email:{who}")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just logged in need not type the password again to add a second factor."""
        records = get_authentication_records(self.request, self.request.user)
        return not records or time.time() - records[-1]["at"] > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        how = [r.get("type") or r["method"] for r in get_authentication_records(request, user)]
        audit.record(Actor(account=user.pk), "people.login", f"people.account:{user.pk}", how=how)
        return remember_desk(request, super().post_login(request, user, **kwargs), user.email or "")

    def send_notification_mail(
        self, template_prefix: str, user: Account, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """allauth calls this after each change of password or second factor: it is written down, and told by e-mail."""
        audit.record(
            Actor(account=user.pk), f"people.{template_prefix.rpartition('/')[2]}", f"people.account:{user.pk}"
        )
        super().send_notification_mail(template_prefix, user, context, email)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's hooks for the second factor."""

    def get_totp_label(self, user: Account) -> str:
        return user.email or ""

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        """The last second factor stays: it is replaced, never removed."""
        others = type(authenticator).objects.filter(user=authenticator.user, type__in=["totp", "webauthn"])
        return bool(others.exclude(pk=authenticator.pk).exists())

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == "incorrect_code":
            account = getattr(self.request.user, "pk", None)
            audit.record(Actor(account=account), "people.second_factor_failed", f"people.account:{account or ''}")
        return super().validation_error(code, *args)  # type: ignore[no-any-return]
