"""What every page's frame needs: the town, the menus, the languages. No query for a visitor without a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from toguna.engines.people import api as people
from toguna.kernel import access, registry, town
from toguna.kernel.access import NOBODY
from toguna.kernel.web import Page, Section, section_of


def shell(request: HttpRequest) -> dict[str, Any]:
    # Reading the actor costs queries: only where there is a session at all, and never on a page that failed.
    known = settings.SESSION_COOKIE_NAME in request.COOKIES and not getattr(request, "broken", False)
    actor = getattr(request, "actor", NOBODY) if known else NOBODY
    here = request.path
    return {
        "town": town.current(),
        "languages": settings.LANGUAGES,
        "language": (get_language() or settings.LANGUAGE_CODE).split("-")[0],
        "actor": actor,
        "acting": people.mandate_of(request) if known else None,
        "home_pages": entries("home", actor, here),
        "nav_pages": entries("nav", actor, here),
        "desk_sections": sections(actor, here) if known and actor.staff else [],
    }


@dataclass
class Entry:
    """A page in a menu; current: it is the page being read, or the one that this one stands under."""

    page: Page
    url: str
    current: bool = False


def entries(where: str, actor: access.Actor, here: str) -> list[Entry]:
    """The menu's entries that this actor may open."""
    shown = [
        Entry(page, reverse(page.url_name))
        for page in sorted((p for p in registry.declared(Page) if where in p.where), key=lambda p: p.order)
        if not page.permission or access.can(actor, page.permission, anywhere=True)
    ]
    # The entry of this page is the one with the longest address that it starts with: /reports/new is not under /reports/.
    around = [e for e in shown if here == e.url or (e.url != "/" and here.startswith(e.url))]
    if around:
        max(around, key=lambda e: len(e.url)).current = True
    return shown


@dataclass
class Part:
    """A section of the back office, with the pages of it that this actor may open; current: the page being read is one of them."""

    section: Section
    entries: list[Entry]

    @property
    def current(self) -> bool:
        return any(entry.current for entry in self.entries)


def sections(actor: access.Actor, here: str) -> list[Part]:
    by_name: dict[str, list[Entry]] = {}
    for entry in entries("desk", actor, here):
        by_name.setdefault(section_of(entry.page), []).append(entry)
    declared = sorted(registry.declared(Section), key=lambda section: section.order)
    return [Part(section, by_name[section.name]) for section in declared if section.name in by_name]
