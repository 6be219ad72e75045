"""The home page, the desk's first page, the style page, and the town's colours."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from toguna.kernel import registry, town
from toguna.kernel.web import HomeBlock, public, staff
from toguna.site.icons import ICONS


@public
def index(request: HttpRequest) -> HttpResponse:
    blocks = [(b.template, b.context()) for b in sorted(registry.declared(HomeBlock), key=lambda b: b.order)]
    return render(request, "home.html", {"blocks": blocks})


@staff()
def desk(request: HttpRequest) -> HttpResponse:
    return render(request, "desk_home.html")


@public
def style(request: HttpRequest) -> HttpResponse:
    """The living style page: every component, as the pages use it."""
    return render(request, "style.html", {"icons": sorted(ICONS)})


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
    """The town's accent, and the ink that is readable on it (WCAG contrast, 4.5 at least)."""
    accent = town.current().accent
    css = f":root{{--accent:{accent};--on-accent:{ink_on(accent)}}}"
    response = HttpResponse(css, content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    return response


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink_on(colour: str) -> str:
    """White or near-black: whichever is more readable on that colour."""
    light = luminance(colour)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.0525 else "#16110c"
