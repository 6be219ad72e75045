"""What the pages of people show in a way of their own."""

from __future__ import annotations

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import encrypt
from django import template
from django.core.cache import cache
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.people.demo import totp_secret
from toguna.engines.people.models import GrantRow
from toguna.kernel import registry, town
from toguna.kernel.access import EVERY_SERVICE, ROLES

register = template.Library()


@register.simple_tag
def demo_totp(form: Any) -> str:
    """The current code of a demo account's authenticator; "" anywhere but in the demo town."""
    account = getattr(form, "user", None)
    if account is None or not town.current().demo:
        return ""
    secret = totp_secret(account.email or "")
    known = Authenticator.objects.filter(
        user=account, type=Authenticator.Type.TOTP, data__secret=encrypt(secret)
    ).first()
    if known is None:  # one that somebody added: it is theirs
        return ""
    # A code opens once, and everybody shares these accounts: the neighbours in time, which are good too, serve next.
    now = int(time.time()) // 30
    codes = [format_hotp_value(hotp_value(secret, now + n)) for n in (0, 1, -1)]
    return str(next((c for c in codes if cache.get(known.wrap()._get_used_cache_key(c)) is None), codes[0]))


@register.filter
def granted(row: GrantRow) -> str:
    """A grant as people say it: "Agent · Reports · Zongo · until 31 December 2026"."""
    parts = [str(ROLES.get(row.role, row.role))]
    if row.service != EVERY_SERVICE:
        title = next((s.title for s in registry.services() if s.name == row.service), "")
        parts.append(str(title or row.service))
    if row.zone is not None:
        parts.append(str(row.zone))
    if row.until is not None:
        parts.append(_("until %(date)s") % {"date": date_format(row.until)})
    return " · ".join(parts)
