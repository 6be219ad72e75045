"""What the documentation says is there: its links, its addresses, its commands, its files, its environment."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from toguna.cli import __main__ as cli
from toguna.kernel import places

ROOT = places.checkout()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A place of the machine, an identifier that no page stands at, and what only a demo town shows.
ELSEWHERE = ("/etc/", "/run/", "/srv/", "/mnt/", "/var/", "/akn/", "/fra@", "/style/")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", page.read_text())


def links(page: Path) -> list[Path]:
    found = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    return [(page.parent / link).resolve() for link in found if "://" not in link and not link.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_link_leads_to_a_file(page):
    assert [str(link) for link in links(page) if not link.exists()] == []


def test_each_page_can_be_reached_from_the_readme():
    seen, waiting = set(), [PAGES[0]]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            waiting += links(page)
    assert [name(page) for page in PAGES if page not in seen and page.parent.name != "adr"] == []


ANYTHING = re.compile(r"<[^<>]*>|\(\?P<[^<>]*>[^()]*(?:\([^()]*\)[^()]*)*\)")


@cache
def routes() -> list[list[str]]:
    """The segments of each route of the site, each an expression."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for one in patterns:
            route = before + ANYTHING.sub("\0", str(one.pattern).lstrip("^").rstrip("$")).replace("\\", "")
            yield from walk(one.url_patterns, route) if isinstance(one, URLResolver) else [route]

    found = [route.strip("/").split("/") for route in walk(get_resolver().url_patterns, "")]
    return [[re.escape(part).replace("\\\0", "\0").replace("\0", "[^/]+") for part in route] for route in found]


def opens(address: str) -> bool:
    """Whether some route is this address, where words in capitals stand for anything; one word alone may be the end of a route."""
    said = re.split(r"[?|]", address)[0].strip("/").split("/")

    def same(one: str, route: str) -> bool:
        return re.fullmatch(route, one) is not None

    if len(said) == 1 and any(route[-1] == said[0] for route in routes()):
        return True
    return any(len(route) == len(said) and all(map(same, said, route)) for route in routes())


def test_an_address_that_is_not_there_is_seen():
    assert opens("/desk/assets/") and opens("/pay/REFERENCE") and opens("/isochrone") and opens("/data/NAME.csv|json")
    assert not any(map(opens, ("/desk/nothing/", "/waste/nothing", "/nothing", "/desk/telemetry/xx", "/collect/x")))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_address_is_one_of_the_site(page):
    said = [one.split()[-1] if one.startswith(("GET ", "POST ")) else one for one in spans(page)]
    said = [one for one in said if re.match(r"/[a-z][\w./?=&|-]*$", one) and not one.startswith(ELSEWHERE)]
    assert [one for one in said if not opens(one)] == []


@cache
def commands() -> dict[str, set[str]]:
    """Each command of ./toguna with its options."""
    made = cli.parser()
    (several,) = (action for action in made._actions if isinstance(action, argparse._SubParsersAction))

    def options(one: argparse.ArgumentParser) -> set[str]:
        inner = (a for a in one._actions if isinstance(a, argparse._SubParsersAction))
        return set(one._option_string_actions).union(*(options(p) for p in chain(*(a.choices.values() for a in inner))))

    return {word: options(one) for word, one in several.choices.items()}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_command_is_one_that_there_is(page):
    for word, rest in re.findall(r"\./toguna (?!\.)([a-z]+)\b([^`\n#|;]*)", page.read_text()):
        assert word in commands(), word
        if word not in ("test", "bench", "manage"):
            assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= commands()[word], f"{word}{rest}"


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name != "adr"], ids=name)
def test_each_file_and_setting_is_there(page):
    files = [one for one in spans(page) if re.fullmatch(r"[\w.-]+(/[\w.-]+)+\.(py|js|html|typ|css|sql)", one)]
    roots = [
        ROOT,
        ROOT / "src" / "toguna",
        *(ROOT / "src" / "toguna").glob("*/*/"),
        *(ROOT / "src" / "toguna").glob("*/"),
    ]
    assert [one for one in files if not any((root / one).exists() for root in roots)] == []
    named = set(re.findall(r"TOGUNA_[A-Z]+(?:_[A-Z]+)*", page.read_text()))
    assert named <= settings_read()


@cache
def settings_read() -> set[str]:
    read = chain((ROOT / "src").rglob("*.py"), (ROOT / "bench").glob("*.py"), [ROOT / "conftest.py"])
    return set(chain(*(re.findall(r"TOGUNA_[A-Z]+(?:_[A-Z]+)*", file.read_text()) for file in read)))
