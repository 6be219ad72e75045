"""The ways to pay that this town has: the tables `[payments.NAME]` of town.toml.

    [payments.mtn]
    api_user = "..."
    api_key = "file:/etc/toguna/mtn.key"     # or "env:MTN_API_KEY"; the file belongs to the town's own user only

NAME is that of the provider; a second contract with the same one has another NAME and `provider = "mtn"`. `title` is what payers
read, `account` the code of the account of the book where its money lies.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from toguna.engines.ledger.providers.port import Provider, Settings
from toguna.kernel import registry, town

EVERY = "all"  # in an address of callbacks: of no payment in particular


@dataclass(frozen=True)
class Way:
    """slug: NAME; given: its settings, with the defaults, secrets read."""

    slug: str
    provider: Provider
    title: Any
    given: Settings
    account: str = ""


class Unset(LookupError):
    """The way is not set up, or not whole; str() says what to write in town.toml."""


def tables() -> dict[str, dict[str, Any]]:
    """All of `[payments]`, as written."""
    try:
        found = tomllib.loads(town.path().read_text("utf-8")).get("payments", {})
    except FileNotFoundError:
        return {}
    return {str(name): dict(values) for name, values in found.items() if isinstance(values, dict)}


def find(slug: str) -> Way:
    """Raises Unset."""
    table = tables().get(slug)
    if table is None:
        raise Unset(f"town.toml has no [payments.{slug}]")
    return _way(slug, table)


def usable(currency: str = "") -> list[Way]:
    """Those that are set up whole, in the order of the file; of a currency, those that take it."""
    found = []
    for slug, table in tables().items():
        try:
            found.append(_way(slug, table))
        except Unset:
            continue
    return [way for way in found if currency in ("", way.given["currency"])]


def ringing(address: str, currency: str = "") -> list[Way]:
    """Those that make the telephone of this address ring to pay, in a currency, else the town's own; nothing rings in a chat or a letter."""
    if not address.startswith("+"):
        return []
    return [way for way in usable(currency or town.current().currency) if way.provider.how == "push"]


def titles() -> list[str]:
    """How payers can pay the town's money by telephone or bank, as they call it."""
    return [str(way.title) for way in usable(town.current().currency)]


def troubles() -> list[str]:
    """What is missing, a sentence each: for `doctor` and for the page of the desk."""
    said = []
    for slug, table in tables().items():
        try:
            _way(slug, table)
        except Unset as error:
            said.append(str(error))
    return said


def _way(slug: str, table: dict[str, Any]) -> Way:
    name = str(table.get("provider") or slug)
    provider = registry.find(Provider, name)
    if provider is None or len(slug) > 20:
        known = ", ".join(sorted(one.name for one in registry.declared(Provider)))
        raise Unset(f'[payments.{slug}]: provider = "..." is one of {known}')
    given = {"currency": town.current().currency}
    for setting in provider.settings:
        value = _secret(slug, setting.name, str(table.get(setting.name, "")))
        if not value and setting.default is None:
            raise Unset(f"[payments.{slug}] lacks {setting.name}")
        given[setting.name] = value or setting.default or ""
    if "currency" in table:
        given["currency"] = str(table["currency"])
    return Way(slug, provider, table.get("title") or provider.title, given, str(table.get("account", "")))


def _secret(slug: str, name: str, value: str) -> str:
    if value.startswith("env:"):
        found = os.environ.get(value.removeprefix("env:"))
        if not found:
            raise Unset(f"[payments.{slug}] {name}: there is no environment variable {value.removeprefix('env:')}")
        return found.strip()
    if value.startswith("file:"):
        try:
            return Path(value.removeprefix("file:")).read_text("utf-8").strip()
        except OSError as error:
            raise Unset(f"[payments.{slug}] {name}: {error}") from error
    return value


def hidden(way: Way) -> list[str]:
    """The values that no record may hold."""
    return [way.given[one.name] for one in way.provider.settings if one.secret and way.given[one.name]]


def key(slug: str, code: str = EVERY) -> str:
    """The end of an address of callbacks: of one payment, or of the whole way. Nobody can guess it."""
    sign = salted_hmac("ledger.callback", f"{slug}:{code}", algorithm="sha256").hexdigest()[:24]
    return f"{code}.{sign}"


def read_key(slug: str, given: str) -> str | None:
    """The code that it is about, EVERY, or None when it was made up."""
    code = given.partition(".")[0]
    return code if constant_time_compare(given, key(slug, code)) else None


def address(slug: str, code: str = EVERY) -> str:
    """What the provider is told to call."""
    return f"{settings.TOGUNA_URL}{reverse('pay-callback', args=[slug, key(slug, code)])}"
