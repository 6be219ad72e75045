"""The page of the service for everybody: a door to each of its parts. A part declares its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import public


@dataclass(frozen=True)
class WasteDoor(Declaration):
    """An entry of /waste/: icon: a pictogram; order: lower first."""

    name: str
    title: Any
    icon: str
    url_name: str
    summary: Any = ""
    order: int = 100


@public
def hub(request: HttpRequest) -> HttpResponse:
    doors = sorted(registry.declared(WasteDoor), key=lambda one: (one.order, one.name))
    return render(request, "waste/hub.html", {"doors": doors})
