"""What every service is held to, whoever writes it: one class of tests that reads the manifests. It needs pytest.

Inherit it once, in `tests/test_contract.py`, and give it a way to log in. A new service is tested by being there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve, reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

import toguna
from toguna.kernel import access, registry
from toguna.kernel.access import Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.town import LANGUAGES
from toguna.kernel.web import Gate, Page

ROOT = Path(toguna.__file__).parent
NOBODY = "nobody"
# What xgettext is told of our functions: which argument is the text (1 and 2: singular and plural; c: a context).
_KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


def rooms() -> list[str]:
    """The folders that show texts: "kernel", "engines/people", "services/reports"..."""
    found = [ROOT / "kernel", *(ROOT / floor for floor in ("demo", "site"))]
    for floor in ("engines", "services"):
        found += sorted(path.parent for path in (ROOT / floor).glob("*/apps.py"))
    return [str(path.relative_to(ROOT)) for path in found]


def texts(room: str) -> Iterator[tuple[str, str]]:
    """(where, text) of everything in a room's code and templates that is to be translated; of plurals, the singular."""
    for path in sorted((ROOT / room).rglob("*")):
        if "tests" in path.parts or path.suffix not in (".py", ".html", ".txt"):
            continue
        source = path.read_text("utf-8")
        if path.suffix != ".py":
            source = templatize(source)
        for line, message, _comments, context in extract("python", io.BytesIO(source.encode()), _KEYWORDS):
            text = message if isinstance(message, str) else next(m for m in message if m)
            yield f"{path.relative_to(ROOT)}:{line}", f"{context}\x04{text}" if context else text


def untranslated(room: str, language: str) -> list[str]:
    catalog: Any = trans_real.translation(language)._catalog  # type: ignore[attr-defined] # of all rooms together
    known = {key[0] if isinstance(key, tuple) else key for key in catalog.keys()}  # noqa: SIM118 - not a dict
    return [f"{where} {text!r}" for where, text in texts(room) if text and text not in known]


def hidden_texts() -> list[str]:
    """Texts inside an f-string: what gathers texts for the translators does not see them."""
    root = Path(toguna.__file__).parent
    calls = re.compile(r"""\{\s*(?:_|n?gettext(?:_lazy)?)\(""")
    return [
        f"{file.relative_to(root)}:{number}"
        for file in sorted(root.rglob("*.py"))
        if "tests" not in file.parts
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if calls.search(line) and re.search(r"""\bf["']""", line)
    ]


def said_two_ways(language: str) -> list[str]:
    """Texts that two rooms translate differently: they share one catalogue, so one of them would silently win."""
    ways: dict[Any, dict[Any, list[str]]] = {}
    for file in sorted(Path(toguna.__file__).parent.rglob(f"locale/{language}/LC_MESSAGES/django.po")):
        with file.open("rb") as lines:
            for message in read_po(lines, locale=language):
                if message.id and message.string:
                    ways.setdefault((message.context, message.id), {}).setdefault(message.string, []).append(
                        "/".join(file.parts[-6:-3])
                    )
    return [f"{key[1]!r}: {said}" for key, said in ways.items() if len(said) > 1]


def not_said(language: str) -> list[str]:
    """Texts of ours for which people are shown what Django or a library says for the same."""
    catalog: Any = trans_real.translation(language)._catalog  # type: ignore[attr-defined]
    lost = set()
    for file in sorted(Path(toguna.__file__).parent.rglob(f"locale/{language}/LC_MESSAGES/django.po")):
        with file.open("rb") as lines:
            for message in read_po(lines, locale=language):
                strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
                first = message.id if isinstance(message.id, str) else message.id[0]
                name = f"{message.context}\x04{first}" if message.context else first
                for number, said in enumerate(strings):
                    shown = catalog.get(name if isinstance(message.id, str) else (name, number))
                    if first and said and shown != said:
                        lost.add(f"{first!r}: {shown!r}")
    return sorted(lost)


