"""All companies that there are, by name."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import toguna.simulate
from toguna.simulate.frame import Company


def all_of_them() -> dict[str, type[Company]]:
    """{name: its class}, from every module of this room."""
    for module in pkgutil.iter_modules(toguna.simulate.__path__):
        import_module(f"toguna.simulate.{module.name}")
    found: dict[str, type[Company]] = {}
    waiting: list[type[Company]] = [Company]
    while waiting:
        company = waiting.pop()
        waiting.extend(company.__subclasses__())
        if company.name and company.port:
            found[company.name] = company
    return found


def read_faults(text: str, company: type[Company]) -> dict[str, float]:
    """ "lost:0.1,500:0.05" as {fault: share}. Raises ValueError, in words."""
    found = {}
    for pair in filter(None, text.split(",")):
        name, _colon, share = pair.partition(":")
        if name not in company.known_faults:
            raise ValueError(f"{name}? {', '.join(company.known_faults)}")
        found[name] = float(share or 1)
    return found
