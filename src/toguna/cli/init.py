"""`init`: a real town, from flags or from answers."""

from __future__ import annotations

import getpass
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from gettext import gettext as _
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies, list_currencies

from toguna.cli import prepare
from toguna.cli.stopping import Stop
from toguna.kernel import registry, town


def run(args: Namespace, say: Callable[[str], None]) -> int:
    """Writes town.toml, prepares the database, loads what services start with, makes the first administrator."""
    if (here := town.load()) and not args.force:
        raise Stop(
            _("there is a town here already: {name}. --force changes it (its data stays).").format(name=here.name)
        )
    asking = sys.stdin.isatty()

    def answer(given: str | None, question: str, default: str, wrong: Callable[[str], str]) -> str:
        """The flag, else what is typed, else the default; asked again while it is wrong."""
        while True:
            value = given
            if value is None:
                value = (input(f"{question} [{default}]: ").strip() if asking else "") or default
            problem = wrong(value)
            if not problem:
                return value
            if given is not None or not asking:
                raise Stop(f"{question}: {problem}")
            print(problem)

    name = answer(
        args.name, _("Name of the town"), "", lambda v: "" if v.strip() else _("a town needs a name (--name)")
    )
    countries = Locale("en").territories
    country = answer(
        args.country and args.country.upper(), _("Country (two letters)"), "ML",
        lambda v: "" if re.fullmatch("[A-Z]{2}", v) and v in countries else _("no ISO 3166 code, such as SN, ML, CV, GH"),
    )  # fmt: skip
    languages = answer(
        args.languages, _("Languages, the town's own first"), _languages(country),
        lambda v: "" if set(_split(v)) <= set(town.LANGUAGES) and _split(v) else _("choose among fr, pt, en"),
    )  # fmt: skip
    currency = answer(
        args.currency and args.currency.upper(), _("Currency"), next(iter(get_territory_currencies(country)), "XOF"),
        lambda v: "" if v in list_currencies() else _("no ISO 4217 code, such as XOF, CVE, GHS"),
    )  # fmt: skip
    zone = answer(
        args.time_zone, _("Time zone"), _time_zone(country),
        lambda v: "" if v in available_timezones() else _("no time zone, such as Africa/Dakar"),
    )  # fmt: skip
    accent = answer(
        args.accent, _("Accent colour"), "#c8501e",
        lambda v: "" if re.fullmatch("#[0-9a-fA-F]{6}", v) else _("a colour reads #rrggbb"),
    )  # fmt: skip
    email = answer(
        args.admin_email, _("First administrator's e-mail"), "",
        lambda v: "" if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", v) else _("an e-mail address is needed (--admin-email)"),
    )  # fmt: skip
    password = args.admin_password
    if password is None and asking:
        password = getpass.getpass(_("Administrator's password (12 characters at least)") + ": ")
    if not password or len(password) < 12:
        raise Stop(_("the administrator's password has 12 characters at least (--admin-password)"))

    town.write(town.Town(name.strip(), country, _split(languages), currency, zone, accent))
    prepare.everything(say)
    start_data()
    from toguna.engines.people import api

    api.create_staff(
        email=email, password=password, name=args.admin_name or email.partition("@")[0],
        grants=(("administrator", "*", None),), superuser=True,
    )  # fmt: skip
    print(_("{name} is set up.").format(name=name))
    print(_("  ./toguna territory import FILE.osm.pbf   brings in its territory"))
    print(_("  ./toguna serve                           then log in as {email}").format(email=email))
    return 0


def start_data() -> None:
    """What each service starts with (categories, ...). Idempotent; never overwrites an edit."""
    from toguna.kernel.demo import Starter

    for starter in sorted(registry.declared(Starter), key=lambda s: s.order):
        starter.load()


def _split(languages: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in languages.split(",") if part.strip())


def _languages(country: str) -> str:
    """Our languages that are official or widely spoken there, the most official first."""
    known = get_global("territory_languages").get(country, {})
    ours: Sequence[str] = sorted(
        (code for code in town.LANGUAGES if code in known),
        key=lambda code: (known[code]["official_status"] is None, -known[code]["population_percent"]),
    )
    return ",".join(ours or town.LANGUAGES)


def _time_zone(country: str) -> str:
    zones = get_global("territory_zones").get(country, [])
    return zones[0] if zones else "UTC"