def _every(kind: type[Declaration]) -> list[Any]:
    return [
        pytest.param(d, id=f"{s.name} {type(d).__name__} {d.key() or ''}".strip())
        for s in registry.services()
        for d in s.provides
        if isinstance(d, kind)
    ]


def _tried() -> list[Any]:
    """The declarations that have something to try."""
    return [p for p in _every(Declaration) if type(p.values[0]).trial is not Declaration.trial]


class ServiceContract:
    """Inherit it and say how to log in."""

    def client(self, role: str) -> Client:
        """A client of somebody who is staff with that role for every service, in the whole town."""
        raise NotImplementedError

    def test_nothing_is_wrong_with_the_manifests(self) -> None:
        assert registry.check() == []

    @pytest.mark.django_db
    @pytest.mark.parametrize("declaration", _tried())
    def test_what_is_declared_works(self, declaration: Declaration) -> None:
        for language in LANGUAGES:
            with translation.override(language):
                declaration.trial()

    @pytest.mark.parametrize("page", _every(Page))
    def test_a_menu_shows_a_page_to_those_who_may_open_it(self, page: Page) -> None:
        gate = _gate(page)
        if page.permission:
            assert (gate.who, gate.permission) == ("staff", page.permission)
            assert registry.find(Permission, page.permission)
        else:
            assert gate.who != "staff"

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", [NOBODY, *access.ROLES])
    def test_each_page_opens_to_whom_it_should(self, role: str) -> None:
        client = Client() if role == NOBODY else self.client(role)
        found, expected, kept = {}, {}, []
        for page in registry.declared(Page):
            gate = _gate(page)
            permission = registry.find(Permission, gate.permission) if gate.permission else None
            if role == NOBODY and gate.who != "public":
                expected[page.name] = 302  # to the log-in page
            else:
                expected[page.name] = 403 if permission is not None and role not in permission.roles else 200
            answer = client.get(reverse(page.url_name))
            found[page.name] = answer.status_code
            if gate.who != "public" and answer.status_code == 200 and "no-store" not in answer.get("Cache-Control", ""):
                kept.append(page.name)
        assert found == expected
        assert kept == [], "what is for some alone is kept by no browser"

    @pytest.mark.django_db
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_page_speaks_each_language(self, language: str) -> None:
        client = self.client(access.ADMINISTRATOR)
        for page in registry.declared(Page):
            with translation.override(language):
                title = escape(str(page.title))
            said = client.get(reverse(page.url_name), headers={"accept-language": language}).content.decode()
            assert f'<html lang="{language}"' in said, page.name
            assert title in said, page.name

    @pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])  # the code itself is in English
    @pytest.mark.parametrize("room", rooms())
    def test_every_text_is_translated(self, room: str, language: str) -> None:
        assert untranslated(room, language) == []

    def test_no_two_places_have_one_name(self) -> None:
        """Django gives the last one silently: links of one room would open the page of another."""
        assert {name: places for name, places in named_places() if len(places) > 1} == {}

    def test_no_text_hides_in_an_f_string(self) -> None:
        assert hidden_texts() == []

    @pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
    def test_no_text_is_said_in_two_ways(self, language: str) -> None:
        assert said_two_ways(language) == []

    @pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
    def test_people_are_shown_our_words_not_those_of_a_library(self, language: str) -> None:
        assert not_said(language) == []


def named_places() -> list[tuple[str, list[str]]]:
    """(name, the patterns that it stands for) of all addresses; Django's own admin keeps its names in a namespace."""
    places: dict[str, list[str]] = {}

    def walk(patterns: list[Any], before: str) -> None:
        for one in patterns:
            if isinstance(one, URLResolver):
                if not one.namespace:
                    walk(one.url_patterns, f"{before}{one.pattern}")
            elif one.name:
                places.setdefault(one.name, []).append(f"{before}{one.pattern}")

    walk(get_resolver().url_patterns, "")
    return sorted(places.items())


def _gate(page: Page) -> Gate:
    view: Any = resolve(reverse(page.url_name)).func
    gate = getattr(view, "gate", None)
    assert isinstance(gate, Gate), f"{page.url_name} does not say who may open it"
    return gate
