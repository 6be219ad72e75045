"""For tests of any room: a client that is logged in as the town's doors would have done it."""

from __future__ import annotations

import time
import uuid

from allauth.account.internal.flows import login
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.test import Client

from toguna.engines.people.actions import create_staff
from toguna.engines.people.demo import totp_secret
from toguna.engines.people.models import Account


def give_factor(account: Account) -> Authenticator:
    """The second factor of a demo account, whose codes anybody can compute."""
    return Authenticator.objects.get_or_create(
        user=account,
        type=Authenticator.Type.TOTP,
        defaults={"data": {"secret": encrypt(totp_secret(account.email or ""))}},
    )[0]


def sign_in(client: Client, account: Account, *, factor: bool = True) -> None:
    """Logs an account in, with its second factor shown unless told not to."""
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    if factor:
        session = client.session
        shown = {"method": "mfa", "type": "totp", "id": give_factor(account).pk, "at": time.time()}
        session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [shown]
        session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(account)
        session.save()


def staff(role: str = "manager", service: str = "*") -> Client:
    """The client of somebody new at the town hall, logged in."""
    client = Client()
    word = uuid.uuid4().hex
    sign_in(client, create_staff(email=f"{word}@town.test", password=word, name=role, grants=[(role, service, None)]))
    return client
