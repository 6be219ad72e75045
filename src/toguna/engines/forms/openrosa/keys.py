"""The passwords of ODK Collect, and HTTP digest with them (RFC 7616, MD5, which is what Collect speaks).

A nonce is the hour it was made and our signature of it: nothing is kept. A request that is sent again within it changes
nothing that the first did not (a submission is known by its instanceID).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
import zlib
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from toguna.engines.forms.models import FieldKey
from toguna.engines.forms.uses import COLLECT
from toguna.engines.people import api as people
from toguna.kernel import access, audit, limits
from toguna.kernel.access import NOBODY, Actor
from toguna.kernel.town import current as town

REALM = "Toguna"
NONCE_SECONDS = 600
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
_PART = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@transaction.atomic
def make(actor: Actor) -> tuple[FieldKey, str]:
    """A new password for the actor's own account (the one before ends), shown this once. Raises Denied."""
    access.require(actor, COLLECT, anywhere=True)
    account = people.Account.objects.get(pk=actor.account or 0)
    username = account.email or f"agent{account.pk}"
    password = "-".join("".join(secrets.choice(_LETTERS) for _i in range(4)) for _j in range(4))
    key, _made = FieldKey.objects.update_or_create(
        account=account.pk,
        defaults={
            "username": username,
            "ha1": _md5(f"{username}:{REALM}:{password}"),
            "made": timezone.now(),
            "used": None,
        },
    )
    audit.record(actor, "forms.field_key", f"people.account:{account.pk}")
    return key, password


@transaction.atomic
def revoke(actor: Actor) -> None:
    """Takes the password of the actor's own account back: Collect is refused from now on."""
    if actor.account is not None and FieldKey.objects.filter(account=actor.account).delete()[0]:
        audit.record(actor, "forms.field_key_revoked", f"people.account:{actor.account}")


def settings_code(server: str, username: str, password: str) -> str:
    """What Collect's "configure with QR code" reads: its settings as JSON, compressed, in base64."""
    settings = {
        "general": {"protocol": "odk_default", "server_url": server, "username": username, "password": password},
        "admin": {},
        "project": {"name": str(town().name)[:30], "icon": "T"},
    }
    return base64.b64encode(zlib.compress(json.dumps(settings).encode())).decode()


def nonce() -> str:
    return signing.dumps(int(time.time()), salt="forms.openrosa").replace(":", ".")


def _fresh(given: str) -> bool:
    try:
        signing.loads(given.replace(".", ":"), salt="forms.openrosa", max_age=NONCE_SECONDS)
    except signing.BadSignature:
        return False
    return True


def challenge(*, stale: bool = False) -> str:
    again = ", stale=true" if stale else ""
    return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{nonce()}"{again}'


def actor_of(request: HttpRequest) -> tuple[Actor, bool]:
    """(who makes this request, whether only its nonce is too old). NOBODY without the right password, and for who may not
    collect any more. Raises TooMany after many wrong passwords."""
    header = request.headers.get("Authorization", "")
    scheme, _space, rest = header.partition(" ")
    if scheme.lower() == "digest":
        return _digest(request, {name: quoted or bare for name, quoted, bare in _PART.findall(rest)})
    if scheme.lower() == "basic" and request.is_secure():
        return _basic(rest), False
    return NOBODY, False


def _digest(request: HttpRequest, given: dict[str, str]) -> tuple[Actor, bool]:
    key = FieldKey.objects.filter(username=given.get("username", "").strip()).first()
    if key is None or given.get("realm") != REALM or given.get("uri") != request.get_full_path():
        return _refused(given.get("username", "")), False
    asked = _md5(f"{request.method}:{given['uri']}")
    parts = (key.ha1, given.get("nonce", ""), given.get("nc", ""), given.get("cnonce", ""), given.get("qop", ""), asked)
    if given.get("qop") != "auth" or not hmac.compare_digest(_md5(":".join(parts)), given.get("response", "")):
        return _refused(key.username), False
    if not _fresh(given["nonce"]):
        return NOBODY, True
    return _actor(key), False


def _basic(rest: str) -> Actor:
    try:
        username, _colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:
        return NOBODY
    key = FieldKey.objects.filter(username=username.strip()).first()
    if key is None or not hmac.compare_digest(_md5(f"{key.username}:{REALM}:{password}"), key.ha1):
        return _refused(username)
    return _actor(key)


def _refused(username: str) -> Actor:
    limits.hit("forms.odk", username.strip().lower()[:254], at_most=30, per=timedelta(minutes=10))
    return NOBODY


def _actor(key: FieldKey) -> Actor:
    """The account as a collector: it was made by somebody with a second factor, which the phone in the field cannot show;
    so it is not staff here, and nothing but collecting asks for what it holds."""
    factors = people.Account.objects.filter(pk=key.account).values_list("authenticator", flat=True)
    full = people.actor_for(key.account, [factor for factor in factors if factor is not None])
    if not access.can(full, COLLECT, anywhere=True):
        return NOBODY
    today = timezone.localdate()
    if key.used != today:
        FieldKey.objects.filter(pk=key.pk).update(used=today)
    return Actor(account=full.account, person=full.person, name=full.name, grants=full.grants)
