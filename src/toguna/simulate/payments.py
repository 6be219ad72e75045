"""All stand-ins of payment providers at once, with the lines of town.toml that lead to them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping
from typing import Any

from toguna.simulate.cinetpay import CinetPay
from toguna.simulate.frame import Asked, Company, Reply
from toguna.simulate.money import MoneyCompany
from toguna.simulate.mpesa import Mpesa
from toguna.simulate.mtn import Mtn
from toguna.simulate.orange_money import OrangeMoney
from toguna.simulate.wave import Wave

EVERY: tuple[type[MoneyCompany], ...] = (Mtn, Wave, OrangeMoney, Mpesa, CinetPay)
# What each accepts when it is told nothing else: invented, and of no account anywhere.
GIVEN: dict[str, dict[str, str]] = {
    "mtn": {"api_user": "user", "api_key": "secret", "subscription_key": "key", "disbursement_key": "key"},
    "wave": {"api_key": "key", "webhook_secret": "hook"},
    "orange-money": {"client_id": "id", "client_secret": "secret", "merchant_key": "merchant"},
    "mpesa": {"consumer_key": "key", "consumer_secret": "secret", "short_code": "174379", "passkey": "pass"},
    "cinetpay": {"apikey": "key", "site_id": "100", "secret_key": "secret"},
}
# A bank has no doors of its own: payers transfer with the code, and a statement that is brought says so.
BANK = '[payments.bank]\nholder = "Commune"\naccount = "ML13 ML00 0000 0000 0000 0000 0001"\nbank = "Banque fictive"'


class Payments(Company):
    """Says what to write in town.toml; the payers of pushes confirm after five seconds, those of pages when they press "pay"."""

    name = "payments"
    port = 9320
    known_faults = MoneyCompany.known_faults

    def __init__(self, *, port: int = 0, faults: Mapping[str, float] | None = None, **more: Any) -> None:
        super().__init__(port=port)
        first = port or self.port
        self.companies = [
            company(port=first + number, faults=faults, pays_itself=5, **more)
            for number, company in enumerate(EVERY, 1)
        ]

        for company in self.companies:  # started again it gives no number twice: the town would ask whose it is
            company.numbers = itertools.count(int(time.time()) % 10**8)

    def reply(self, asked: Asked) -> Reply:
        links = "".join(f'<li><a href="{one.url}/">{one.name}</a></li>' for one in self.companies)
        page = f'<!doctype html><html lang="en"><title>payments</title><h1>Stand-ins</h1><ul>{links}</ul>'
        return Reply(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def advice(self) -> str:
        said = ["# in town.toml, for trying:"]
        for company in self.companies:
            pairs = {**GIVEN[company.name], "url": company.url}
            said.append(
                f"[payments.{company.name}]\n" + "\n".join(f'{key} = "{value}"' for key, value in pairs.items())
            )
        return "\n\n".join((*said, BANK))

    def serve(self) -> None:
        for company in self.companies:
            threading.Thread(target=company.serve, daemon=True).start()
        super().serve()
