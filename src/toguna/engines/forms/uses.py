"""Who uses forms: a service declares it, and is given the answers when somebody has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toguna.engines.forms.models import Filling
from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

DESIGN, COLLECT, ASSIST, READ = "forms.design", "forms.collect", "forms.assist", "forms.read"
KEPT = "forms"  # the service of a form whose answers are only kept, to be counted and downloaded
Subject = tuple[str, str]  # what a filling is for or became: ("case", "123"), ("", "") for nothing


@dataclass(frozen=True)
class FormUse(Declaration):
    """service: its name, as in `Form.service`. on_complete(filling, answers) is called in the transaction that ends the
    filling, with the answers that count; it says what they became. What it raises undoes the whole. address(filling): the page
    where its person goes on with it; counter(filling): where a clerk types it, when it is another."""

    service: str
    on_complete: Callable[[Filling, Mapping[str, Any]], Subject]
    address: Callable[[Filling], str]
    counter: Callable[[Filling], str] | None = None

    def at_counter(self, filling: Filling) -> str:
        return (self.counter or self.address)(filling)

    def key(self) -> str:
        return self.service


def of(service: str) -> FormUse | None:
    return next((use for use in registry.declared(FormUse) if use.service == service), None)
