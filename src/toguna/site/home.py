"""The home page, the desk's first page, badges for maps, and the town's colours."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from toguna.kernel import access, registry, town
from toguna.kernel.web import DeskBlock, HomeBlock, Request, public, staff
from toguna.site.icons import ICONS


@public
def index(request: HttpRequest) -> HttpResponse:
    blocks = [(b.template, b.context()) for b in sorted(registry.declared(HomeBlock), key=lambda b: b.order)]
    return render(request, "home.html", {"blocks": blocks})


@staff()
def desk(request: Request) -> HttpResponse:
    """The doors that one may open, and the numbers that a head of service asks for first."""
    declared = sorted(registry.declared(DeskBlock), key=lambda block: (block.order, block.name))
    blocks = [
        (block.title, block.numbers(request.actor))
        for block in declared
        if access.can(request.actor, block.permission, anywhere=True)
    ]
    return render(request, "desk_home.html", {"blocks": blocks})


@public
def badge(request: HttpRequest, name: str) -> HttpResponse:
    """A pictogram as a round badge, for maps."""
    inside = ICONS.get(name, ICONS["pin"])
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48">'
        '<circle cx="24" cy="24" r="21" fill="#fffdf9" stroke="#33418a" stroke-width="2.5"/>'
        f'<g transform="translate(10.8 10.8) scale(1.1)" fill="none" stroke="#33418a" stroke-width="2" stroke-linecap="round" '
        f'stroke-linejoin="round">{inside}</g></svg>'
    )
    response = HttpResponse(svg, content_type="image/svg+xml")
    response["Cache-Control"] = "public, max-age=86400"
    return response


@public
def town_css(request: HttpRequest) -> HttpResponse:
    """The town's accent, the ink that is readable on it, and the accent as a line on our paper, light and dark (WCAG)."""
    accent = town.current().accent
    css = (
        f":root{{--accent:{accent};--on-accent:{ink_on(accent)};--mark:{mark_on(PAPER, accent)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{--mark:{mark_on(PAPER_DARK, accent)}}}}}"
    )
    response = HttpResponse(css, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=86400"
    return response


PAPER, PAPER_DARK = "#fffdf9", "#201c18"  # --paper in toguna.css


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours "#rrggbb", 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def channels(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def ink_on(colour: str) -> str:
    """White or black, whichever is more readable on that colour: 4.58 at least, whatever the colour."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, colour))


def mark_on(paper: str, colour: str) -> str:
    """That colour, taken towards black or white only as far as it must to stand out 3 to 1 on the paper."""
    towards = channels(ink_on(paper))
    for step in range(21):
        mixed = [c + (t - c) * step / 20 for c, t in zip(channels(colour), towards, strict=True)]
        mark = "#" + "".join(f"{round(c * 255):02x}" for c in mixed)
        if contrast(mark, paper) >= 3:
            return mark
    raise AssertionError("black on light paper and white on dark always stand out")
